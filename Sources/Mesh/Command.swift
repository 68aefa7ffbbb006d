// Orders of the management API and of a configuration reload. They replace whole values, so that the same order twice
// changes nothing.
import Routing
import Wire

/// An order; answered by one `Effect.reply`.
package enum Command: Sendable {
    case setLocalRoutes([Prefix: LocalRoute])
    case setPeers([ConfiguredPeer])
    case setBlocked(Set<NodeID>)
    /// `peer`: a name or a 64-digit id.
    case resetPeer(String, ResetMode)
    /// A signed config by way of the API: verified and adopted if it is newer.
    case offerConfig(SignedConfig)
    /// A certificate was renewed; the former id becomes an alias.
    case setIdentity(id: NodeID, aliases: [NodeID])
    case setTunables(Tunables)
}

/// How a peer is reset.
package enum ResetMode: String, Hashable, Sendable {
    /// Close the session.
    case hard
    /// Judge again what was received, and announce everything again.
    case soft
}

/// How an order ended.
package enum CommandResult: Hashable, Sendable {
    case done(changed: Bool)
    case peerNotFound
    /// The reason word of api.md's `distributed-config-invalid`.
    case configInvalid(reason: String, detail: String)
    /// Older than, or the smaller of two of the same second as, the config in force.
    case configNotNewer
    /// Issued too far ahead; held until its time.
    case configHeld(issuedAt: Int64)
}
