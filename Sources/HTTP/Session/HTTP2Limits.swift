// The bounds of an HTTP/2 session (faults A23 and E8). Every one of them is a number somebody can find here.

/// The bounds and windows of one session.
package struct HTTP2Limits: Sendable, Equatable {
    /// SETTINGS_MAX_CONCURRENT_STREAMS that the peer is told.
    package var advertisedStreams: UInt32 = 64
    /// Streams of the peer that are served at once; a further one is refused by REFUSED_STREAM.
    package var openStreams: Int = 64
    /// Bytes of one header list, counted as name + value + 32 a field (RFC 9113, 6.5.2).
    package var headerListBytes: Int = 16 * 1024
    /// Fields in one header list.
    package var headerFields: Int = 64
    /// CONTINUATION frames in one header block.
    package var continuations: Int = 8
    /// Resets in either direction, client's and server's in one bucket (rapid reset, made-you-reset).
    package var resets = HTTP2Rate(burst: 100, perSecond: 20)
    /// PING frames without ACK; gRPC-Go's bandwidth estimation must pass.
    package var pings = HTTP2Rate(burst: 200, perSecond: 100)
    /// SETTINGS frames without ACK.
    package var settings = HTTP2Rate(burst: 32, perSecond: 1)
    /// DATA frames that carry nothing and end nothing.
    package var emptyFrames = HTTP2Rate(burst: 100, perSecond: 20)
    /// WINDOW_UPDATE frames; every KiB of DATA we sent adds one on top, as each may rightly be acknowledged.
    package var windowUpdates = HTTP2Rate(burst: 2000, perSecond: 200)
    /// PRIORITY, unknown and all other frames that ask for nothing.
    package var otherFrames = HTTP2Rate(burst: 200, perSecond: 100)
    /// Entries in one SETTINGS frame.
    package var settingsEntries: Int = 32
    /// Frames that wait inside the library to be sent (beside 64 KiB framed ahead); one more and the session fails.
    package var queuedFrames: Int = 1000
    /// Receive window of the connection, bytes.
    package var connectionWindow: Int32 = 4 * 1024 * 1024
    /// Receive window of each stream, bytes.
    package var streamWindow: Int32 = 1024 * 1024
    /// With true, received bytes return to the windows only by `consume`; else at once.
    package var consumesManually: Bool = false

    /// The defaults, which are those of the management API.
    package init() {}

    /// Those of a peer link: one stream is of use. A few more may be opened and are refused one by one, so that a
    /// mistaken peer loses the stream and not the session.
    package static var peerLink: HTTP2Limits {
        var limits = HTTP2Limits()
        limits.advertisedStreams = 16
        limits.openStreams = 1
        return limits
    }
}

/// A token bucket's numbers.
package struct HTTP2Rate: Sendable, Equatable {
    /// What a full bucket holds.
    package var burst: Int
    /// What flows in each second.
    package var perSecond: Int

    /// A rate.
    package init(burst: Int, perSecond: Int) {
        self.burst = burst
        self.perSecond = perSecond
    }
}
