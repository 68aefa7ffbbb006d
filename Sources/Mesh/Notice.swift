// What is worth telling people: a closed list, so that the daemon can log, count and raise events without parsing text.
//
// The node bounds them itself: at most one a second for each (peer, code), with the number that was held back (G5),
// and the same refusal of a dial once a minute (B1, C24). Counters in the views are exact all the same.
import Routing

/// A structured remark of the node.
package struct Notice: Hashable, Sendable {
    package var kind: Kind
    /// The peer's name as the API shows it; nil where no peer is meant.
    package var peer: String?
    package var link: LinkID?
    /// Like notices for this peer held back since the last one that was let through.
    package var suppressed: Int

    package init(kind: Kind, peer: String? = nil, link: LinkID? = nil, suppressed: Int = 0) {
        self.kind = kind
        self.peer = peer
        self.link = link
        self.suppressed = suppressed
    }

    /// What happened.
    package enum Kind: Hashable, Sendable {
        case peerUp(remoteAddress: String, direction: LinkDirection)
        /// `reason`: a `CloseReason` or `LinkEnd` code.
        case peerDown(reason: String)
        /// A dial failed or a new link was refused; the codes of `DialFailure` and `CloseReason`.
        case refused(code: String, detail: String)
        case duplicateIdentity(kept: String, refused: String)
        case nameMismatch(configured: String, presented: String)
        case routeRejected(prefix: Prefix?, reason: RouteReason)
        /// The peer has filled 80 % of its accepted routes.
        case prefixLimitNear(accepted: Int, limit: Int)
        case prefixLimitReached(limit: Int)
        /// A Pong that nobody asked for (A18).
        case unsolicitedPong
        /// A Ping beyond the reply budget was left unanswered (A17).
        case pingFlood
        case outboundRefused(detail: String)
        case configAdopted(hash: [UInt8], issuedAt: Int64, warnings: [String])
        case configRejected(reason: String)
        /// Older than, or equal in time and smaller than, what we hold (B11).
        case configOlder(issuedAt: Int64)
        /// Two configs of the same second (B13).
        case configConflict(issuedAt: Int64)
        /// Held until its issue time comes (B12).
        case configHeld(issuedAt: Int64)
        /// In force although its certificate has expired (B14).
        case configExpired(expiresAt: Int64)
        case certificateExpired(notAfter: Int64)
        case shutdown
    }

    /// The stable name of the kind.
    package var code: String {
        switch kind {
        case .peerUp: "peer_up"
        case .peerDown: "peer_down"
        case .refused: "peer_refused"
        case .duplicateIdentity: "duplicate_identity"
        case .nameMismatch: "name_mismatch"
        case .routeRejected: "route_rejected"
        case .prefixLimitNear: "prefix_limit_near"
        case .prefixLimitReached: "prefix_limit_reached"
        case .unsolicitedPong: "unsolicited_pong"
        case .pingFlood: "ping_flood"
        case .outboundRefused: "outbound_refused"
        case .configAdopted: "config_adopted"
        case .configRejected: "config_rejected"
        case .configOlder: "config_older"
        case .configConflict: "config_conflict"
        case .configHeld: "config_held"
        case .configExpired: "config_expired"
        case .certificateExpired: "certificate_expired"
        case .shutdown: "shutdown"
        }
    }
}
