// A one-time name for an edge of the mesh, or for a prefix at its origin: what lets a route through a dead edge be told
// from a fresh one.
//
// For each session x→y, x draws a secret and publishes a hash of it beside its own hop in every path that leaves through
// y. When the session ends, x reveals the secret. Whoever holds a path with that token then knows that the path is gone,
// however long ago and by whomever it was announced; and nobody but x can say so. A new session has a new token, so
// nothing needs a counter, a clock or memory across restarts.

/// The published hash, 12 bytes.
package struct EdgeToken: Hashable, Sendable {
    /// Bytes 0–7.
    package var high: UInt64
    /// Bytes 8–11.
    package var low: UInt32

    package init(high: UInt64, low: UInt32) {
        self.high = high
        self.low = low
    }
}
