// skeleton of the signatures; bodies follow.

/// What a client connection tells its owner.
package enum HTTPClientEvent: Sendable, Equatable {
    /// The final response's status and fields; the body is empty here.
    case head(HTTPResponse)
    /// A piece of the body.
    case body([UInt8])
    /// The response is whole.
    case end
}

/// HTTP/1.1 over any byte pipe, one request at a time.
package final class HTTPClientConnection {
    package init(maximumHeadBytes: Int = 64 * 1024, maximumBodyBytes: Int = 64 * 1024 * 1024) {}
    /// Queues a request. Host is `authority` ("localhost" without one).
    package func send(_ request: HTTPRequest) throws(HTTPError) {}
    /// Bytes to send; empty when there is nothing.
    package func takeOutput() -> [UInt8] { [] }
    /// Feeds received bytes.
    package func receive(_ bytes: UnsafeRawBufferPointer) throws(HTTPError) {}
    /// The server closed.
    package func endOfInput() throws(HTTPError) {}
    /// The next event.
    package func nextEvent() -> HTTPClientEvent? { nil }
    /// Whether a further request can be sent on this connection.
    package var isReusable: Bool { false }
}
