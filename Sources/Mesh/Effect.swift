// What a node wants done. Effects are carried out in the order in which they stand.
import Routing
import Wire

/// One thing for the daemon to do.
package enum Effect: Sendable {
    /// An encoded `Message`, without the gRPC prefix; at most 1 MiB and a little for configs.
    case send(LinkID, [UInt8])
    /// Dial a configured peer at one "host:port"; ends in `linkOpened` or `dialFailed`.
    case dial(peer: String, address: String, attempt: Int)
    /// Give up the dial under way to this peer; no `dialFailed` need follow.
    case cancelDial(peer: String)
    /// Flush what was sent, then close; `linkClosed` follows.
    case close(LinkID, CloseReason)
    /// Changes of the forwarding table, in order; nil: the prefix has no route.
    case fib([FIBChange])
    /// The link may carry packets from now on (it is the live one of its peer).
    case linkUp(LinkID)
    /// Verify signature, chain and hash of a config; answer with `configVerified` or `configRejected` and this number.
    case verifyConfig(UInt64, SignedConfig, from: LinkID?)
    /// Store the config that is now in force; it is handed back in `NodeConfiguration.storedConfig` at the next start.
    case persistConfig(VerifiedConfig)
    /// Something to log and to count.
    case notice(Notice)
    /// The answer to a command.
    case reply(token: UInt64, CommandResult)
    /// After `Event.shutdown`: nothing more will come.
    case stopped
}

/// One change of the forwarding table.
package struct FIBChange: Hashable, Sendable {
    package var prefix: Prefix
    /// Nil: no route any more.
    package var nextHop: NextHop?

    package init(prefix: Prefix, nextHop: NextHop?) {
        self.prefix = prefix
        self.nextHop = nextHop
    }
}

/// Why we close a link. The raw value is the stable code of counters, logs and `last_error`.
package enum CloseReason: String, Hashable, Sendable, CaseIterable {
    /// Another link with the same peer lives; tell the other end so if the transport can (gRPC ALREADY_EXISTS).
    case duplicate = "duplicate_link"
    /// A second host holds the same certificate (B7).
    case duplicateIdentity = "duplicate_identity"
    /// A newer link of the same peer took over (A26).
    case replaced
    /// It is we ourselves who answer (C19c).
    case ownIdentity = "own_identity"
    /// The name that answered is not the one that is configured (B19).
    case nameMismatch = "name_mismatch"
    case blocked
    /// Too many links, or too many unknown peers.
    case tooManyLinks = "too_many_links"
    /// Nothing came for the time that `Tunables.deadAfter` says.
    case dead
    case certificateExpired = "certificate_expired"
    /// The peer broke the protocol (A3's ten bad paths, more than 65,536 routes in a message …).
    case protocolViolation = "protocol_violation"
    /// An operator asked for it.
    case reset
    /// The peer was removed from the configuration or disabled.
    case unconfigured
    case shutdown
}
