// Counts the frames that cost the sender little and us much, and says when it is enough (faults A23 and E8).
//
// Each kind has a token bucket. A frame is counted where its head is seen, before the library acts on it, so that
// frames for closed streams, which the library drops silently, count too. Resets that we send stand in one bucket with
// those we receive: a client that provokes server resets (CVE-2025-8671, "made you reset") buys the same work as
// one that resets itself (CVE-2023-44487, "rapid reset").

/// A token bucket in thousandths of a token, so that milliseconds divide evenly.
struct TokenBucket {
    private let rate: HTTP2Rate
    private var level: Int
    private var last: UInt64

    init(_ rate: HTTP2Rate, nowMilliseconds: UInt64) {
        self.rate = rate
        level = rate.burst * 1000
        last = nowMilliseconds
    }

    /// Takes one token; false when there is none.
    mutating func take(nowMilliseconds now: UInt64) -> Bool {
        if now > last {
            // An hour fills any bucket, and the cut keeps the product small.
            let elapsed = Int(min(now - last, 3_600_000))
            level = min(level + elapsed * rate.perSecond, rate.burst * 1000)
            last = now
        }
        guard level >= 1000 else { return false }
        level -= 1000
        return true
    }

    /// Adds tokens that were earned otherwise.
    mutating func credit(_ tokens: Int) {
        level = min(level + tokens * 1000, rate.burst * 1000)
    }
}

/// The frame counters of one session.
struct HTTP2Guard {
    /// The time of the last input, milliseconds.
    var now: UInt64
    private let limits: HTTP2Limits
    private var resets: TokenBucket
    private var pings: TokenBucket
    private var settings: TokenBucket
    private var emptyFrames: TokenBucket
    private var windowUpdates: TokenBucket
    private var otherFrames: TokenBucket
    private var continuations = 0
    private var uncreditedBytes = 0

    init(limits: HTTP2Limits, nowMilliseconds now: UInt64) {
        self.limits = limits
        self.now = now
        resets = TokenBucket(limits.resets, nowMilliseconds: now)
        pings = TokenBucket(limits.pings, nowMilliseconds: now)
        settings = TokenBucket(limits.settings, nowMilliseconds: now)
        emptyFrames = TokenBucket(limits.emptyFrames, nowMilliseconds: now)
        windowUpdates = TokenBucket(limits.windowUpdates, nowMilliseconds: now)
        otherFrames = TokenBucket(limits.otherFrames, nowMilliseconds: now)
    }

    /// Counts a received frame by its head; a fault ends the session.
    mutating func received(_ kind: HTTP2FrameKind, flags: UInt8, length: Int) -> HTTP2Fault? {
        // 0x1 is ACK of SETTINGS and PING, and END_STREAM of DATA.
        let isMarked = flags & 0x1 != 0
        switch kind {
        case .data: return length == 0 && !isMarked ? receivedEmptyData() : nil
        case .headers:
            continuations = 0
            return nil
        case .continuation:
            continuations += 1
            return continuations > limits.continuations ? .continuationFlood : nil
        case .reset: return resets.take(nowMilliseconds: now) ? nil : .resetFlood
        case .settings where !isMarked: return settings.take(nowMilliseconds: now) ? nil : .settingsFlood
        case .ping where !isMarked: return pings.take(nowMilliseconds: now) ? nil : .pingFlood
        case .windowUpdate: return windowUpdates.take(nowMilliseconds: now) ? nil : .windowUpdateFlood
        case .settings, .ping, .other: return otherFrames.take(nowMilliseconds: now) ? nil : .controlFlood
        }
    }

    /// Counts a DATA frame without content, be it empty or all padding.
    mutating func receivedEmptyData() -> HTTP2Fault? {
        emptyFrames.take(nowMilliseconds: now) ? nil : .emptyFrameFlood
    }

    /// Counts a reset that we sent.
    mutating func sentReset() -> HTTP2Fault? {
        resets.take(nowMilliseconds: now) ? nil : .resetFlood
    }

    /// Credits the window updates that sent data may rightly bring.
    mutating func sentData(bytes: Int) {
        uncreditedBytes += bytes
        windowUpdates.credit(uncreditedBytes / 1024)
        uncreditedBytes %= 1024
    }
}

/// The frame types that are told apart (RFC 9113, 6).
enum HTTP2FrameKind {
    case data, headers, reset, settings, ping, windowUpdate, continuation, other

    init(type: UInt8) {
        switch type {
        case 0x0: self = .data
        case 0x1: self = .headers
        case 0x3: self = .reset
        case 0x4: self = .settings
        case 0x6: self = .ping
        case 0x8: self = .windowUpdate
        case 0x9: self = .continuation
        default: self = .other
        }
    }
}
