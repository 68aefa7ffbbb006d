// libnghttp2's callbacks: C functions without captured state that find their session behind the user pointer.
//
// They translate and count; no decision of the owner is taken inside them, but for the data source, which is asked for
// bytes here. A callback that finds a fault leaves it in `pendingFault` and answers CALLBACK_FAILURE, which makes the
// library return at once; the session then closes it.
import CNghttp2

enum HTTP2Callbacks {
    private static let failure = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue

    static func install(in callbacks: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, head, context in
            guard let head, let session = HTTP2Callbacks.session(context) else { return 0 }
            return session.began(head.pointee)
        }
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, context in
            guard let frame, let session = HTTP2Callbacks.session(context) else { return 0 }
            return session.beganHeaders(frame.pointee)
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameCount, value, valueCount, _, context in
            guard let frame, let session = HTTP2Callbacks.session(context) else { return 0 }
            return session.receivedField(
                frame.pointee, name: UnsafeBufferPointer(start: name, count: nameCount),
                value: UnsafeBufferPointer(start: value, count: valueCount))
        }
        // Without this callback the library drops a bad field silently; we treat the message as malformed
        // (RFC 9113, 8.2.1), which resets its stream.
        nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, _ in
            NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, bytes, count, context in
            guard let session = HTTP2Callbacks.session(context) else { return 0 }
            session.receivedData(stream, UnsafeBufferPointer(start: bytes, count: count))
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
            guard let frame, let session = HTTP2Callbacks.session(context) else { return 0 }
            return session.received(frame.pointee)
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, context in
            HTTP2Callbacks.session(context)?.closed(stream, HTTP2ErrorCode(wire: code))
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, context in
            guard let frame, let session = HTTP2Callbacks.session(context) else { return 0 }
            session.sent(frame.pointee)
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) { _, frame, _, context in
            guard let frame, let session = HTTP2Callbacks.session(context) else { return 0 }
            session.couldNotSend(frame.pointee)
            return 0
        }
    }

    /// Asks a stream's source for one frame.
    static let read: nghttp2_data_source_read_callback = { library, stream, buffer, length, flags, _, context in
        guard let session = HTTP2Callbacks.session(context), let buffer, let flags else {
            return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
        }
        return session.read(
            library, stream, UnsafeMutableRawBufferPointer(start: buffer, count: length), &flags.pointee)
    }

    private static func session(_ context: UnsafeMutableRawPointer?) -> HTTP2Session? {
        context.map { Unmanaged<HTTP2Session>.fromOpaque($0).takeUnretainedValue() }
    }

    fileprivate static func note(_ fault: HTTP2Fault?, in session: HTTP2Session) -> Int32 {
        guard let fault else { return 0 }
        session.pendingFault = fault
        return failure
    }
}

extension HTTP2Session {
    fileprivate func began(_ head: nghttp2_frame_hd) -> Int32 {
        let fault = frameGuard.received(HTTP2FrameKind(type: head.type), flags: head.flags, length: head.length)
        return HTTP2Callbacks.note(fault, in: self)
    }

    fileprivate func beganHeaders(_ frame: nghttp2_frame) -> Int32 {
        block = HTTP2HeaderBlock()
        let stream = frame.hd.stream_id
        guard role == .server, frame.headers.cat == NGHTTP2_HCAT_REQUEST else { return 0 }
        if liveStreams.count >= limits.openStreams { refuse(stream) } else { liveStreams.insert(stream) }
        return 0
    }

    fileprivate func receivedField(
        _ frame: nghttp2_frame, name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>
    ) -> Int32 {
        guard var current = block else { return 0 }
        block = nil
        defer { block = current }
        current.listBytes += name.count + value.count + 32
        if current.listBytes > limits.headerListBytes || current.fields.count >= limits.headerFields {
            current.isTooLarge = true
            current.fields = []
        }
        // A few bytes of HPACK can stand for megabytes of fields; whoever goes four times over the limit means it.
        if current.listBytes > 4 * limits.headerListBytes {
            return HTTP2Callbacks.note(.headerListTooLarge, in: self)
        }
        guard !current.isTooLarge, !current.isMalformed, !refusedStreams.contains(frame.hd.stream_id) else { return 0 }
        guard let name = String(validating: name, as: UTF8.self), let value = String(validating: value, as: UTF8.self)
        else {
            current.isMalformed = true
            nghttp2_submit_rst_stream(library, 0, frame.hd.stream_id, HTTP2ErrorCode.protocolError.rawValue)
            return 0
        }
        current.fields.append(HTTPHeaders.Field(name, value))
        return 0
    }

    fileprivate func receivedData(_ stream: HTTP2StreamID, _ bytes: UnsafeBufferPointer<UInt8>) {
        if liveStreams.contains(stream) {
            events.append(.data(stream, Array(bytes)))
        } else if limits.consumesManually {
            nghttp2_session_consume(library, stream, bytes.count)
        }
    }

