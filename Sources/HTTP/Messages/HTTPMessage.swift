// Requests and responses as values, the same for HTTP/1.1 and HTTP/2.
//
// A request reaches the application whole: head, body, trailers. Its target stays raw (still percent-encoded); who
// routes it decodes segment by segment with `PercentCoding`, so that `%2F` never becomes a separator by accident.

/// The protocol version a message came in or goes out with.
package enum HTTPVersion: Sendable, Equatable {
    case http10, http11, http2
}

/// One request.
package struct HTTPRequest: Sendable, Equatable {
    /// The method as sent, e.g. `GET`; case-sensitive (RFC 9110, 9.1).
    package var method: String
    /// The raw path of the target, still percent-encoded, without query; begins with `/`, or is `*` (OPTIONS only).
    package var path: String
    /// The raw query without its question mark, still percent-encoded; nil where the target has none.
    package var query: String?
    /// The authority the client addresses: `:authority` or `Host`; nil where it sent none (HTTP/1.0, some HTTP/2).
    package var authority: String?
    /// Whether the target was an absolute URI (`GET http://host/path`). Its authority then equals `Host`.
    package var isAbsoluteForm: Bool
    /// The fields, without HTTP/2's pseudo fields.
    package var headers: HTTPHeaders
    /// The whole body, bounded by the server's limit.
    package var body: [UInt8]
    /// Trailer fields after the body; mostly empty.
    package var trailers: HTTPHeaders
    /// The version it came in with.
    package var version: HTTPVersion

    /// A request for sending, or as a parser fills it.
    package init(
        method: String, path: String, query: String? = nil, authority: String? = nil, isAbsoluteForm: Bool = false,
        headers: HTTPHeaders = [:], body: [UInt8] = [], trailers: HTTPHeaders = [:], version: HTTPVersion = .http11
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.authority = authority
        self.isAbsoluteForm = isAbsoluteForm
        self.headers = headers
        self.body = body
        self.trailers = trailers
        self.version = version
    }

    /// Path and query as they stand in a request line.
    package var target: String { query.map { "\(path)?\($0)" } ?? path }
}

/// One response; of a streamed one only `status` and `headers` are used to begin it.
package struct HTTPResponse: Sendable, Equatable {
    /// Final status code, 200…599.
    package var status: Int
    /// The fields; `content-length`, `transfer-encoding` and `connection` are set by the engine, not here.
    package var headers: HTTPHeaders
    /// The whole body. For HEAD it is given too, and only its length is sent.
    package var body: [UInt8]

    /// A response.
    package init(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Whether a response of this status never has a body (RFC 9110, 6.4.1).
    package var isBodiless: Bool { status == 204 || status == 304 || (100..<200).contains(status) }
}
