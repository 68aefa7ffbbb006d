// The end of one call's patience.

import Platform

struct Deadline {
    /// SystemClock microseconds.
    private let end: Int64
    /// What was asked for, for the error's text.
    let milliseconds: Int64

    init(milliseconds: Int64) {
        self.milliseconds = milliseconds
        let (time, overflow) = SystemClock.now().addingReportingOverflow(min(milliseconds, 1 << 40) * 1000)
        end = overflow ? .max : time
    }

    /// Milliseconds that are left, rounded up; 0: it is over.
    var remaining: Int32 { Int32(clamping: max(0, (end - SystemClock.now() + 999) / 1000)) }

    /// `10s`, `300ms`.
    var words: String { milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms" }
}
