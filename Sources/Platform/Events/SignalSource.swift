// Signals as events (signalfd) rather than as interruptions.
//
// Built before any thread is started: the mask is inherited, and a thread that did not block SIGTERM would be killed
// by it. SIGPIPE is ignored for the whole process: a closed socket is an error code.

import CLinux

/// The signals that the daemon knows.
package enum ProcessSignal: Hashable, Sendable, CaseIterable {
    case terminate, interrupt, hangup, quit, user1, user2

    var number: Int32 {
        switch self {
        case .terminate: linux_signal_term
        case .interrupt: linux_signal_int
        case .hangup: linux_signal_hup
        case .quit: linux_signal_quit
        case .user1: linux_signal_usr1
        case .user2: linux_signal_usr2
        }
    }
}

package final class SignalSource {
    /// Readable when a signal waits.
    package let descriptor: Descriptor

    /// Blocks `signals` in the calling thread and its future children, and ignores SIGPIPE.
    package init(_ signals: [ProcessSignal]) throws(PlatformError) {
        let numbers = signals.map(\.number)
        try check(linux_ignore_signal(linux_signal_pipe), "signal")
        try check(linux_block_signals(numbers, Int32(numbers.count)), "pthread_sigmask")
        descriptor = Descriptor(try check(linux_signalfd(numbers, Int32(numbers.count)), "signalfd"))
    }

    /// The next signal, nil when none waits.
    package func next() -> ProcessSignal? {
        let number = linux_signalfd_read(descriptor.raw)
        return ProcessSignal.allCases.first { $0.number == number }
    }
}
