// skeleton of the signatures; bodies follow.

/// Names one request of a connection; never reused in it.
package struct HTTPRequestID: Hashable, Sendable { let raw: UInt64 }

/// What a server connection tells its owner.
package enum HTTPServerEvent: Sendable, Equatable {
    /// A whole request; answer it exactly once.
    case request(HTTPRequestID, HTTPRequest)
    /// The streamed response drained below its low-water mark after `write` said that it was above the high one.
    case writable(HTTPRequestID)
    /// The client is gone or reset the request, or the response's buffer overflowed; do not answer any more.
    case cancelled(HTTPRequestID)
}

/// The numbers of a server connection (api.md 2.3).
package struct HTTPServerLimits: Sendable, Equatable {
    package var headBytes = 16 * 1024
    package var headerFields = 64
    package var targetBytes = 8 * 1024
    package var bodyBytes = 1024 * 1024
    package init() {}
}

/// One API connection: peeks the preface and speaks HTTP/2 or HTTP/1.1.
package final class HTTPServerConnection {
    /// `problemBody(status, code, detail)` gives the `application/problem+json` body of an answer the engine makes.
    package typealias ProblemBody = (_ status: Int, _ code: String, _ detail: String) -> [UInt8]
    /// `bodyLimit(head)` gives the maximum body in bytes for that request (head only, body empty).
    package typealias BodyLimit = (_ head: HTTPRequest) -> Int

    package init(
        limits: HTTPServerLimits = HTTPServerLimits(), nowMilliseconds: UInt64, bodyLimit: BodyLimit? = nil,
        problemBody: @escaping ProblemBody
    ) {}
    /// Feeds received bytes.
    package func receive(_ bytes: UnsafeRawBufferPointer, nowMilliseconds: UInt64) {}
    /// The client will send nothing more (FIN).
    package func endOfInput(nowMilliseconds: UInt64) {}
    /// The next event.
    package func nextEvent() -> HTTPServerEvent? { nil }
    /// Answers with a whole body.
    package func respond(_ id: HTTPRequestID, _ response: HTTPResponse) {}
    /// Begins a streamed answer (status and headers only).
    package func beginResponse(_ id: HTTPRequestID, _ head: HTTPResponse) {}
    /// Appends to a streamed answer; returns the bytes now buffered. Above the high-water mark (64 KiB) wait for
    /// `.writable`; above the maximum (256 KiB) the answer is cut off and `.cancelled` comes.
    @discardableResult package func write(_ id: HTTPRequestID, _ bytes: [UInt8]) -> Int { 0 }
    /// Ends a streamed answer.
    package func endResponse(_ id: HTTPRequestID) {}
    /// Cuts a streamed answer off so that the client sees that it is not whole.
    package func abortResponse(_ id: HTTPRequestID) {}
    /// Appends at most `limit` (≥ 16,393) bytes of output; returns how many.
    @discardableResult package func takeOutput(into output: inout [UInt8], limit: Int, nowMilliseconds: UInt64) -> Int { 0 }
    /// Whether there is output to take.
    package var hasOutput: Bool { false }
    /// Whether the owner should read from the socket (false: back-pressure).
    package var wantsInput: Bool { true }
    /// All was said: shut down the sending side (the engine lingers to swallow input, so that no RST kills the answer).
    package var wantsWriteShutdown: Bool { false }
    /// Close the socket now (output, if any, is not worth sending).
    package var wantsClose: Bool { false }
    /// When `tick` must be called, nil for never.
    package var nextDeadlineMilliseconds: UInt64? { nil }
    /// Enforces the deadlines.
    package func tick(nowMilliseconds: UInt64) {}
    /// Graceful end: what is in progress is answered, nothing new is taken.
    package func shutdown(nowMilliseconds: UInt64) {}
}
