// What the RIB keeps for each prefix and each link, and what it tells of a change.

/// One peer's route to a prefix: an entry of its Adj-RIB-In.
package struct RIBCandidate: Sendable {
    /// The link that it came by.
    package var link: UInt32
    /// The link's round of announcements that named it last.
    package var round: UInt32
    package var path: PathID
    /// Why it may not be used; nil: accepted.
    package var rejection: RouteReason?
    /// The newest full announcement of a v1 peer does not name it.
    package var isStale: Bool
    package var firstSeen: Instant
    package var updated: Instant
    package var expires: Instant
}

/// What is chosen for a prefix.
package enum RIBSelection: Hashable, Sendable {
    case none
    case local
    case link(UInt32)
}

/// All that is known of one prefix.
struct RIBEntry: Sendable {
    var candidates: [RIBCandidate] = []
    /// Where our own announcement leads; raw 0: not ours.
    var local: NextHop?
    /// What the forwarding table was last told.
    var installed: NextHop?
    var selection = RIBSelection.none
    /// Why `selection` is what it is.
    var reason = RouteReason.onlyCandidate
    /// Already in the list of changes that `takeChanges` will give.
    var isChanged = false
}

/// A prefix whose chosen route changed in next hop, path or latency.
package struct RIBChange: Sendable {
    package var prefix: Prefix
    package var selection: RIBSelection
    package var nextHop: NextHop?
    /// The forwarding table must be told.
    package var isNextHopChanged: Bool
}

/// A received route, judged.
package struct RIBRoute: Sendable {
    package var prefix: Prefix
    package var hops: [Hop]
    package var tokens: [EdgeToken?]
    /// Why it may not be used; nil: accepted, if the peer's limit allows one more.
    package var rejection: RouteReason?

    package init(prefix: Prefix, hops: [Hop], tokens: [EdgeToken?] = [], rejection: RouteReason? = nil) {
        self.prefix = prefix
        self.hops = hops
        self.tokens = tokens
        self.rejection = rejection
    }
}

/// What the RIB knows of a link's peer.
struct RIBLink: Sendable {
    var id: NodeID
    /// Accepted routes that are allowed.
    var limit: Int
    /// Our own round trip, microseconds; nil: not measured.
    var latency: UInt64?
    /// The least that the first hop costs, microseconds (A8).
    var costFloor: UInt64
    var accepted = 0
    var rejected = 0
    /// What it says of itself outweighs what others say of it: see Consistency.
    var isAsserting = false
    /// Rejected prefixes, oldest first; may name some that are rejected no more.
    var rejectedOrder: [Prefix] = []
}

/// A candidate with its place in the choice, for the API.
package struct RIBCandidateView: Sendable {
    package enum Status: Hashable, Sendable { case selected, alternate, rejected }
    /// Nil for our own announcement.
    package var candidate: RIBCandidate?
    package var local: NextHop?
    package var hops: [Hop]
    /// Microseconds; nil where a part of the path is not measured.
    package var cost: UInt64?
    package var status: Status
    package var reason: RouteReason
    /// Where hysteresis decides: the cost at which the better one takes over.
    package var threshold: UInt64?
}
