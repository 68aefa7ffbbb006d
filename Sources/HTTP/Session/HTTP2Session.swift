// skeleton of the signatures; bodies follow.

/// Which end of the connection we are.
package enum HTTP2Role: Sendable, Equatable { case client, server }

/// A safe owner of one libnghttp2 session. Not thread-safe; one owner.
package final class HTTP2Session {
    /// Creates a session; our SETTINGS (and the client's preface) are ready as output.
    package init(role: HTTP2Role, limits: HTTP2Limits = HTTP2Limits(), nowMilliseconds: UInt64) throws(HTTPError) {}
    /// Feeds received bytes. Throws once when the session fails; GOAWAY is then the last output.
    package func receive(_ bytes: UnsafeRawBufferPointer, nowMilliseconds: UInt64) throws(HTTPError) {}
    /// The next event, in order; nil when there is none.
    package func nextEvent() -> HTTP2Event? { nil }
    /// Appends framed output, whole frames only, at most `limit` bytes (but at least one frame, ≤ 16,393 bytes).
    /// Control frames go first. Returns the bytes appended.
    package func takeOutput(into output: inout [UInt8], limit: Int) throws(HTTPError) -> Int { 0 }
    /// Whether `takeOutput` would give something (deferred and flow-controlled streams do not count).
    package var hasOutput: Bool { false }
    /// Whether the session still takes input.
    package var wantsInput: Bool { false }
    /// Both GOAWAY and all streams are done, or the session failed and its last bytes were taken.
    package var isFinished: Bool { false }
    /// Why the session ended, nil while it lives.
    package var failure: HTTPError? { nil }
    /// Opens a stream (client). Pseudo fields first. Without body the stream's sending side ends at once.
    package func submitRequest(_ headers: HTTPHeaders, body: HTTP2DataSource?) throws(HTTPError) -> HTTP2StreamID { 0 }
    /// Answers a stream (server); `:status` first.
    package func submitResponse(_ stream: HTTP2StreamID, _ headers: HTTPHeaders, body: HTTP2DataSource?) throws(HTTPError) {}
    /// Ask a deferred source again.
    package func resume(_ stream: HTTP2StreamID) {}
    /// Resets a stream.
    package func reset(_ stream: HTTP2StreamID, _ code: HTTP2ErrorCode) {}
    /// Gives received bytes back to the windows (manual consumption).
    package func consume(_ stream: HTTP2StreamID, bytes: Int) {}
    /// Sends a PING.
    package func ping(_ payload: UInt64) throws(HTTPError) {}
    /// Graceful end: GOAWAY NO_ERROR, open streams run to their end, new ones are refused.
    package func shutdown() {}
    /// Immediate end: GOAWAY with the code is the last output, nothing is fed any more.
    package func terminate(_ code: HTTP2ErrorCode) {}
}
