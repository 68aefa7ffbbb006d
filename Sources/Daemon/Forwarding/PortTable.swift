// A worker's ports by vif index, without reference counts on the way of a packet.

/// Holds its ports; one thread.
struct PortTable: ~Copyable {
    private let entries: UnsafeMutablePointer<Unmanaged<VifPort>?>
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        entries = .allocate(capacity: capacity)
        entries.initialize(repeating: nil, count: capacity)
    }

    deinit {
        for index in 0..<capacity { entries[index]?.release() }
        entries.deallocate()
    }

    /// Replaces the port of an index; one outside the table is ignored.
    mutating func set(_ index: Int, _ port: VifPort?) {
        guard index >= 0 && index < capacity else { return }
        let old = entries[index]
        entries[index] = port.map { Unmanaged.passRetained($0) }
        old?.release()
    }

    /// Runs `body` with the port of an index; nil if there is none.
    @inline(__always)
    func with<Answer>(_ index: Int, _ body: (VifPort) -> Answer) -> Answer? {
        guard index >= 0 && index < capacity, let entry = entries[index] else { return nil }
        return entry._withUnsafeGuaranteedRef { body($0) }
    }
}
