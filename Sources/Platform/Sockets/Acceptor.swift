// A listener in a reactor: accepts with a budget, pauses when the process runs out of descriptors (D7), and pauses
// for as long as its client wishes (A21: too many pending handshakes).

/// Who takes the connections of an acceptor.
package protocol AcceptorClient: AnyObject {
    /// A connection came in; the client registers it or drops it.
    func accepted(_ socket: StreamSocket, from acceptor: Acceptor)
    /// Accepting rests for `StreamListener.pause`, because of `code`. For a counter and one log line.
    func exhausted(_ code: ErrorCode, acceptor: Acceptor)
}

package final class Acceptor: ReactorHandler {
    /// Connections taken in one turn, so that a flood of them does not starve the rest.
    private static let budget = 16

    package let listener: StreamListener
    private let reactor: Reactor
    private weak var client: (any AcceptorClient)?
    private let timer: Timer
    private var registration: Registration?
    private var timerRegistration: Registration?
    private var alarm: Alarm?
    private var isResting = false
    private var isHeld = false

    /// - Parameter client: kept weakly.
    package init(
        _ listener: StreamListener, reactor: Reactor, client: any AcceptorClient
    ) throws(PlatformError) {
        self.listener = listener
        self.reactor = reactor
        self.client = client
        timer = try Timer()
        registration = try reactor.add(listener.descriptor, interest: .readable, handler: self)
        let alarm = Alarm(self)
        self.alarm = alarm
        timerRegistration = try reactor.add(timer.descriptor, interest: .readable, handler: alarm)
    }

    /// Leaves arriving connections in the kernel's queue until `resume`.
    package func hold() {
        isHeld = true
        updateInterest()
    }

    package func resume() {
        isHeld = false
        updateInterest()
    }

    /// Leaves the reactor and closes the listener; a Unix socket's file is removed.
    package func stop() {
        for place in [registration, timerRegistration].compactMap({ $0 }) { reactor.remove(place) }
        registration = nil
        timerRegistration = nil
        listener.closeAndRemove()
    }

    package func ready(_ readiness: Readiness) {
        for _ in 0..<Self.budget where registration != nil && !isHeld && !isResting {
            switch listener.accept() {
            case .connection(let socket): client?.accepted(socket, from: self)
            case .none: return
            case .exhausted(let code):
                isResting = true
                timer.fire(after: StreamListener.pause)
                updateInterest()
                client?.exhausted(code, acceptor: self)
            }
        }
    }

    private func rested() {
        timer.clear()
        isResting = false
        updateInterest()
    }

    private func updateInterest() {
        guard let registration else { return }
        // Cannot fail for a registered descriptor short of the kernel having no memory; then the next call repeats it.
        try? reactor.modify(registration, interest: isHeld || isResting ? [] : .readable)
    }

    private final class Alarm: ReactorHandler {
        private weak var acceptor: Acceptor?
        init(_ acceptor: Acceptor) { self.acceptor = acceptor }
        func ready(_ readiness: Readiness) { acceptor?.rested() }
    }
}
