// Why a packet went no further: the closed vocabulary that counters, the API and the capture share.

/// The reason of a drop. Raw values are the API's words; new ones may be added, none is ever renamed.
package enum DropReason: String, CaseIterable, Sendable {
    /// The queue to the peer or the vif is full; data is dropped, never waited for.
    case queueFull = "queue_full"
    /// Nothing in the FIB matches, or a discard route does.
    case noRoute = "no_route"
    /// The hop limit is used up.
    case hopLimit = "hop_limit"
    /// Longer than the next link carries.
    case packetTooBig = "packet_too_big"
    /// Cut short, padded, or a jumbogram.
    case malformed
    /// Another version than 6.
    case notIPv6 = "not_ipv6"
    /// A source that may not come from there.
    case sourceRejected = "source_rejected"
    /// A datagram that does not authenticate.
    case authFailed = "auth_failed"
    /// A datagram seen before or too old to know.
    case replay
    /// The peer's link is gone.
    case channelDown = "channel_down"
    /// The vif is down or gone.
    case vifDown = "vif_down"
    /// It would go back where it came from.
    case loop
    /// Source or destination is multicast, link-local, loopback, unspecified or IPv4-mapped.
    case martian
    /// A packet of our own tunnel that was routed into the tunnel.
    case recursion

    /// Place in a counter array, 0..<`count`, in the order of `allCases`.
    @inline(__always)
    package var index: Int {
        switch self {
        case .queueFull: 0
        case .noRoute: 1
        case .hopLimit: 2
        case .packetTooBig: 3
        case .malformed: 4
        case .notIPv6: 5
        case .sourceRejected: 6
        case .authFailed: 7
        case .replay: 8
        case .channelDown: 9
        case .vifDown: 10
        case .loop: 11
        case .martian: 12
        case .recursion: 13
        }
    }

    /// Length of a counter array.
    package static var count: Int { 14 }
}
