// FrameQueue against the simplest thing that could be right: an array of frames.

import Testing

@testable import Daemon
@testable import Platform

/// Frames as arrays, and how much of the first has gone.
private struct NaiveQueue {
    var frames: [[UInt8]] = []
    var begun = false
    let bound: Int

    var count: Int { frames.reduce(0) { $0 + $1.count } }

    mutating func append(_ frame: [UInt8]) -> Bool {
        guard !frame.isEmpty, count + frame.count <= bound else { return false }
        frames.append(frame)
        return true
    }

    mutating func take(_ limit: Int) -> [UInt8] {
        var taken: [UInt8] = []
        while taken.count < limit, !frames.isEmpty {
            let part = min(limit - taken.count, frames[0].count)
            taken += frames[0][..<part]
            frames[0].removeFirst(part)
            begun = !frames[0].isEmpty
            if frames[0].isEmpty { frames.removeFirst() }
        }
        return taken
    }

    mutating func takeRemainder(_ limit: Int) -> [UInt8] { begun ? take(min(limit, frames[0].count)) : [] }

    mutating func dropWaiting() { frames = begun ? [frames[0]] : [] }
}

@Suite("FrameQueue")
struct FrameQueueTests {
    private func take(
        _ queue: inout FrameQueue, _ limit: Int, remainderOnly: Bool = false
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = bytes.withUnsafeMutableBytes {
            remainderOnly ? queue.takeRemainder(into: $0) : queue.take(into: $0)
        }
        return Array(bytes[..<count])
    }

    private func append(_ queue: inout FrameQueue, _ front: [UInt8], _ back: [UInt8]) -> Bool {
        back.withUnsafeBytes { queue.append(front, $0) }
    }

    @Test("does what an array of frames does, over 60,000 random steps")
    func oracle() {
        let seed = SecureRandom.number()
        var random = SeededGenerator(seed: seed)
        var queue = FrameQueue(bound: 700_000)
        var naive = NaiveQueue(bound: 700_000)
        for step in 0..<60_000 {
            let what = Int.random(in: 0..<100, using: &random)
            if what < 55 {
                let large = Int.random(in: 0..<200, using: &random) == 0
                let front = (0..<Int.random(in: 0...9, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                let byte = UInt8.random(in: 0...255, using: &random)
                let back = [UInt8](repeating: byte, count: Int.random(in: 0...(large ? 90_000 : 300), using: &random))
                #expect(append(&queue, front, back) == naive.append(front + back), "seed \(seed), step \(step)")
            } else if what < 90 {
                let limit = Int.random(in: 0...700, using: &random)
                #expect(take(&queue, limit) == naive.take(limit), "seed \(seed), step \(step)")
            } else if what < 98 {
                let limit = Int.random(in: 0...400, using: &random)
                #expect(
                    take(&queue, limit, remainderOnly: true) == naive.takeRemainder(limit), "seed \(seed), step \(step)"
                )
            } else if what == 98 {
                queue.dropWaiting()
                naive.dropWaiting()
            } else {
                let limit = 400_000
                #expect(take(&queue, limit) == naive.take(limit), "seed \(seed), step \(step)")
            }
            #expect(queue.count == naive.count, "seed \(seed), step \(step)")
            #expect(queue.frames == naive.frames.count, "seed \(seed), step \(step)")
            #expect(queue.isEmpty == naive.frames.isEmpty, "seed \(seed), step \(step)")
            if queue.count != naive.count { return }
        }
    }

    @Test("A15: what does not fit is not kept, not even in part")
    func bound() {
        var queue = FrameQueue(bound: 10)
        #expect(append(&queue, [1, 2], [3, 4, 5]) == true)
        #expect(append(&queue, [6, 7], [8, 9, 10, 11]) == false)
        #expect(append(&queue, [6], [7, 8, 9, 10]) == true)
        #expect(queue.count == 10 && queue.frames == 2)
        #expect(take(&queue, 100) == Array(1...10))
        #expect(queue.isEmpty && queue.frames == 0)
    }

    @Test("an empty frame is none")
    func empty() {
        var queue = FrameQueue(bound: 10)
        #expect(append(&queue, [], []) == false)
        #expect(queue.frames == 0)
    }

    @Test("A27: a begun frame can be finished without touching the next")
    func remainder() {
        var queue = FrameQueue(bound: 100)
        #expect(append(&queue, [1, 2, 3], [4]) == true)
        #expect(append(&queue, [5], [6]) == true)
        #expect(take(&queue, 100, remainderOnly: true) == [], "nothing is begun")
        #expect(take(&queue, 1) == [1])
        #expect(queue.remainder == 3)
        #expect(take(&queue, 2, remainderOnly: true) == [2, 3])
        #expect(take(&queue, 100, remainderOnly: true) == [4])
        #expect(take(&queue, 100) == [5, 6])
    }

    @Test("dropping keeps the frame that was begun, so that the stream stays readable")
    func dropping() {
        var queue = FrameQueue(bound: 100)
        #expect(append(&queue, [1, 2], [3]) == true)
        #expect(append(&queue, [4], [5]) == true)
        #expect(take(&queue, 1) == [1])
        queue.dropWaiting()
        #expect(queue.frames == 1 && queue.count == 2)
        #expect(append(&queue, [9], []) == true)
        #expect(take(&queue, 100) == [2, 3, 9])
    }
}
