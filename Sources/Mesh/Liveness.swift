// Ping and Pong (tags 3 and 4) on one link: how far the peer is, and whether it is there.
//
// A Ping goes out at once, then every 2 s, and never while another is unanswered, since v1 answers cannot be told apart.
// A v1 node under load drops its Pong (W6): after 30 s one more Ping goes out, and the first answer after that, which
// may belong to either, is not measured. A missing Pong never kills a link; 45 s without any byte does. Between our own
// nodes, which answer every Ping, it is a Ping a second and three seconds without any byte.
import Routing

/// The measuring of one link.
struct Liveness: Sendable {
    /// What a Pong turned out to be.
    enum PongOutcome: Hashable { case sample, ambiguous, unsolicited }

    /// Round trips in microseconds, the newest last; at most ten.
    private(set) var samples: [UInt64] = []
    private(set) var smoothed: UInt64?
    private(set) var jitter: UInt64?
    private(set) var sent: UInt64 = 0
    private(set) var lost: UInt64 = 0
    private var inFlight: Instant?
    private var lastSent: Instant?
    private var isAmbiguous = false
    /// Pings that no Pong has answered.
    private var owed = 0
    var lastHeard: Instant

    init(now: Instant) { lastHeard = now }

    /// v1's latency: the mean of the last ten, microseconds.
    var mean: UInt64? {
        samples.isEmpty ? nil : samples.reduce(0, &+) / UInt64(samples.count)
    }

    /// When the next Ping is due; `isOurs`: the peer runs our software.
    func pingDue(_ tunables: Tunables, isOurs: Bool) -> Instant {
        guard let lastSent else { return lastHeard }
        let interval = isOurs ? tunables.ownPingInterval : tunables.pingInterval
        return lastSent.adding(milliseconds: inFlight == nil ? interval : tunables.pongTimeout)
    }

    /// When the link is dead unless a byte comes.
    func deadAt(_ tunables: Tunables, isOurs: Bool) -> Instant {
        lastHeard.adding(milliseconds: isOurs ? tunables.ownDeadAfter : tunables.deadAfter)
    }

    /// A Ping leaves now.
    mutating func pingSent(at now: Instant) {
        if inFlight != nil {
            isAmbiguous = true
            lost &+= 1
        }
        inFlight = now
        lastSent = now
        owed += 1
        sent &+= 1
    }

    mutating func pongReceived(at now: Instant) -> PongOutcome {
        guard owed > 0 else { return .unsolicited }
        owed -= 1
        guard let start = inFlight else { return .ambiguous }
        inFlight = nil
        if isAmbiguous {
            isAmbiguous = false
            return .ambiguous
        }
        record(UInt64(max(0, now.microseconds - start.microseconds)))
        return .sample
    }

    private mutating func record(_ sample: UInt64) {
        let difference = samples.last.map { $0 > sample ? $0 - sample : sample - $0 } ?? 0
        jitter = jitter.map { ($0 * 15 + difference) / 16 } ?? 0
        smoothed = smoothed.map { ($0 * 7 + sample) / 8 } ?? sample
        if samples.count == 10 { samples.removeFirst() }
        samples.append(sample)
    }

    var view: LatencyView {
        LatencyView(
            last: samples.last, mean: mean, minimum: samples.min(), maximum: samples.max(), smoothed: smoothed,
            jitter: jitter, samples: samples.count, probesSent: sent, probesLost: lost)
    }
}
