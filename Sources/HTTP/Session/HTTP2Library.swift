// libnghttp2's objects made and filled: options, callbacks, settings, field vectors. No state of its own.
import CNghttp2

/// A header block that is being received. Fields beyond the limits are dropped, but counted and decoded on, since
/// HPACK's table must stay in step with the peer's.
struct HTTP2HeaderBlock {
    var fields: [HTTPHeaders.Field] = []
    var listBytes = 0
    var isTooLarge = false
    /// The stream was reset because of a field that is not text.
    var isMalformed = false
}

enum HTTP2Library {
    /// A new session with our limits and callbacks; nil when memory is out.
    static func newSession(role: HTTP2Role, limits: HTTP2Limits, context: UnsafeMutableRawPointer) -> OpaquePointer? {
        var options: OpaquePointer?
        var callbacks: OpaquePointer?
        defer {
            nghttp2_option_del(options)
            nghttp2_session_callbacks_del(callbacks)
        }
        guard nghttp2_option_new(&options) == 0, nghttp2_session_callbacks_new(&callbacks) == 0 else { return nil }
        nghttp2_option_set_no_auto_window_update(options, limits.consumesManually ? 1 : 0)
        nghttp2_option_set_max_settings(options, max(limits.settingsEntries, 1))
        nghttp2_option_set_max_outbound_ack(options, max(limits.queuedFrames, 1))
        // Closed streams were kept for RFC 7540's priority tree only, which is switched off.
        nghttp2_option_set_no_closed_streams(options, 1)
        HTTP2Callbacks.install(in: callbacks)
        var session: OpaquePointer?
        let result =
            role == .server
            ? nghttp2_session_server_new2(&session, callbacks, context, options)
            : nghttp2_session_client_new2(&session, callbacks, context, options)
        return result == 0 ? session : nil
    }

    /// Queues our SETTINGS and widens the connection's window (RFC 9113, 6.5.2 and 6.9.2).
    static func submitSettings(_ session: OpaquePointer?, role: HTTP2Role, limits: HTTP2Limits) -> Bool {
        var entries = [
            entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UInt32(max(limits.streamWindow, 0))),
            entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(clamping: limits.headerListBytes)),
        ]
        switch role {
        case .client: entries.append(entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
        case .server:
            entries.append(entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.advertisedStreams))
            // RFC 9218, 2.1: the tree of RFC 7540 is neither kept nor searched, so PRIORITY frames are harmless.
            entries.append(entry(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1))
        }
        return nghttp2_submit_settings(session, 0, &entries, entries.count) == 0
            && nghttp2_session_set_local_window_size(session, 0, 0, max(limits.connectionWindow, 65_535)) == 0
    }

    private static func entry(_ id: nghttp2_settings_id, _ value: UInt32) -> nghttp2_settings_entry {
        nghttp2_settings_entry(settings_id: Int32(bitPattern: id.rawValue), value: value)
    }

    /// The provider of every body: the source is found by the stream's number.
    static var provider: nghttp2_data_provider {
        var provider = nghttp2_data_provider()
        provider.read_callback = HTTP2Callbacks.read
        return provider
    }

    /// Whether fields may be sent: names of tokens (or a pseudo name), values without line ends or NUL.
    static func isValid(_ headers: HTTPHeaders) -> Bool {
        headers.fields.allSatisfy { field in
            guard field.name.utf8.first == 0x3A else { return HTTPSyntax.isValid(field) }
            return HTTPSyntax.isToken(String(field.name.dropFirst()))
                && field.value.utf8.allSatisfy(HTTPSyntax.isFieldValue)
        }
    }

    /// Lends the fields in the library's form; it copies them.
    static func withFields<Result>(
        _ headers: HTTPHeaders, _ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result
    ) -> Result {
        var bytes: [UInt8] = []
        for field in headers.fields {
            bytes.append(contentsOf: field.name.utf8)
            bytes.append(contentsOf: field.value.utf8)
        }
        return bytes.withUnsafeMutableBufferPointer { buffer in
            var offset = 0
            var vector: [nghttp2_nv] = []
            for field in headers.fields {
                let (name, value) = (field.name.utf8.count, field.value.utf8.count)
                vector.append(
                    nghttp2_nv(
                        name: buffer.baseAddress.map { $0 + offset },
                        value: buffer.baseAddress.map { $0 + offset + name },
                        namelen: name, valuelen: value, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
                offset += name + value
            }
            return vector.withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
        }
    }
}
