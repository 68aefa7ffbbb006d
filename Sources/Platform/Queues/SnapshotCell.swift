// One current value, replaced by one thread and read by others without a lock or a reference count.
//
// A reader pins itself: it writes the version that it saw into its slot and then loads the pointer. The writer
// replaces the pointer, raises the version, and keeps the old object until every slot is idle or holds a version that
// is at least as new. If a reader got the old pointer, its slot was written before the pointer was replaced (the
// operations are sequentially consistent), so the writer finds the older version there and waits.

import Synchronization

package final class SnapshotCell<Value: AnyObject & Sendable>: @unchecked Sendable {
    private static var idle: UInt64 { .max }

    private let current: Atomic<UnsafeRawPointer>
    private let version = Atomic<UInt64>(1)
    private let slots: UnsafeMutablePointer<Atomic<UInt64>>
    private let stride = 16
    /// How many readers there are, numbered from 0.
    package let readers: Int
    // The writer's: objects that a reader may still look at, with the version that replaced each.
    private var retired: [(version: UInt64, value: Value)] = []
    private var newest: Value

    package init(_ value: Value, readers: Int) {
        self.readers = max(1, readers)
        newest = value
        current = Atomic(UnsafeRawPointer(Unmanaged.passUnretained(value).toOpaque()))
        // A cache line (128 bytes) a reader.
        slots = .allocate(capacity: self.readers * stride)
        for index in 0..<self.readers * stride { (slots + index).initialize(to: Atomic(Self.idle)) }
    }

    deinit {
        slots.deinitialize(count: readers * stride)
        slots.deallocate()
    }

    // MARK: The writing thread

    /// The value that was published last.
    package var value: Value { newest }

    /// How many replaced values are still kept for a reader.
    package var retiredCount: Int { retired.count }

    /// Makes `value` current, and lets go of older ones that nobody reads any more.
    package func publish(_ value: Value) {
        current.store(
            UnsafeRawPointer(Unmanaged.passUnretained(value).toOpaque()), ordering: .sequentiallyConsistent)
        let raised = version.add(1, ordering: .sequentiallyConsistent).newValue
        retired.append((raised, newest))
        newest = value
        reclaim()
    }

    /// Lets go of replaced values that no reader can hold. Call it now and then when nothing is published.
    package func reclaim() {
        guard !retired.isEmpty else { return }
        var oldest = Self.idle
        for reader in 0..<readers {
            oldest = min(oldest, slots[reader * stride].load(ordering: .sequentiallyConsistent))
        }
        retired.removeAll { $0.version <= oldest }
    }

    // MARK: A reading thread

    /// Runs `body` with the current value, pinned until it returns; not nested. Once a batch: it costs some 5 ns.
    /// - Parameter reader: this thread's number, below `readers`; no other thread uses it.
    package func read<Answer>(as reader: Int, _ body: (Value) -> Answer) -> Answer {
        let slot = slots + reader * stride
        slot.pointee.store(version.load(ordering: .sequentiallyConsistent), ordering: .sequentiallyConsistent)
        let pointer = current.load(ordering: .sequentiallyConsistent)
        defer { slot.pointee.store(Self.idle, ordering: .sequentiallyConsistent) }
        return Unmanaged<Value>.fromOpaque(pointer)._withUnsafeGuaranteedRef { body($0) }
    }
}
