// A sentence for each reason of a route, with the numbers of the case at hand.

import Mesh
import Routing

enum ReasonText {
    /// Why `view` is what it is.
    static func of(_ view: CandidateView) -> String {
        let own = view.cost.map(milliseconds) ?? "an unknown latency"
        let threshold = view.threshold.map(milliseconds)
        switch view.reason {
        case .localAnnouncement: return "announced by this node itself"
        case .onlyCandidate: return "no other candidate can be used"
        case .lowerLatency: return "\(own) is the lowest"
        case .hysteresis:
            return "another is a little better; it must be \(threshold ?? "10 ms better") or less to take over"
        case .previousExpired: return "the route in use before expired"
        case .previousPeerDown: return "the session of the route in use before ended"
        case .tieBreakPeerID: return "equal in latency and hops; the smaller peer id decides"
        case .higherLatency: return "\(own) is more than the selected route has"
        case .withinHysteresis:
            return "better, but not by enough: \(threshold ?? "10 ms less") or less would replace the selected route"
        case .expired: return "not announced again within its lifetime"
        case .peerDown: return "the session with the peer ended"
        case .latencyUnknown: return "a part of the path has no measured latency; used only if nothing else is there"
        case .superseded: return "replaced by a newer announcement of the same peer"
        case .localRouteExists: return "this node announces the prefix itself"
        case .stale: return "the peer's last full announcement did not name it"
        case .deadEdge: return "a link of its path was declared dead by the node that owned it"
        case .contradicted: return "a neighbour on its path has lately said something else of the prefix itself"
        case .withdrawn: return "the peer withdrew it a moment ago"
        case .ownIDInPath: return "the path leads through this node"
        case .notWhitelisted: return "the peer may not announce this prefix"
        case .maximumLengthExceeded: return "longer than the peer's entry for this prefix allows"
        case .invalidPrefix: return "not a valid prefix"
        case .prefixLimit: return "the peer has as many routes as it may"
        case .martianPrefix: return "not a prefix that can be routed"
        case .defaultOrShort: return "a default route, or shorter than /16, without a grant in the distributed config"
        case .ownPrefix: return "this node announces this prefix itself"
        case .insideLocalPrefix: return "lies inside a prefix that this node announces"
        case .pathTooLong: return "more than 64 hops"
        case .duplicateHop: return "the path names a node twice"
        case .badHopID: return "the path holds an id that is not 32 bytes"
        case .badPath: return "the path does not begin with the peer"
        case .externalNotAllowed: return "an external peer needs a grant (import list or distributed config)"
        case .latencyOverflow: return "the latencies of the path do not add up to a number"
        case .splitHorizon: return "the peer is on the path itself"
        case .exportNotAllowed: return "not among what the peer may be told"
        }
    }

    /// Microseconds as people read them.
    private static func milliseconds(_ microseconds: UInt64) -> String {
        // Rounded once: 123,456 is 123 ms, not 124 by way of 123.5.
        if microseconds >= 100_000 { return "\(microseconds / 1000 + (microseconds % 1000 >= 500 ? 1 : 0)) ms" }
        let tenths = (microseconds + 50) / 100
        return tenths % 10 == 0 ? "\(tenths / 10) ms" : "\(tenths / 10).\(tenths % 10) ms"
    }
}
