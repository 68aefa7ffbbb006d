// What the management API may read of a node. Values, made when they are asked for; a page at a time where they are many.
import Routing
import Wire

/// api.md's words for a peer's state.
package enum PeerStatus: String, Hashable, Sendable, CaseIterable {
    case disabled, idle, connecting, handshaking, up, backoff, refused
}

/// The latency to a peer, over the last ten answers.
package struct LatencyView: Hashable, Sendable {
    /// Microseconds; nil while nothing was measured.
    package var last: UInt64?
    package var mean: UInt64?
    package var minimum: UInt64?
    package var maximum: UInt64?
    package var smoothed: UInt64?
    package var jitter: UInt64?
    package var samples = 0
    package var probesSent: UInt64 = 0
    package var probesLost: UInt64 = 0
}

/// How a peer stands with the distributed config.
package struct ConfigSyncView: Hashable, Sendable {
    package enum Status: String, Hashable, Sendable, CaseIterable {
        case unknown, inSync = "in_sync", behind, ahead, none
    }
    package var status = Status.unknown
    /// What the peer last sent, if it was verified.
    package var mark: ConfigMark?
    package var lastSent: Instant?
    package var lastReceived: Instant?
}

/// One peer: configured, seen, or both.
package struct PeerView: Sendable {
    /// The name that people use: CommonName, bound name, or "sha256:…".
    package var name: String
    package var id: NodeID?
    package var configuration: ConfiguredPeer?
    package var status: PeerStatus
    package var statusSince: Instant
    package var link: LinkID?
    package var info: LinkInfo?
    /// Dials since the last success.
    package var attempts: Int
    package var retryAt: Instant?
    package var lastError: (at: Instant, code: String, detail: String)?
    package var latency: LatencyView
    package var routesReceived: Int
    package var routesAccepted: Int
    package var routesRejected: Int
    package var routesAdvertised: Int
    package var routesLimit: Int
    /// By reason, since the start of the process.
    package var rejected: [RouteReason: UInt64]
    /// Session ends by code, since the start of the process.
    package var sessionEnds: [String: UInt64]
    package var configSync: ConfigSyncView
    package var warnings: [String]
}

/// One route of the table with every candidate.
package struct RouteView: Sendable {
    package var prefix: Prefix
    /// The selected one first, the rejected ones last.
    package var candidates: [CandidateView]
    package var selected: CandidateView? { candidates.first.flatMap { $0.status == .selected ? $0 : nil } }
}

/// One way to a prefix.
package struct CandidateView: Sendable {
    package enum Status: String, Hashable, Sendable, CaseIterable {
        case selected, alternate, rejected
    }
    /// Nil for a local route.
    package var link: LinkID?
    package var peerID: NodeID?
    package var peerName: String?
    package var local: LocalRoute?
    package var path: [Hop]
    /// Microseconds; nil where a part of the path is not measured.
    package var cost: UInt64?
    package var status: Status
    package var reason: RouteReason
    /// For hysteresis and within_hysteresis: the cost at which the other one would take over, microseconds.
    package var threshold: UInt64?
    package var firstSeen: Instant
    package var updated: Instant
    /// Nil for a local route.
    package var expires: Instant?
}

/// A page of routes and where to go on.
package struct RoutePage: Sendable {
    package var routes: [RouteView]
    /// Pass as `after` to go on; nil at the end.
    package var next: Prefix?
}

/// One route as it was told to a peer, or why it was not.
package struct AdvertisedView: Sendable {
    package var prefix: Prefix
    /// Nil if it was suppressed.
    package var path: [Hop]?
    package var reason: RouteReason?
}

/// Sums over the node.
package struct NodeCounters: Hashable, Sendable {
    package var prefixes = 0
    package var candidates = 0
    package var selected = 0
    package var rejected = 0
    package var local = 0
    package var routeChanges: UInt64 = 0
    package var peersConfigured = 0
    package var peersUp = 0
    /// Configured, enabled, and without a session.
    package var peersDown = 0
    package var peersInbound = 0
}

/// The distributed config in force and the one that waits for its time.
package struct ConfigView: Sendable {
    package var current: VerifiedConfig?
    package var isExpired: Bool
    package var adoptedAt: Instant?
    /// The peer that it came from; nil: the API or the disk.
    package var source: String?
    package var held: VerifiedConfig?
    package var highWaterMark: ConfigMark?
    package var warnings: [String]
}
