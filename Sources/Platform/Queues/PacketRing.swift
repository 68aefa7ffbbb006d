// Packets from one thread to one other: a ring of variable-size records in flat memory.
//
// A record is 8 bytes of header (tag, length) and the packet, padded to 8. Records never wrap: one that does not fit
// before the end is preceded by a marker that sends the reader to the start, so a packet is always one piece and may be
// changed in place. Positions count bytes for ever and are masked on use.
//
//     producer: append, append, … → publish        consumer: bell → clear → consume
//
// The bell is rung only when the ring may have been found empty: `publish` stores the tail and then loads the head;
// the consumer stores the head and then loads the tail. All four are sequentially consistent, so in the one order that
// all threads agree on either the consumer sees the new tail, or the producer sees that everything before it had been
// consumed and rings. (With acquire/release alone both could miss each other, on x86 too.)

import Synchronization

package final class PacketRing: @unchecked Sendable {
    /// The largest record's payload in bytes: an IPv6 header and the longest payload.
    package static let maximumPayload = 65_575
    private static let skip = UInt32.max
    private static let line = 128

    /// Bytes of memory for records, a power of two.
    package let capacity: Int
    /// Readable for the consumer when records wait.
    package let bell: Wakeup

    private let block: UnsafeMutableRawPointer
    private let records: UnsafeMutableRawPointer
    // On cache lines of their own, each written by one side.
    private let head: UnsafeMutablePointer<Atomic<Int>>
    private let tail: UnsafeMutablePointer<Atomic<Int>>
    private let drops: UnsafeMutablePointer<Atomic<UInt64>>
    // The producer's: where the next record goes, what is published, what the head was when last looked at.
    private let producer: UnsafeMutablePointer<Producer>

    private struct Producer {
        var written = 0
        var published = 0
        var knownHead = 0
    }

    /// - Parameter capacity: bytes; rounded up to a power of two, 256 KiB at least, 1 GiB at most.
    package init(capacity wanted: Int) throws(PlatformError) {
        var capacity = 262_144
        while capacity < wanted && capacity < 1 << 30 { capacity *= 2 }
        self.capacity = capacity
        bell = try Wakeup()
        block = .allocate(byteCount: 3 * Self.line + capacity, alignment: Self.line)
        head = (block + 0).bindMemory(to: Atomic<Int>.self, capacity: 1)
        head.initialize(to: Atomic(0))
        tail = (block + Self.line).bindMemory(to: Atomic<Int>.self, capacity: 1)
        tail.initialize(to: Atomic(0))
        drops = (block + Self.line + 16).bindMemory(to: Atomic<UInt64>.self, capacity: 1)
        drops.initialize(to: Atomic(0))
        producer = (block + 2 * Self.line).bindMemory(to: Producer.self, capacity: 1)
        producer.initialize(to: Producer())
        records = block + 3 * Self.line
    }

    deinit {
        head.deinitialize(count: 1)
        tail.deinitialize(count: 1)
        drops.deinitialize(count: 1)
        block.deallocate()
    }

    /// Records that `append` refused. From any thread.
    package var dropped: UInt64 { drops.pointee.load(ordering: .relaxed) }

    /// Whether nothing is published that was not consumed; exact only for the consumer.
    package var isEmpty: Bool {
        head.pointee.load(ordering: .sequentiallyConsistent) == tail.pointee.load(ordering: .sequentiallyConsistent)
    }

    // MARK: The producing thread

    /// Puts a record behind the others, unseen until `publish`. False, and counted, if the ring is full or the packet
    /// larger than `maximumPayload`.
    package func append(tag: UInt32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= Self.maximumPayload, let place = reserve(8 + (bytes.count + 7) & ~7) else {
            drops.pointee.store(drops.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
            return false
        }
        place.storeBytes(of: tag, as: UInt32.self)
        place.storeBytes(of: UInt32(truncatingIfNeeded: bytes.count), toByteOffset: 4, as: UInt32.self)
        if let base = bytes.baseAddress { (place + 8).copyMemory(from: base, byteCount: bytes.count) }
        return true
    }

    /// Shows what was appended to the consumer, and wakes it if it may sleep. Once a batch.
    package func publish() {
        let before = producer.pointee.published
        let now = producer.pointee.written
        guard now != before else { return }
        tail.pointee.store(now, ordering: .sequentiallyConsistent)
        producer.pointee.published = now
        let consumed = head.pointee.load(ordering: .sequentiallyConsistent)
        producer.pointee.knownHead = consumed
        if consumed == before { bell.ring() }
    }

    /// Room for `size` bytes in one piece, a multiple of 8; nil if there is none.
    private func reserve(_ size: Int) -> UnsafeMutableRawPointer? {
        let offset = producer.pointee.written & (capacity - 1)
        let rest = capacity - offset
        let needed = size <= rest ? size : rest + size
        if producer.pointee.written + needed - producer.pointee.knownHead > capacity {
            producer.pointee.knownHead = head.pointee.load(ordering: .acquiring)
            guard producer.pointee.written + needed - producer.pointee.knownHead <= capacity else { return nil }
        }
        producer.pointee.written += needed
        guard size > rest else { return records + offset }
        (records + offset).storeBytes(of: Self.skip, toByteOffset: 4, as: UInt32.self)
        return records
    }

    // MARK: The consuming thread

    /// Calls `body` with each record in order, `budget` at most. The bytes are `body`'s until it returns. If records
    /// are left the bell is rung again, so the next turn comes by itself.
    /// - Returns: how many records were consumed.
    @discardableResult
    package func consume(budget: Int, _ body: (UInt32, UnsafeMutableRawBufferPointer) -> Void) -> Int {
        bell.clear()
        var position = head.pointee.load(ordering: .relaxed)
        var count = 0
        while true {
            let end = tail.pointee.load(ordering: .sequentiallyConsistent)
            if position == end { return count }
            while position != end && count < budget {
                let record = records + (position & (capacity - 1))
                let length = record.load(fromByteOffset: 4, as: UInt32.self)
                if length == Self.skip {
                    position += capacity - (position & (capacity - 1))
                    continue
                }
                let tag = record.load(as: UInt32.self)
                body(tag, UnsafeMutableRawBufferPointer(start: record + 8, count: Int(length)))
                position += 8 + (Int(length) + 7) & ~7
                count += 1
                // Room is given back along the way, so that a producer at full speed does not drop for a whole batch.
                if count & 63 == 0 { head.pointee.store(position, ordering: .sequentiallyConsistent) }
            }
            head.pointee.store(position, ordering: .sequentiallyConsistent)
            if count >= budget {
                if position != tail.pointee.load(ordering: .sequentiallyConsistent) { bell.ring() }
                return count
            }
        }
    }
}
