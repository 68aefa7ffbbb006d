// The module's one error type, and what dies of each.
//
// Nothing in an error repeats bytes of the other side (they may hold a token); it names the rule that was broken.

/// HTTP/2 error codes (RFC 9113, 7).
package enum HTTP2ErrorCode: UInt32, Sendable, Equatable {
    case noError = 0x0, protocolError, internalError, flowControlError, settingsTimeout, streamClosed, frameSizeError
    case refusedStream, cancel, compressionError, connectError, enhanceYourCalm, inadequateSecurity, http11Required

    /// The code, unknown ones read as INTERNAL_ERROR (RFC 9113, 7 allows that).
    package init(wire: UInt32) { self = HTTP2ErrorCode(rawValue: wire) ?? .internalError }
}

/// Which rule ended an HTTP/2 session; the raw value is stable for counters and logs.
package enum HTTP2Fault: String, Sendable, Equatable, CaseIterable {
    case resetFlood = "reset_flood"
    case pingFlood = "ping_flood"
    case settingsFlood = "settings_flood"
    case emptyFrameFlood = "empty_frame_flood"
    case windowUpdateFlood = "window_update_flood"
    case controlFlood = "control_flood"
    case continuationFlood = "continuation_flood"
    case headerListTooLarge = "header_list_too_large"
    case outputOverflow = "output_overflow"
    case protocolViolation = "protocol_violation"
    case badPreface = "bad_preface"
    case outOfMemory = "out_of_memory"
}

/// What an error ends.
package enum HTTPErrorScope: Sendable, Equatable {
    case message, session
}

/// What can go wrong in this module.
package enum HTTPError: Error, Sendable, Equatable {
    /// The HTTP/2 session is over; a GOAWAY with this code is the last output.
    case sessionFailed(HTTP2ErrorCode, HTTP2Fault)
    /// The session was over before: nothing is fed into it and nothing is submitted to it any more.
    case sessionClosed
    /// There is no such open stream, or its state does not allow the call.
    case streamClosed
    /// A message for sending is not valid (a control character in a field, no method …).
    case invalidMessage
    /// The response is not HTTP as RFC 9112 has it; the text names the rule.
    case malformedResponse(String)
    /// The response's head or body exceeds the limit.
    case responseTooLarge
    /// The connection ended before the response did.
    case truncated

    /// What dies: the message (or stream), or the whole session.
    package var scope: HTTPErrorScope {
        switch self {
        case .streamClosed, .invalidMessage: .message
        case .sessionFailed, .sessionClosed, .malformedResponse, .responseTooLarge, .truncated: .session
        }
    }

    /// The GOAWAY code that belongs to a failed HTTP/2 session.
    package var goAwayCode: HTTP2ErrorCode? {
        if case .sessionFailed(let code, _) = self { return code }
        return nil
    }
}
