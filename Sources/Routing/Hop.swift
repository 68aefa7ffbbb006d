// One hop of an announced path, as protocol v1 says it.

/// A hop: who announced, and that node's latency to the one it announced to.
package struct Hop: Hashable, Sendable {
    package var id: NodeID
    /// Milliseconds; `Hop.unknownLatency` where the node had not measured.
    package var latency: UInt32

    /// v1's "not measured yet": 0xFFFFFFFF.
    package static let unknownLatency: UInt32 = .max

    package init(id: NodeID, latency: UInt32) {
        self.id = id
        self.latency = latency
    }
}
