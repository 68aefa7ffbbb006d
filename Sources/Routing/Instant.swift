// Time as the pure core sees it: handed in, never read.

/// A point on a clock that runs on through suspend (CLOCK_BOOTTIME); only differences mean anything.
package struct Instant: Hashable, Comparable, Sendable {
    package var microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

    package static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }

    /// `milliseconds` after this instant, saturating.
    package func adding(milliseconds: Int64) -> Instant {
        let (delta, overflow) = milliseconds.multipliedReportingOverflow(by: 1000)
        let (sum, over) = microseconds.addingReportingOverflow(overflow ? .max : delta)
        return Instant(microseconds: over ? .max : sum)
    }

    /// Milliseconds from `earlier` to this instant, rounded down.
    package func milliseconds(since earlier: Instant) -> Int64 {
        let (difference, overflow) = microseconds.subtractingReportingOverflow(earlier.microseconds)
        return overflow ? .max : difference / 1000
    }
}
