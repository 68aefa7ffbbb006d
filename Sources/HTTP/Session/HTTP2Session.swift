// One HTTP/2 session: bytes in, events out; calls in, bytes out. The owner of libnghttp2's session object.
//
// Input goes through `receive`, which feeds the library; its callbacks (HTTP2Callbacks.swift) turn what it finds into
// events, and the guard counts what looks like an attack. Output is pulled: `takeOutput` asks the library for one frame
// at a time, and only then is a stream's data source asked for bytes. So whoever owns the transport decides, as
// late as possible, what travels next, and never has more than one frame of data before a fresh control frame.
//
// After `receive`, the control frames it caused (SETTINGS and PING acknowledgements, resets, GOAWAY) are framed at
// once into `framed`, data excluded. Thereby the session learns of its own failure in the call that caused it.
//
// A session ends in one of two ways. Gracefully: GOAWAY NO_ERROR, and its streams run out. Or it fails: then the library
// is closed on the spot and never called again (a terminated libnghttp2 session that is fed further has been a source
// of faults), and a GOAWAY made by hand is the last output.
import CNghttp2

/// Which end of the connection we are.
package enum HTTP2Role: Sendable, Equatable { case client, server }

/// An HTTP/2 session of either role. It has one owner and is used from one thread.
package final class HTTP2Session {
    /// Control frames framed ahead of being taken, bytes; beyond this they wait in the library (as frames, bounded by
    /// `limits.queuedFrames`).
    private static let framedAheadBytes = 64 * 1024
    /// The largest frame we send: 16 KiB and its head (RFC 9113, 4.2: the default SETTINGS_MAX_FRAME_SIZE).
    package static let maximumFrameBytes = 16 * 1024 + 9

    let role: HTTP2Role
    let limits: HTTP2Limits
    /// The library's object; nil once the session failed.
    var library: OpaquePointer?
    var frameGuard: HTTP2Guard
    var events = FIFO<HTTP2Event>()
    var sources: [HTTP2StreamID: any HTTP2DataSource] = [:]
    /// Streams that the owner knows of and that are not closed.
    var liveStreams: Set<HTTP2StreamID> = []
    /// Streams that were refused before the owner heard of them, until they are closed; bounded by the reset budget.
    var refusedStreams: Set<HTTP2StreamID> = []
    /// The header block that is being received; blocks cannot interleave (RFC 9113, 4.3).
    var block: HTTP2HeaderBlock?
    /// What a callback found wrong; acted upon when the library has returned.
    var pendingFault: HTTP2Fault?
    /// The library's own verdict, from the GOAWAY that it framed.
    var libraryGoAway: HTTP2ErrorCode?
    /// Whether data sources may be asked now.
    var isPullingData = false
    private var isInsideLibrary = false
    private var framed = FIFO<UInt8>()
    /// Why the session ended; nil while it lives.
    package private(set) var failure: HTTPError?

    /// Creates a session; our SETTINGS (and a client's preface) are ready as output.
    package init(role: HTTP2Role, limits: HTTP2Limits = HTTP2Limits(), nowMilliseconds: UInt64) throws(HTTPError) {
        self.role = role
        self.limits = limits
        frameGuard = HTTP2Guard(limits: limits, nowMilliseconds: nowMilliseconds)
        library = HTTP2Library.newSession(
            role: role, limits: limits, context: Unmanaged.passUnretained(self).toOpaque())
        guard library != nil, HTTP2Library.submitSettings(library, role: role, limits: limits) else {
            throw .sessionFailed(.internalError, .outOfMemory)
        }
        // Framed now, so that SETTINGS goes out first even if the session fails on its first byte.
        frameControl()
    }

    deinit { nghttp2_session_del(library) }

    /// Feeds received bytes.
    ///
    /// Throws when the session fails, once by its fault and later as `.sessionClosed`; events found before the fault
    /// can still be taken, and the last output is a GOAWAY with the error's code.
    package func receive(_ bytes: UnsafeRawBufferPointer, nowMilliseconds: UInt64) throws(HTTPError) {
        guard failure == nil, let library, !isInsideLibrary else { throw .sessionClosed }
        guard nghttp2_session_want_read(library) != 0 else { throw .sessionClosed }
        guard !bytes.isEmpty else { return }
        frameGuard.now = max(frameGuard.now, nowMilliseconds)
        isInsideLibrary = true
        let result = nghttp2_session_mem_recv(library, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
        isInsideLibrary = false
        if result < 0 { fail(libraryError: Int32(truncatingIfNeeded: result)) } else { checkFaults() }
        frameControl()
        if let failure { throw failure }
    }

    /// The next event, in order; nil when there is none.
    package func nextEvent() -> HTTP2Event? { events.popFirst() }

    /// Appends framed output and returns the number of bytes appended, at most `limit`.
    ///
    /// Control frames go first. A data source is asked only while a whole frame fits below the limit (or nothing was
    /// taken yet), so with a limit of 16,393 bytes or a little more at most one DATA frame is ever on its way.
    @discardableResult
    package func takeOutput(into output: inout [UInt8], limit: Int) -> Int {
        guard !isInsideLibrary else { return 0 }
        var taken = framed.move(to: &output, limit: limit)
        isPullingData = true
        while failure == nil, framed.isEmpty, taken < limit, taken == 0 || taken + Self.maximumFrameBytes <= limit {
            let isFramed = frameOne { frame in
                let fitting = frame.prefix(limit - taken)
                output.append(contentsOf: fitting)
                framed.append(contentsOf: frame.dropFirst(fitting.count))
                taken += fitting.count
            }
            guard isFramed else { break }
        }
        isPullingData = false
        // The library books a frame as sent (and closes its stream) only when it is called again.
        if taken > 0 { frameControl() }
        return taken
    }

    /// Whether `takeOutput` would give something. Streams that are deferred or have no window do not count.
    package var hasOutput: Bool {
        !framed.isEmpty || (library.map { nghttp2_session_want_write($0) != 0 } ?? false)
    }

    /// Whether the session still takes input.
    package var wantsInput: Bool { library.map { nghttp2_session_want_read($0) != 0 } ?? false }

    /// Whether all is over: the streams ran out after a GOAWAY, or the session failed, and the output was taken.
    package var isFinished: Bool { !hasOutput && !wantsInput }

    /// Streams that are open in at least one direction.
    package var openStreamCount: Int { liveStreams.count }

    /// Whether a header block has begun and not ended.
    package var isReceivingHead: Bool { block != nil }

    /// Output that is framed or waits as control frames; DATA that sources hold is not counted. For tests and metrics.
    package var bufferedOutputBytes: Int { framed.count }

    /// Immediate end by our own decision: GOAWAY with that code is the last output, nothing is fed any more.
    package func terminate(_ code: HTTP2ErrorCode) {
        guard failure == nil else { return }
        close(code)
        failure = .sessionClosed
    }

    /// Runs `body` on the library's object, unless the session failed or a callback is running.
    func withLibrary<Result>(_ body: (OpaquePointer) throws(HTTPError) -> Result) throws(HTTPError) -> Result {
        guard failure == nil, let library, !isInsideLibrary else { throw .sessionClosed }
        return try body(library)
    }

    /// Frames what does not need a data source, so that the peer's questions are answered before our data.
    private func frameControl() {
        guard failure == nil else { return }
        isPullingData = false
        while failure == nil, framed.count < Self.framedAheadBytes, frameOne({ framed.append(contentsOf: $0) }) {}
        // A peer that asks and never reads: its answers pile up here, and only here (fault E8).
        if failure == nil, let library, nghttp2_session_get_outbound_queue_size(library) > limits.queuedFrames {
            fail(.enhanceYourCalm, .outputOverflow)
        }
    }

    /// Asks the library for one frame and hands it to `sink`; false when there is none.
    private func frameOne(_ sink: (UnsafeBufferPointer<UInt8>) -> Void) -> Bool {
        guard let library else { return false }
        var pointer: UnsafePointer<UInt8>?
        isInsideLibrary = true
        let count = nghttp2_session_mem_send(library, &pointer)
        isInsideLibrary = false
        // Copied before anything else: the bytes are the library's and go with it when a fault closes it.
        if count > 0 {
            sink(UnsafeBufferPointer(start: pointer, count: count))
        } else if count < 0 {
            fail(libraryError: Int32(truncatingIfNeeded: count))
        }
        checkFaults()
        return count > 0 && failure == nil
    }

    /// Acts upon what the callbacks found.
    private func checkFaults() {
        guard failure == nil else { return }
        if let fault = pendingFault {
            fail(.enhanceYourCalm, fault)
        } else if let code = libraryGoAway {
            // The library has framed its own GOAWAY already.
            failure = .sessionFailed(code, code == .enhanceYourCalm ? .controlFlood : .protocolViolation)
            dropLibrary()
        }
    }

    private func fail(libraryError: Int32) {
        switch libraryError {
        case NGHTTP2_ERR_CALLBACK_FAILURE.rawValue where pendingFault != nil: checkFaults()
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue: fail(.protocolError, .badPreface)
        case NGHTTP2_ERR_FLOODED.rawValue: fail(.enhanceYourCalm, .controlFlood)
        case NGHTTP2_ERR_NOMEM.rawValue: fail(.internalError, .outOfMemory)
        // -905 is TOO_MANY_CONTINUATIONS, a constant that only patched 1.52 and newer releases name.
        case -905: fail(.enhanceYourCalm, .continuationFlood)
        default: fail(.internalError, .protocolViolation)
        }
    }

    private func fail(_ code: HTTP2ErrorCode, _ fault: HTTP2Fault) {
        guard failure == nil else { return }
        close(code)
        failure = .sessionFailed(code, fault)
    }

    /// Closes the library and leaves a GOAWAY (RFC 9113, 6.8) behind what was framed before.
    private func close(_ code: HTTP2ErrorCode) {
        let last = library.map { UInt32(max(0, nghttp2_session_get_last_proc_stream_id($0))) } ?? 0
        framed.append(contentsOf: [0, 0, 8, 7, 0, 0, 0, 0, 0])
        for word in [last, code.rawValue] {
            framed.append(contentsOf: (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * UInt32($0))) })
        }
        dropLibrary()
    }

    private func dropLibrary() {
        nghttp2_session_del(library)
        library = nil
        sources.removeAll()
        liveStreams.removeAll()
        refusedStreams.removeAll()
        block = nil
    }
}
