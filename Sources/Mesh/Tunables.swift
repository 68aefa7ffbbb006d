// Every time and bound of the node, with the value that the protocol pages give; tests and operators may change them.

/// Times in milliseconds unless a name says otherwise.
package struct Tunables: Hashable, Sendable {
    // Liveness.
    package var pingInterval: Int64 = 2_000
    /// An unanswered Ping is repeated after this, and one ambiguous sample is thrown away (W6).
    package var pongTimeout: Int64 = 30_000
    /// A link without a byte for this long is dead.
    package var deadAfter: Int64 = 45_000
    /// The same between our own nodes, which never drop a Pong: a black hole or a hung process is found within 3.5 s
    /// (D2, D3), and an answer may be two seconds late (D16).
    package var ownPingInterval: Int64 = 1_000
    package var ownDeadAfter: Int64 = 3_000
    /// How long an old link may stay silent when a new one of the same peer comes (A26).
    package var probeWait: Int64 = 1_000
    /// At most one change of the live link in this time where two hosts share an identity (B7).
    package var identityHold: Int64 = 60_000

    // Announcements.
    package var refreshInterval: Int64 = 20_000
    package var coalescing: Int64 = 10
    package var pacing: Int64 = 50
    /// A latency is told again when it moved by more than this many microseconds and by a tenth.
    package var deadBand: UInt64 = 5_000

    // Routes.
    package var routeLifetime: Int64 = 75_000
    /// The messages of one full announcement of a v1 peer follow one another faster than this.
    package var roundGap: Int64 = 1_000
    /// What a v1 peer's round did not name is removed after this.
    package var staleLifetime: Int64 = 35_000
    /// Microseconds by which another route must be better, or more, to replace the present one (C14).
    package var hysteresis: UInt64 = 10_000
    /// Accepted routes a peer; and the bound that no configuration can lift.
    package var maximumPrefixes = 10_000
    package var hardMaximumPrefixes = 65_536
    /// Rejected routes that are kept with their reason, a peer.
    package var maximumRejected = 1_024

    // Dialling.
    package var dialBackoffFirst: Int64 = 250
    package var dialBackoffLast: Int64 = 10_000
    package var refusalBackoffFirst: Int64 = 1_000
    package var refusalBackoffLast: Int64 = 60_000
    /// Towards v1 nodes that hold another link with us.
    package var duplicateBackoff: Int64 = 100_000
    /// A peer entry that leads to ourselves.
    package var ownIdentityBackoff: Int64 = 600_000

    // Distributed config.
    package var configInterval: Int64 = 30_000
    /// Seconds that an issue time may lie ahead.
    package var configTolerance: Int64 = 300
    /// One verification a peer in this time, beyond a burst.
    package var verificationInterval: Int64 = 10_000
    package var verificationBurst = 3

    // Bounds.
    package var maximumLinks = 4_096
    /// Bytes of messages kept for a link that waits for the probe of an older one.
    package var maximumPendingBytes = 4 << 20
    /// Peers without configuration that are remembered after they went.
    package var maximumSeenPeers = 256

    package init() {}
}
