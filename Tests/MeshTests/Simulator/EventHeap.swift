// The future of a simulation: what happens next, ties in the order in which they were planned.

import Routing

/// A binary heap of things to happen, by time and then by order of entry.
struct EventHeap<Item> {
    private var items: [(time: Int64, order: UInt64, item: Item)] = []
    private var count: UInt64 = 0

    var isEmpty: Bool { items.isEmpty }
    var nextTime: Int64? { items.first?.time }

    mutating func push(_ item: Item, at time: Int64) {
        items.append((time, count, item))
        count += 1
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBefore(child, parent) else { break }
            items.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> (time: Int64, item: Item)? {
        guard let first = items.first else { return nil }
        let last = items.removeLast()
        if !items.isEmpty {
            items[0] = last
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && isBefore(child, least) {
                    least = child
                }
                guard least != parent else { break }
                items.swapAt(least, parent)
                parent = least
            }
        }
        return (first.time, first.item)
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (items[left].time, items[left].order) < (items[right].time, items[right].order)
    }
}

/// SplitMix64, so that a seed is a whole trial.
struct SimRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
