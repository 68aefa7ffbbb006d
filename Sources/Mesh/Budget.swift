// A budget that fills with time: what bounds replies and verifications a peer can ask for.
import Routing

/// A token bucket on the node's clock, whose tokens may be given back.
struct Budget: Sendable {
    private let burst: Int64
    /// Microseconds for one token.
    private let interval: Int64
    /// The time at which the bucket would have been empty, had it filled since at its rate.
    private var emptyAt: Int64

    /// Full at `now`.
    init(burst: Int, intervalMilliseconds: Int64, now: Instant) {
        self.burst = Int64(burst)
        interval = intervalMilliseconds * 1000
        emptyAt = now.microseconds - self.burst * interval
    }

    /// Takes one token, if there is one.
    mutating func take(at now: Instant) -> Bool {
        emptyAt = max(emptyAt, now.microseconds - burst * interval)
        guard now.microseconds - emptyAt >= interval else { return false }
        emptyAt += interval
        return true
    }

    /// Gives one back: what it was taken for turned out to be wanted.
    mutating func giveBack() { emptyAt -= interval }
}
