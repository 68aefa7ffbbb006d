// What can happen to a node. The daemon turns sockets, timers and API calls into these, one at a time.
import Routing
import Wire

/// Something that happened; handed to `Node.handle(_:at:)` with the time.
package enum Event: Sendable {
    /// The time in `Node.nextDeadline` has come (an early or late tick does no harm).
    case tick
    /// The TCP connection of a dial stands; TLS and HTTP/2 are under way (for the status only).
    case dialConnected(peer: String)
    /// A dial came to nothing before a link opened.
    case dialFailed(peer: String, address: String, DialFailure)
    /// TLS, HTTP/2 and the stream stand.
    case linkOpened(LinkID, LinkInfo)
    /// The link is gone, whoever ended it. Comes once for every `linkOpened`, also after an `Effect.close`.
    case linkClosed(LinkID, LinkEnd)
    /// A control message (everything but tag 1, whose packets never reach the node).
    case message(LinkID, PeerMessage)
    /// Bytes have come on the link; report it at most once a second (liveness where only packets flow).
    case linkActivity(LinkID)
    /// The link broke v1's protocol in a way that ends the session (a `WireError` that says so).
    case linkFault(LinkID, String)
    /// False: the outbound control queue is full, announcements are kept as per-prefix latest state until true (A15).
    case linkWritable(LinkID, Bool)
    /// Answers to `Effect.verifyConfig`, with its number.
    case configVerified(UInt64, VerifiedConfig)
    case configRejected(UInt64, ConfigRejection)
    /// The wall clock now reads this; send it at start, once a minute, and after a step. Only certificates and configs
    /// are judged by it, no timer is (D9).
    case wallClock(unixSeconds: Int64)
    /// An order of the management API or of a reload; answered by one `Effect.reply` with the token.
    case command(Command, token: UInt64)
    /// Leave in good order: everything withdrawn, then every link closed (D12).
    case shutdown
}

/// Why a dial came to nothing.
package enum DialFailure: Error, Hashable, Sendable {
    /// Name not resolved, connection refused, unreachable, timed out. The text is for people.
    case unreachable(String)
    /// The other end, or we, refused in or after the handshake; `code` is the TLS stream's stable reason.
    case authentication(code: String, detail: String)
    /// The other end said that it holds a link with us already.
    case duplicate
    /// HTTP/2 or gRPC would not come up.
    case protocolError(String)

    /// The stable code that the API shows as `last_error.code`.
    package var code: String {
        switch self {
        case .unreachable: "unreachable"
        case .authentication(let code, _): code
        case .duplicate: "duplicate_link"
        case .protocolError: "protocol_error"
        }
    }

    /// The text that the API shows as `last_error.detail`.
    package var detail: String {
        switch self {
        case .unreachable(let text), .authentication(_, let text), .protocolError(let text): text
        case .duplicate: "the peer holds another link with us"
        }
    }
}

/// How a link ended, as the transport saw it.
package enum LinkEnd: Hashable, Sendable {
    /// By our `Effect.close`.
    case local
    /// The other end closed it in good order.
    case remote
    /// The other end refused it because it holds another one.
    case duplicate
    /// The transport failed: reset, timed out, TLS or HTTP/2 error. The text is for people.
    case failed(String)

    /// The stable code of counters and `last_error.code`.
    package var code: String {
        switch self {
        case .local: "local_close"
        case .remote: "remote_close"
        case .duplicate: "duplicate_link"
        case .failed: "transport_failed"
        }
    }
}
