// A bell (eventfd) that one thread rings and another waits for in its reactor.

import CLinux

package final class Wakeup: Sendable {
    /// Becomes readable when the bell was rung; register it in the waiting thread's reactor.
    package let descriptor: Descriptor

    package init() throws(PlatformError) {
        descriptor = Descriptor(try check(linux_eventfd(), "eventfd"))
    }

    /// Rings. From any thread; never blocks. Rings before the next `clear` count as one.
    package func ring() {
        var one: UInt64 = 1
        // EAGAIN means that the counter is full: it is ringing already.
        _ = linux_write(descriptor.raw, &one, 8)
    }

    /// Silences the bell. Clear first, then look at the queue: the other order can lose a ring.
    package func clear() {
        var count: UInt64 = 0
        _ = linux_read(descriptor.raw, &count, 8)
    }

    /// Waits, without a reactor, until it was rung; false after `milliseconds`.
    package func wait(milliseconds: Int32) -> Bool {
        linux_poll_readable(descriptor.raw, milliseconds) == 1
    }
}
