// A timer (timerfd on CLOCK_BOOTTIME) for those whose deadline the loop does not know, such as the resolver.

import CLinux

package final class Timer: Sendable {
    /// Readable once the time has come and until `clear`.
    package let descriptor: Descriptor

    package init() throws(PlatformError) {
        descriptor = Descriptor(try check(linux_timerfd(), "timerfd_create"))
    }

    /// Fires once, `microseconds` (at least 1) from now; replaces an earlier setting.
    package func fire(after microseconds: Int64) {
        _ = linux_timerfd_set(descriptor.raw, max(1, microseconds))
    }

    package func cancel() { _ = linux_timerfd_set(descriptor.raw, 0) }

    package func clear() {
        var count: UInt64 = 0
        _ = linux_read(descriptor.raw, &count, 8)
    }
}
