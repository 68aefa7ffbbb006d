// The loop's eyes: epoll, level triggered.
//
// One thread owns a reactor. A turn waits until something is ready or the deadline comes, takes the time once, and
// calls each ready handler once. Handlers are objects with one method, so nothing allocates on the way. Between turns
// the owner looks after its queues and timers:
//
//     while running {
//         try reactor.turn(deadline: nextDeadline)   // handlers run in here
//         node.handle(.tick, at: reactor.now) ...
//     }
//
// A handler may remove itself or any other handler while it runs: each registration carries a generation, and an
// event that was fetched before the removal finds another generation and is ignored. A registration keeps its
// descriptor alive, so the kernel cannot give its number to another file meanwhile.

import CLinux

/// What a handler waits for. Errors and hang-ups are reported whatever it is.
package struct Interest: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = Interest(rawValue: UInt32(LINUX_READABLE))
    package static let writable = Interest(rawValue: UInt32(LINUX_WRITABLE))
}

/// What epoll found. `.readable` is set too when the peer has finished sending (read gives `.end`).
package struct Readiness: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = Readiness(rawValue: UInt32(LINUX_READABLE))
    package static let writable = Readiness(rawValue: UInt32(LINUX_WRITABLE))
    /// EPOLLERR: the socket's error or, for a TUN, a deleted device. Comes again each turn until the handler acts.
    package static let error = Readiness(rawValue: UInt32(LINUX_ERROR))
    /// EPOLLHUP: both directions are shut.
    package static let hangup = Readiness(rawValue: UInt32(LINUX_HANGUP))
}

/// Something that waits for a descriptor.
package protocol ReactorHandler: AnyObject {
    /// The registered descriptor is ready. Does a bounded amount of work and returns; if something is left, epoll
    /// says so again in the next turn.
    func ready(_ readiness: Readiness)
}

/// A handler's place in a reactor. Stale ones (removed already) are ignored wherever they are given.
package struct Registration: Hashable, Sendable {
    let index: UInt32
    let generation: UInt32
    var token: UInt64 { UInt64(generation) << 32 | UInt64(index) }
}

package final class Reactor {
    private struct Slot {
        var generation: UInt32 = 0
        var interest: Interest = []
        var descriptor: Descriptor?
        var handler: (any ReactorHandler)?
    }

    private let epoll: Descriptor
    private var slots: [Slot] = []
    private var free: [UInt32] = []
    private var events: [linux_event]

    /// CLOCK_BOOTTIME in microseconds, as taken by the last turn.
    package private(set) var now: Int64 = SystemClock.now()

    /// - Parameter budget: handlers called in a turn, 1…256; the rest wait for the next one (epoll takes turns).
    package init(budget: Int = 64) throws(PlatformError) {
        epoll = Descriptor(try check(linux_epoll_create(), "epoll_create1"))
        events = Array(repeating: linux_event(), count: min(max(budget, 1), 256))
    }

    /// How many descriptors are registered.
    package var count: Int { slots.count - free.count }

    /// Waits for `descriptor` on behalf of `handler`, which it retains until `remove`.
    package func add(
        _ descriptor: Descriptor, interest: Interest, handler: any ReactorHandler
    ) throws(PlatformError) -> Registration {
        let index: UInt32
        if let reused = free.last {
            index = reused
        } else {
            index = UInt32(truncatingIfNeeded: slots.count)
            slots.append(Slot())
            free.append(index)
        }
        let place = Registration(index: index, generation: slots[Int(index)].generation)
        try check(linux_epoll_add(epoll.raw, descriptor.raw, interest.rawValue, place.token), "epoll_ctl")
        free.removeLast()
        slots[Int(index)].interest = interest
        slots[Int(index)].descriptor = descriptor
        slots[Int(index)].handler = handler
        return place
    }

    /// Changes what is waited for; free when it is the same as before.
    package func modify(_ registration: Registration, interest: Interest) throws(PlatformError) {
        let index = Int(registration.index)
        guard isLive(registration), slots[index].interest != interest, let descriptor = slots[index].descriptor
        else { return }
        try check(linux_epoll_modify(epoll.raw, descriptor.raw, interest.rawValue, registration.token), "epoll_ctl")
        slots[index].interest = interest
    }

    /// Forgets a handler; it is not called again, not even for what this turn has already fetched.
    package func remove(_ registration: Registration) {
        let index = Int(registration.index)
        guard isLive(registration), let descriptor = slots[index].descriptor else { return }
        // Fails only if the owner closed the descriptor first, and then epoll has forgotten it already.
        _ = linux_epoll_remove(epoll.raw, descriptor.raw)
        slots[index] = Slot(generation: slots[index].generation &+ 1)
        free.append(registration.index)
    }

    /// One turn: waits until something is ready or `deadline` (CLOCK_BOOTTIME microseconds; nil: for ever), takes the
    /// time, calls what is ready. Answers how many handlers were called.
    @discardableResult
    package func turn(deadline: Int64?) throws(PlatformError) -> Int {
        let count = linux_epoll_wait(epoll.raw, &events, Int32(events.count), timeout(until: deadline))
        try check(count, "epoll_wait")
        now = SystemClock.now()
        var called = 0
        for position in 0..<Int(count) {
            let token = events[position].token
            let registration = Registration(
                index: UInt32(truncatingIfNeeded: token), generation: UInt32(truncatingIfNeeded: token >> 32))
            guard isLive(registration), let handler = slots[Int(registration.index)].handler else { continue }
            handler.ready(Readiness(rawValue: events[position].events))
            called += 1
        }
        return called
    }

    /// Whether `registration` has been added and not removed.
    package func isLive(_ registration: Registration) -> Bool {
        let index = Int(registration.index)
        return index < slots.count && slots[index].generation == registration.generation
            && slots[index].handler != nil
    }

    /// Milliseconds to wait, rounded up so that a turn does not end just before its deadline and spin.
    private func timeout(until deadline: Int64?) -> Int32 {
        guard let deadline else { return -1 }
        let (difference, overflow) = deadline.subtractingReportingOverflow(SystemClock.now())
        if overflow { return deadline < 0 ? 0 : .max }
        guard difference > 0 else { return 0 }
        return Int32(clamping: difference / 1000 + (difference % 1000 == 0 ? 0 : 1))
    }
}
