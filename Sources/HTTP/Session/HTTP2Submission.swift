// What the owner of a session asks for: requests, responses, resets, pings, window updates, the graceful end.
//
// All of these only queue; bytes appear in `takeOutput`. Fields are checked here, so that a value with a line end in it
// is an error of the caller and never reaches a peer that might translate it to HTTP/1.1 (RFC 9113, 8.2.1 and 10.3).
import CNghttp2

extension HTTP2Session {
    /// Opens a stream (client): pseudo fields first. Without a body the request ends with its head.
    package func submitRequest(
        _ headers: HTTPHeaders, body: (any HTTP2DataSource)?
    ) throws(HTTPError) -> HTTP2StreamID {
        guard role == .client, HTTP2Library.isValid(headers) else { throw .invalidMessage }
        let stream: HTTP2StreamID = try withLibrary { library in
            guard nghttp2_session_check_request_allowed(library) != 0 else { return 0 }
            return HTTP2Library.withFields(headers) { fields, count in
                var provider = HTTP2Library.provider
                return body == nil
                    ? nghttp2_submit_request(library, nil, fields, count, nil, nil)
                    : nghttp2_submit_request(library, nil, fields, count, &provider, nil)
            }
        }
        // Zero or negative: the numbers are used up, or the peer said GOAWAY.
        guard stream > 0 else { throw .streamClosed }
        sources[stream] = body
        liveStreams.insert(stream)
        return stream
    }

    /// Answers a stream (server): `:status` first. Without a body the stream ends with this head.
    package func submitResponse(
        _ stream: HTTP2StreamID, _ headers: HTTPHeaders, body: (any HTTP2DataSource)?
    ) throws(HTTPError) {
        guard role == .server, HTTP2Library.isValid(headers) else { throw .invalidMessage }
        guard liveStreams.contains(stream), sources[stream] == nil else { throw .streamClosed }
        let result = try withLibrary { library in
            // Streams share the connection frame by frame; else a long answer would hold up all later ones
            // (RFC 9218, 4.2: not incremental is the default).
            var priority = nghttp2_extpri(urgency: 3, inc: 1)
            nghttp2_session_change_extpri_stream_priority(library, stream, &priority, 1)
            return HTTP2Library.withFields(headers) { fields, count in
                var provider = HTTP2Library.provider
                return body == nil
                    ? nghttp2_submit_response(library, stream, fields, count, nil)
                    : nghttp2_submit_response(library, stream, fields, count, &provider)
            }
        }
        guard result == 0 else { throw .streamClosed }
        sources[stream] = body
    }

    /// Sends an interim answer (server), e.g. `:status 100`.
    package func submitInterim(_ stream: HTTP2StreamID, _ headers: HTTPHeaders) throws(HTTPError) {
        guard role == .server, HTTP2Library.isValid(headers) else { throw .invalidMessage }
        guard liveStreams.contains(stream), sources[stream] == nil else { throw .streamClosed }
        let result = try withLibrary { library in
            HTTP2Library.withFields(headers) { nghttp2_submit_headers(library, 0, stream, nil, $0, $1, nil) }
        }
        guard result == 0 else { throw .streamClosed }
    }

    /// Has a deferred source asked again. Nothing happens if it is not deferred or the stream is gone.
    package func resume(_ stream: HTTP2StreamID) {
        _ = try? withLibrary { nghttp2_session_resume_data($0, stream) }
    }

    /// Resets a stream; it is closed when the frame has been framed.
    package func reset(_ stream: HTTP2StreamID, _ code: HTTP2ErrorCode) {
        guard liveStreams.contains(stream) else { return }
        _ = try? withLibrary { nghttp2_submit_rst_stream($0, 0, stream, code.rawValue) }
    }

    /// Gives received bytes back to the stream's and the connection's window. Only with manual consumption. The bytes
    /// of a stream that is closed by now must be given back too: they still burden the connection.
    package func consume(_ stream: HTTP2StreamID, bytes: Int) {
        guard bytes > 0 else { return }
        _ = try? withLibrary { nghttp2_session_consume($0, stream, bytes) }
    }

    /// Sends a PING; the answer comes as `.pong` with the same number.
    package func ping(_ payload: UInt64) throws(HTTPError) {
        var bytes = (0..<8).map { UInt8(truncatingIfNeeded: payload >> (56 - 8 * UInt64($0))) }
        let result = try withLibrary { nghttp2_submit_ping($0, 0, &bytes) }
        guard result == 0 else { throw .sessionClosed }
    }

    /// Graceful end: GOAWAY NO_ERROR; open streams run to their end, later ones are not served. `isFinished` tells when.
    package func shutdown() {
        _ = try? withLibrary { library in
            nghttp2_submit_goaway(
                library, 0, nghttp2_session_get_last_proc_stream_id(library), HTTP2ErrorCode.noError.rawValue, nil, 0)
        }
    }
}
