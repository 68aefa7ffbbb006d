// What stands between threads: the packet ring, snapshots and counters, alone and under stress with a printed seed.

import Synchronization
import Testing

@testable import Platform

@Suite("Queues")
struct QueueTests {
    private func fill(_ ring: PacketRing, tag: UInt32, _ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { ring.append(tag: tag, $0) }
    }

    private func drain(_ ring: PacketRing, budget: Int = .max) -> [(UInt32, [UInt8])] {
        var records: [(UInt32, [UInt8])] = []
        ring.consume(budget: budget) { tag, bytes in records.append((tag, Array(bytes))) }
        return records
    }

    @Test("what is appended is unseen until it is published, and then comes in order")
    func order() throws {
        let ring = try PacketRing(capacity: 0)
        #expect(fill(ring, tag: 1, [1]))
        #expect(fill(ring, tag: 2, []))
        #expect(fill(ring, tag: 3, Array(0..<9)))
        #expect(drain(ring).isEmpty)
        ring.publish()
        let records = drain(ring)
        #expect(records.map(\.0) == [1, 2, 3])
        #expect(records.map(\.1) == [[1], [], Array(0..<9)])
        #expect(ring.isEmpty)
    }

    @Test("a full ring refuses and counts; so does a packet that is too large")
    func full() throws {
        let ring = try PacketRing(capacity: 262_144)
        let packet = [UInt8](repeating: 9, count: 65_528)
        #expect((0..<4).allSatisfy { fill(ring, tag: $0, packet) })
        #expect(!fill(ring, tag: 4, []))
        #expect(!fill(ring, tag: 5, [UInt8](repeating: 0, count: 65_576)))
        #expect(ring.dropped == 2)
        ring.publish()
        #expect(drain(ring).map(\.0) == [0, 1, 2, 3])
        #expect(fill(ring, tag: 6, packet))
    }

    @Test("the bell rings when the ring was empty, not again before it was emptied, and for what a budget left")
    func bell() throws {
        let ring = try PacketRing(capacity: 0)
        func isRinging() throws -> Bool {
            let reactor = try Reactor()
            _ = try reactor.add(ring.bell.descriptor, interest: .readable, handler: Recorder())
            return try reactor.turn(deadline: 0) == 1
        }
        _ = fill(ring, tag: 0, [0])
        ring.publish()
        #expect(try isRinging())
        ring.bell.clear()
        _ = fill(ring, tag: 1, [0])
        ring.publish()
        #expect(try !isRinging())
        #expect(drain(ring, budget: 1).count == 1)
        #expect(try isRinging())
        #expect(drain(ring).count == 1)
        #expect(try !isRinging())
        ring.publish()
        #expect(try !isRinging())
    }

    @Test("two threads, random sizes and batches: every packet comes once, in order and whole, and none sleeps on")
    func ringStress() throws {
        let seed = runSeed
        let ring = try PacketRing(capacity: 262_144)
        let total = 200_000
        let producer = try WorkerThread.start(name: "producer") {
            var random = SeededGenerator(seed: seed)
            var number: UInt32 = 0
            while Int(number) < total {
                for _ in 0..<Int.random(in: 1...40, using: &random) where Int(number) < total {
                    // Mostly small, now and then large enough to run the ring full and around its end.
                    let isLarge = Int.random(in: 0..<200, using: &random) == 0
                    let count = Int.random(in: isLarge ? 20_000...65_575 : 0...200, using: &random)
                    let packet = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: count)
                    while !packet.withUnsafeBytes({ ring.append(tag: number, $0) }) { ring.publish() }
                    number += 1
                }
                ring.publish()
            }
        }
        var random = SeededGenerator(seed: seed &+ 1)
        var (expected, damaged) = (UInt32(0), 0)
        let reactor = try Reactor()
        _ = try reactor.add(ring.bell.descriptor, interest: .readable, handler: Recorder())
        while Int(expected) < total {
            // Only the bell wakes this thread: a ring that is lost shows as a turn that runs into its deadline.
            let woken = try reactor.turn(deadline: SystemClock.now() + 20_000_000)
            try #require(woken == 1, "lost wake-up at \(expected), seed \(seed)")
            ring.consume(budget: Int.random(in: 1...100, using: &random)) { tag, bytes in
                if tag != expected || !bytes.allSatisfy({ $0 == UInt8(truncatingIfNeeded: tag) }) { damaged += 1 }
                expected = tag &+ 1
            }
        }
        producer.join()
        #expect(damaged == 0, "seed \(seed)")
        #expect(ring.isEmpty)
    }

    /// Counts how many live, and knows whether it was let go.
    private final class Tracked: Sendable {
        static let living = Atomic<Int>(0)
        let number: Int
        let check: Atomic<Int>
        init(_ number: Int) {
            self.number = number
            check = Atomic(number)
            Self.living.add(1, ordering: .relaxed)
        }
        deinit {
            check.store(-1, ordering: .relaxed)
            Self.living.subtract(1, ordering: .relaxed)
        }
    }

    @Test("a replaced value is kept while a reader holds it, and let go afterwards")
    func snapshotRetirement() {
        let cell = SnapshotCell(Tracked(1), readers: 2)
        cell.read(as: 0) { held in
            cell.publish(Tracked(2))
            cell.publish(Tracked(3))
            #expect(cell.retiredCount == 2)
            #expect(held.check.load(ordering: .relaxed) == 1)
            cell.read(as: 1) { #expect($0.number == 3) }
        }
        cell.reclaim()
        #expect(cell.retiredCount == 0)
        #expect(cell.value.number == 3)
    }

    @Test("three readers under a writer: never a value that was let go, never one that goes back")
    func snapshotStress() throws {
        let cell = SnapshotCell(Tracked(0), readers: 3)
        let isDone = Done()
        let threads = try (0..<3).map { reader in
            try WorkerThread.start(name: "reader") {
                var last = 0
                while !isDone.flag.load(ordering: .relaxed) {
                    cell.read(as: reader) { value in
                        if value.check.load(ordering: .relaxed) != value.number || value.number < last {
                            isDone.faults.add(1, ordering: .relaxed)
                        }
                        last = value.number
                    }
                }
            }
        }
        for number in 1...100_000 { cell.publish(Tracked(number)) }
        isDone.flag.store(true, ordering: .relaxed)
        threads.forEach { $0.join() }
        #expect(isDone.faults.load(ordering: .relaxed) == 0)
        cell.reclaim()
        #expect(cell.retiredCount == 0)
    }

    private final class Done: Sendable {
        let flag = Atomic(false)
        let faults = Atomic(0)
    }

    @Test("counters add, wrap and ignore what is outside")
    func counters() throws {
        let block = try CounterBlock(count: 2)
        block.add(0, .max)
        block.add(0, 3)
        block.add(7)
        block.add(-1)
        #expect((block[0], block[1], block[7], block[-1]) == (2, 0, 0, 0))
    }
}
