// What an HTTP/2 session tells its owner, and how its owner feeds a stream's body.
//
// Events are values that wait in a queue until they are asked for; no code of the owner runs inside a libnghttp2
// callback, but for `HTTP2DataSource.read`, which is called at the moment of framing and decides what goes next.

/// A stream's number (RFC 9113, 5.1.1); odd ones are opened by the client.
package typealias HTTP2StreamID = Int32

/// Something that happened in a session.
package enum HTTP2Event: Sendable, Equatable {
    /// The peer's SETTINGS arrived and were acknowledged.
    case settings
    /// Request or response fields, pseudo fields first. `endsStream`: no body follows.
    case headers(HTTP2StreamID, HTTPHeaders, endsStream: Bool)
    /// The fields exceeded the limit and were dropped; a server answers 431. The stream is still open.
    case headersTooLarge(HTTP2StreamID, endsStream: Bool)
    /// Bytes of the body. With manual consumption the owner gives them back by `consume`.
    case data(HTTP2StreamID, [UInt8])
    /// Trailer fields; the stream's input ends with them.
    case trailers(HTTP2StreamID, HTTPHeaders)
    /// The stream's input ended (after data, without trailers).
    case endOfStream(HTTP2StreamID)
    /// Both directions are over, in good order (`noError`) or by a reset. It may be the first that is heard of a
    /// stream: one whose head was malformed.
    case streamClosed(HTTP2StreamID, HTTP2ErrorCode)
    /// The peer takes no new streams above the given one.
    case goAway(lastStream: HTTP2StreamID, HTTP2ErrorCode)
    /// Our PING came back.
    case pong(UInt64)
}

/// What a data source answers when it is asked for bytes.
package enum HTTP2Read: Sendable, Equatable {
    /// That many bytes were written into the buffer, at least 1; more may follow.
    case bytes(Int)
    /// That many bytes (0 is allowed) were written, and the stream ends with them.
    case lastBytes(Int)
    /// Nothing now; the session asks again after `resume`.
    case deferred
    /// The stream ends, with nothing more.
    case end
    /// The stream ends with these trailer fields.
    case endWithTrailers(HTTPHeaders)
    /// The stream is reset with this code.
    case failed(HTTP2ErrorCode)
}

/// A stream's outgoing body, pulled when flow control and the transport have room for a frame.
package protocol HTTP2DataSource: AnyObject {
    /// Fills the buffer (16 KiB at most) and says how far. It must not call back into the session.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> HTTP2Read
}
