// Which counter row belongs to which link: kept by the control thread, read by the workers.

import Platform

/// One state of the assignment, in flat memory: an open-addressed table, at most half full.
final class LinkSlots: @unchecked Sendable {
    // Unchecked: the memory is written in `init` only.

    /// For workers; valid while the object is held.
    struct View {
        fileprivate let entries: UnsafePointer<UInt64>
        fileprivate let mask: Int

        /// The slot of a link, 0 for one that has none.
        @inline(__always)
        func slot(of link: UInt32) -> Int {
            var place = Int(link) & mask
            while case let entry = entries[place], entry != 0 {
                if UInt32(truncatingIfNeeded: entry &>> 32) == link { return Int(entry & 0xFFFF_FFFF) }
                place = (place &+ 1) & mask
            }
            return 0
        }
    }

    let view: View
    private let memory: UnsafeMutablePointer<UInt64>

    /// - Parameter slots: 1 and above, by link.
    init(_ slots: [UInt32: Int]) {
        var capacity = 4
        while capacity < slots.count * 2 { capacity *= 2 }
        memory = .allocate(capacity: capacity)
        memory.initialize(repeating: 0, count: capacity)
        for (link, slot) in slots {
            var place = Int(link) & (capacity - 1)
            while memory[place] != 0 { place = (place + 1) & (capacity - 1) }
            memory[place] = UInt64(link) << 32 | UInt64(slot)
        }
        view = View(entries: UnsafePointer(memory), mask: capacity - 1)
    }

    deinit { memory.deallocate() }
}

/// The control thread's side: gives rows to links, 1,024 at most; links beyond share row 0.
struct LinkLedger {
    private struct Account {
        let slot: Int
        /// What the row held when the link got it.
        let baseline: [UInt64]
    }

    private var accounts: [UInt32: Account] = [:]
    private var free: [Int] = Array((1..<CounterRows.linkSlots).reversed())

    /// Makes `links` those that have rows. Nil if nothing changed.
    mutating func update(_ links: some Sequence<UInt32>, in blocks: [CounterBlock]) -> LinkSlots? {
        let wanted = Set(links)
        var hasChanged = false
        for (link, account) in accounts where !wanted.contains(link) {
            accounts[link] = nil
            free.append(account.slot)
            hasChanged = true
        }
        for link in wanted.sorted() where accounts[link] == nil {
            guard let slot = free.popLast() else { break }
            let baseline = CounterRows.values(at: CounterRows.link(slot: slot), in: blocks)
            accounts[link] = Account(slot: slot, baseline: baseline)
            hasChanged = true
        }
        return hasChanged ? LinkSlots(accounts.mapValues(\.slot)) : nil
    }

    /// What went through a link since it has a row; nil if it has none.
    func counters(of link: UInt32, in blocks: [CounterBlock]) -> TrafficCounters? {
        guard let account = accounts[link] else { return nil }
        let now = CounterRows.values(at: CounterRows.link(slot: account.slot), in: blocks)
        return CounterRows.counters(zip(now, account.baseline).map { $0 &- $1 })
    }
}