    fileprivate func received(_ frame: nghttp2_frame) -> Int32 {
        let stream = frame.hd.stream_id
        let endsStream = frame.hd.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        let isAcknowledgement = frame.hd.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
        switch HTTP2FrameKind(type: frame.hd.type) {
        case .headers: receivedHeaders(stream, endsStream: endsStream)
        case .data:
            if endsStream {
                if liveStreams.contains(stream) { events.append(.endOfStream(stream)) }
            } else if frame.hd.length > 0, frame.hd.length <= frame.data.padlen {
                return HTTP2Callbacks.note(frameGuard.receivedEmptyData(), in: self)
            }
        case .settings where !isAcknowledgement: events.append(.settings)
        case .ping where isAcknowledgement:
            let payload = withUnsafeBytes(of: frame.ping.opaque_data) { $0.reduce(0) { $0 << 8 | UInt64($1) } }
            events.append(.pong(payload))
        case .other where frame.hd.type == UInt8(NGHTTP2_GOAWAY.rawValue):
            let code = HTTP2ErrorCode(wire: frame.goaway.error_code)
            events.append(.goAway(lastStream: frame.goaway.last_stream_id, code))
        default: break
        }
        return 0
    }

    private func receivedHeaders(_ stream: HTTP2StreamID, endsStream: Bool) {
        guard let block, liveStreams.contains(stream) else { return }
        self.block = nil
        guard !block.isMalformed else { return }
        if block.isTooLarge {
            events.append(.headersTooLarge(stream, endsStream: endsStream))
            return
        }
        let headers = HTTPHeaders(block.fields)
        // Interim responses (RFC 9110, 15.2) are of no use to anyone here.
        if let status = headers[":status"], status.utf8.first == 0x31 { return }
        // Only a message's first block has pseudo fields (RFC 9113, 8.1); the library has checked that.
        if headers.fields.first?.name.utf8.first == 0x3A {
            events.append(.headers(stream, headers, endsStream: endsStream))
        } else {
            events.append(.trailers(stream, headers))
        }
    }

    fileprivate func closed(_ stream: HTTP2StreamID, _ code: HTTP2ErrorCode) {
        sources[stream] = nil
        refusedStreams.remove(stream)
        if liveStreams.remove(stream) != nil { events.append(.streamClosed(stream, code)) }
    }

    fileprivate func sent(_ frame: nghttp2_frame) {
        switch HTTP2FrameKind(type: frame.hd.type) {
        case .data: frameGuard.sentData(bytes: frame.hd.length)
        // A fault is acted upon when the library has returned: this frame is in its buffer still.
        case .reset: pendingFault = pendingFault ?? frameGuard.sentReset()
        case .other where frame.hd.type == UInt8(NGHTTP2_GOAWAY.rawValue) && frame.goaway.error_code != 0:
            libraryGoAway = HTTP2ErrorCode(wire: frame.goaway.error_code)
        default: break
        }
    }

    /// A request that could not be sent (the peer said GOAWAY meanwhile) never becomes a stream of the library's.
    fileprivate func couldNotSend(_ frame: nghttp2_frame) {
        guard role == .client, HTTP2FrameKind(type: frame.hd.type) == .headers else { return }
        closed(frame.hd.stream_id, .refusedStream)
    }

    fileprivate func read(
        _ library: OpaquePointer?, _ stream: HTTP2StreamID, _ buffer: UnsafeMutableRawBufferPointer,
        _ flags: inout UInt32
    ) -> Int {
        guard isPullingData else { return Int(NGHTTP2_ERR_PAUSE.rawValue) }
        guard let source = sources[stream] else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        switch source.read(into: buffer) {
        case .bytes(let count) where count > 0: return min(count, buffer.count)
        case .bytes, .deferred: return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        case .lastBytes(let count):
            flags |= NGHTTP2_DATA_FLAG_EOF.rawValue
            return min(max(count, 0), buffer.count)
        case .end:
            flags |= NGHTTP2_DATA_FLAG_EOF.rawValue
            return 0
        case .endWithTrailers(let trailers):
            guard HTTP2Library.isValid(trailers) else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
            flags |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
            let result = HTTP2Library.withFields(trailers) { nghttp2_submit_trailer(library, stream, $0, $1) }
            return result == 0 ? 0 : Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        case .failed(let code):
            nghttp2_submit_rst_stream(library, 0, stream, code.rawValue)
            return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
    }

    /// Resets a stream of which the owner never hears. It did not run, so the peer may try again (RFC 9113, 8.7).
    private func refuse(_ stream: HTTP2StreamID) {
        refusedStreams.insert(stream)
        nghttp2_submit_rst_stream(library, 0, stream, HTTP2ErrorCode.refusedStream.rawValue)
    }
}
