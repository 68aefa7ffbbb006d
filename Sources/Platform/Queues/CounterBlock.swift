// Counters in flat memory: one thread counts, any thread reads.

import Synchronization

/// A fixed number of 64-bit counters. Each has one writer, so counting is a plain load and store, not a locked
/// instruction; a reader sees each counter whole, though not all of them of the same moment.
package final class CounterBlock: @unchecked Sendable {
    package let count: Int
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>

    package init(count: Int) {
        self.count = max(1, count)
        cells = .allocate(capacity: self.count)
        for index in 0..<self.count { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: count)
        cells.deallocate()
    }

    /// Adds, wrapping. By the counter's one writer. An index outside does nothing.
    package func add(_ index: Int, _ amount: UInt64 = 1) {
        guard index >= 0 && index < count else { return }
        let cell = cells + index
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// Sets to zero; by the counter's one writer, or while nobody counts.
    package func clear(_ range: Range<Int>) {
        for index in range.clamped(to: 0..<count) { (cells + index).pointee.store(0, ordering: .relaxed) }
    }

    /// From any thread; 0 outside.
    package subscript(index: Int) -> UInt64 {
        guard index >= 0 && index < count else { return 0 }
        return (cells + index).pointee.load(ordering: .relaxed)
    }
}
