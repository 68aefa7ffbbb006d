// What the node knows of a peer beyond its sessions: configuration, dialling, history.
import Routing

/// A peer, configured or seen. Keyed by lower-case name; an external peer without a bound name by "sha256:…".
struct PeerRecord: Sendable {
    /// As people write it.
    var name: String
    var configuration: ConfiguredPeer?
    /// The id that was last seen under this name.
    var id: NodeID?
    var link: LinkID?
    var dial = DialState()
    var upSince: Instant?
    var statusSince: Instant
    /// Links are refused until then, after the peer broke the protocol (A2).
    var heldUntil: Instant?
    var holdTime: Int64 = 0
    /// When the live link was last exchanged for another one (B7).
    var lastTakeover: Instant?
    var lastError: (at: Instant, code: String, detail: String)?
    var rejected: [RouteReason: UInt64] = [:]
    var sessionEnds: [String: UInt64] = [:]
    var warnings: [String] = []
    var lastSeen: Instant
    /// The peer ran our software when it was last here.
    var isOurs = false

    init(name: String, now: Instant) {
        self.name = name
        statusSince = now
        lastSeen = now
    }

    /// Dialling one peer.
    struct DialState: Sendable {
        enum Phase: Hashable, Sendable {
            /// Waiting for `due`, if there is one.
            case waiting
            case dialing
            /// TCP stands, the handshakes are under way.
            case handshaking
        }
        var phase = Phase.waiting
        var due: Instant?
        /// Since the last success.
        var attempts = 0
        /// The address that is tried next.
        var addressIndex = 0
        /// The pause that the next failure brings, milliseconds.
        var backoff: Int64 = 0
        /// The last failure was a refusal, not an unreachable address.
        var isRefused = false
    }
}
