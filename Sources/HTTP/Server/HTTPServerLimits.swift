// The bounds of a server connection, its events, and what both protocol engines share.

/// The numbers of a server connection (api.md 2.3, faults E4, E5, E13). Times in milliseconds, sizes in bytes.
package struct HTTPServerLimits: Sendable, Equatable {
    /// Request line and fields together.
    package var headBytes = 16 * 1024
    /// Field lines, and trailer lines.
    package var headerFields = 64
    /// The request target.
    package var targetBytes = 8 * 1024
    /// A request's body, where the caller's `bodyLimit` says nothing else.
    package var bodyBytes = 1024 * 1024
    /// HTTP/2: bodies of all open streams together; beyond it a stream is answered 503.
    package var connectionBodyBytes = 8 * 1024 * 1024
    /// HTTP/2: streams open at once.
    package var openStreams = 64
    /// HTTP/2: requests handed over whose answer has not begun; further ones wait.
    package var requestsInProgress = 16
    /// HTTP/1.1: input that may wait behind a request in progress (pipelining), before `wantsInput` says no.
    package var pipelinedBytes = 64 * 1024
    /// A streamed response's buffer: above the first `write` asks for a pause …
    package var highWaterBytes = 64 * 1024
    /// … until it is below this …
    package var lowWaterBytes = 32 * 1024
    /// … and above this the response is cut off.
    package var bufferedResponseBytes = 256 * 1024
    /// HTTP/2: response bytes that wait on the connection, above which no further request is handed over.
    package var pendingResponseBytes = 1024 * 1024
    /// From a connection's or request's first moment to the end of its head.
    package var headMilliseconds: UInt64 = 10_000
    /// From the head's end to the body's end.
    package var bodyMilliseconds: UInt64 = 30_000
    /// How long a body may be slower than `bodyBytesPerSecond` on the whole.
    package var bodyGraceMilliseconds: UInt64 = 10_000
    /// The least rate of a body.
    package var bodyBytesPerSecond = 1024
    /// Without a request in progress.
    package var idleMilliseconds: UInt64 = 120_000
    /// Output is there and nothing of it moves.
    package var writeStallMilliseconds: UInt64 = 30_000
    /// Swallowing a connection's input after the last answer, or a stream's after its early answer, so that no RST
    /// overtakes it (RFC 9112, 9.6).
    package var lingerMilliseconds: UInt64 = 2_000
    /// What is swallowed in that time at most; whoever sends more gets the RST.
    package var lingerBytes = 8 * 1024 * 1024

    /// The API's numbers.
    package init() {}

    var head: HTTP1HeadLimits { HTTP1HeadLimits(bytes: headBytes, fields: headerFields, target: targetBytes) }

    /// When a body that began then, and of which that much has come, is too late.
    func bodyDeadline(began: UInt64, received: Int) -> UInt64 {
        let earned = UInt64(clamping: received) * 1000 / UInt64(clamping: max(bodyBytesPerSecond, 1))
        return began + min(bodyMilliseconds, bodyGraceMilliseconds + earned)
    }
}

/// Names one request of a connection; never used twice in it.
package struct HTTPRequestID: Hashable, Sendable {
    let raw: UInt64
}

/// What a server connection tells its owner.
package enum HTTPServerEvent: Sendable, Equatable {
    /// A whole request; it is to be answered exactly once.
    case request(HTTPRequestID, HTTPRequest)
    /// The streamed answer's buffer is below its low-water mark again.
    case writable(HTTPRequestID)
    /// The client is gone, reset the request or does not read its answer. Later answers to it are ignored.
    case cancelled(HTTPRequestID)
}

/// What the engines are given: numbers and the caller's hooks.
struct HTTPServerContext {
    let limits: HTTPServerLimits
    let bodyLimit: HTTPServerConnection.BodyLimit?
    let problemBody: HTTPServerConnection.ProblemBody

    /// The body's limit for a request whose head is known.
    func maximumBody(_ head: HTTPRequest) -> Int { max(0, bodyLimit?(head) ?? limits.bodyBytes) }

    /// An answer the engine makes itself (RFC 9457).
    func problem(_ fault: HTTP1Fault) -> HTTPResponse {
        HTTPResponse(
            status: fault.status,
            headers: ["content-type": "application/problem+json", "cache-control": "no-store"],
            body: problemBody(fault.status, fault.code, fault.detail))
    }
}

/// One protocol on a server connection.
protocol HTTPServerEngine: AnyObject {
    func receive(_ bytes: UnsafeRawBufferPointer, nowMilliseconds: UInt64)
    func endOfInput(nowMilliseconds: UInt64)
    func connectionLost()
    func nextEvent() -> HTTPServerEvent?
    func respond(_ id: HTTPRequestID, _ response: HTTPResponse)
    func beginResponse(_ id: HTTPRequestID, _ head: HTTPResponse)
    func write(_ id: HTTPRequestID, _ bytes: [UInt8]) -> Int
    func endResponse(_ id: HTTPRequestID)
    func abortResponse(_ id: HTTPRequestID)
    func takeOutput(into output: inout [UInt8], limit: Int, nowMilliseconds: UInt64) -> Int
    func tick(nowMilliseconds: UInt64)
    func shutdown(nowMilliseconds: UInt64)
    var hasOutput: Bool { get }
    var wantsInput: Bool { get }
    /// Nothing more will be said or heard; the output, if any, is still to be taken.
    var isFinished: Bool { get }
    /// Close at once.
    var isAborted: Bool { get }
    var nextDeadlineMilliseconds: UInt64? { get }
}
