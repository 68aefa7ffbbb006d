// A rate limit with room for bursts (RFC 4443 section 2.4 (f)); time is handed in.

import Routing

/// Lets `burst` events pass at once and `perSecond` in the long run.
package struct TokenBucket: Sendable {
    /// Microseconds of time saved up; an event costs `cost` of them.
    private var credit: Int64
    private let cost: Int64
    private let capacity: Int64
    private var last: Instant?

    /// Both in 1…1,000,000; what is outside counts as the nearest of them.
    package init(perSecond: Int, burst: Int) {
        cost = 1_000_000 / Int64(min(max(perSecond, 1), 1_000_000))
        capacity = cost * Int64(min(max(burst, 1), 1_000_000))
        credit = capacity
    }

    /// Whether an event may happen now. A clock that stands still or goes back fills nothing.
    package mutating func take(at now: Instant) -> Bool {
        if let last, now > last {
            let (elapsed, overflow) = now.microseconds.subtractingReportingOverflow(last.microseconds)
            credit = overflow || elapsed >= capacity ? capacity : min(capacity, credit + elapsed)
        }
        if last.map({ now > $0 }) ?? true { last = now }
        guard credit >= cost else { return false }
        credit -= cost
        return true
    }
}
