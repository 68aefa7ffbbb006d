// Counts and log bounds of the daemon itself: what neither a link nor a worker nor the node counts.

/// Plain numbers since the start; read by /metrics.
struct DaemonCounters {
    /// How late the last timer was, seconds.
    var loopLag: Double = 0
    var clockSteps: UInt64 = 0
    var acceptExhausted: UInt64 = 0
    /// Packets from the workers for a link that was gone.
    private(set) var drops: [String: UInt64] = [:]
    /// Handshakes refused on the listener, by reason.
    private(set) var handshakes: [String: UInt64] = [:]
    /// Dials by configured peer and result (`ok` or a failure's code).
    private(set) var connectAttempts: [String: [String: UInt64]] = [:]
    private var lastLogged: [String: Int64] = [:]

    mutating func drop(_ reason: String) { drops[reason, default: 0] &+= 1 }

    mutating func refuseHandshake(_ code: String) { handshakes[code, default: 0] &+= 1 }

    /// Remembers 4,096 peers, more than may be configured at a time.
    mutating func attempted(_ peer: String, result: String) {
        guard connectAttempts[peer] != nil || connectAttempts.count < 4096 else { return }
        connectAttempts[peer, default: [:]][result, default: 0] &+= 1
    }

    /// Whether a line about `subject` may be written now; `interval` in microseconds. Remembers 256 subjects.
    mutating func mayLog(_ subject: String, at now: Int64, every interval: Int64) -> Bool {
        if let last = lastLogged[subject], now - last < interval { return false }
        if lastLogged.count >= 256 { lastLogged = lastLogged.filter { now - $0.value < 60_000_000 } }
        guard lastLogged.count < 256 else { return false }
        lastLogged[subject] = now
        return true
    }
}
