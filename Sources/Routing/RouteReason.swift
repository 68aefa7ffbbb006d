// Why a route was chosen, passed over, refused or not told. The raw values are the API's words and never change.

/// The reason that is kept with every decision about a route.
package enum RouteReason: String, Hashable, Sendable, CaseIterable {
    // Chosen.
    case localAnnouncement = "local_announcement"
    case onlyCandidate = "only_candidate"
    case lowerLatency = "lower_latency"
    case hysteresis
    case previousExpired = "previous_expired"
    case previousPeerDown = "previous_peer_down"
    case tieBreakPeerID = "tie_break_peer_id"

    // Passed over.
    case higherLatency = "higher_latency"
    case withinHysteresis = "within_hysteresis"
    case expired
    case peerDown = "peer_down"
    case latencyUnknown = "latency_unknown"
    case superseded
    case localRouteExists = "local_route_exists"
    /// A v1 peer's newest full announcement does not name it.
    case stale
    /// An edge of its path was declared dead by its owner.
    case deadEdge = "dead_edge"
    /// A neighbour in the path has lately said something else of the prefix itself.
    case contradicted
    /// The peer withdrew it a moment ago.
    case withdrawn

    // Rejected.
    case ownIDInPath = "own_id_in_path"
    case notWhitelisted = "not_whitelisted"
    case maximumLengthExceeded = "max_prefix_len_exceeded"
    case invalidPrefix = "invalid_prefix"
    case prefixLimit = "prefix_limit"
    case martianPrefix = "martian_prefix"
    case defaultOrShort = "default_or_short"
    case ownPrefix = "own_prefix"
    case insideLocalPrefix = "inside_local_prefix"
    case pathTooLong = "path_too_long"
    case duplicateHop = "duplicate_hop"
    case badHopID = "bad_hop_id"
    case badPath = "bad_path"
    case externalNotAllowed = "external_not_allowed"
    case latencyOverflow = "latency_overflow"

    // Not told.
    case splitHorizon = "split_horizon"
    case exportNotAllowed = "export_not_allowed"
}
