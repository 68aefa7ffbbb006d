// Counters in flat memory: one thread counts, any thread reads.

import CLinux
import Synchronization

/// A fixed number of 64-bit counters. Each has one writer, so counting is a plain load and store, not a locked
/// instruction; a reader sees each counter whole, though not all of them of the same moment. Counters that are never
/// used take no memory.
package final class CounterBlock: @unchecked Sendable {
    package let count: Int
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>

    /// - Throws: when there is no memory for them.
    package init(count: Int) throws(PlatformError) {
        self.count = max(1, count)
        guard let memory = linux_map(self.count * 8) else {
            throw .system(call: "mmap", subject: "counters", code: ErrorCode(rawValue: ENOMEM))
        }
        // Zero bytes are an `Atomic(0)`, which has no other state; touching each would make all pages resident.
        cells = memory.bindMemory(to: Atomic<UInt64>.self, capacity: self.count)
    }

    deinit { linux_unmap(cells, count * 8) }

    /// Adds, wrapping. By the counter's one writer. An index outside does nothing.
    @inline(__always)
    package func add(_ index: Int, _ amount: UInt64 = 1) {
        guard index >= 0 && index < count else { return }
        let cell = cells + index
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// From any thread; 0 outside.
    package subscript(index: Int) -> UInt64 {
        guard index >= 0 && index < count else { return 0 }
        return (cells + index).pointee.load(ordering: .relaxed)
    }
}
