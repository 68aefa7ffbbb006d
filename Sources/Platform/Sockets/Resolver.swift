// Names to addresses, off the loop.
//
// getaddrinfo blocks for as long as the nameservers are silent, so each look-up runs on a thread of its own; its
// answer crosses to the loop through a bell. After 5 seconds the loop stops waiting (D14): the client gets `timeout`,
// and whatever the thread finds later is thrown away. At most 8 look-ups run and 256 wait; numbers need no thread.

import CLinux
import Synchronization

/// Why a name gave no address.
package enum ResolveError: Error, Hashable, Sendable {
    /// The library's words, such as "Name or service not known".
    case failed(String)
    /// Nothing within `Resolver.limit`.
    case timeout
    /// Too many look-ups wait already.
    case busy
}

/// Who asked. Called from the reactor, never from within `resolve`, also for numbers.
package protocol ResolverClient: AnyObject {
    func resolved(_ request: UInt64, _ result: Result<[SocketAddress], ResolveError>)
}

package final class Resolver: ReactorHandler {
    /// How long a look-up may take, in microseconds.
    package static let limit: Int64 = 5_000_000
    private static let maximumRunning = 8
    private static let maximumWaiting = 256
    private static let maximumAddresses: Int32 = 16

    private final class Mailbox: Sendable {
        let bell: Wakeup
        let answers = Mutex<[(request: UInt64, result: Result<[SocketAddress], ResolveError>)]>([])
        let running = Atomic<Int>(0)
        init() throws(PlatformError) { bell = try Wakeup() }
    }

    typealias LookUp = @Sendable (HostPort) -> Result<[SocketAddress], ResolveError>

    private let reactor: Reactor
    private weak var client: (any ResolverClient)?
    private let limit: Int64
    private let lookUp: LookUp
    private let mailbox: Mailbox
    private let timer: Timer
    private var registrations: [Registration] = []
    private var waiting: [(request: UInt64, target: HostPort)] = []
    private var deadlines: [UInt64: Int64] = [:]
    private var nextRequest: UInt64 = 1

    /// - Parameter client: kept weakly.
    package convenience init(reactor: Reactor, client: any ResolverClient) throws(PlatformError) {
        try self.init(reactor: reactor, client: client, limit: Self.limit, lookUp: Self.askLibrary)
    }

    init(
        reactor: Reactor, client: any ResolverClient, limit: Int64 = Resolver.limit, lookUp: @escaping LookUp
    ) throws(PlatformError) {
        self.reactor = reactor
        self.client = client
        self.limit = limit
        self.lookUp = lookUp
        mailbox = try Mailbox()
        timer = try Timer()
        registrations = [
            try reactor.add(mailbox.bell.descriptor, interest: .readable, handler: self),
            try reactor.add(timer.descriptor, interest: .readable, handler: self),
        ]
    }

    /// Leaves the reactor; requests under way are never answered.
    package func stop() {
        for registration in registrations { reactor.remove(registration) }
        registrations = []
        waiting = []
        deadlines = [:]
    }

    /// Asks for the addresses of `target`, each with its port, in the library's order (RFC 6724), 16 at most.
    /// - Returns: the request's number, which comes back with the answer exactly once unless it is cancelled.
    package func resolve(_ target: HostPort) -> UInt64 {
        let request = nextRequest
        nextRequest &+= 1
        deadlines[request] = SystemClock.now() + limit
        if let address = target.numeric {
            deliver(request, .success([address]))
        } else if waiting.count >= Self.maximumWaiting {
            deliver(request, .failure(.busy))
        } else {
            waiting.append((request, target))
            startWaiting()
            armTimer()
        }
        return request
    }

    /// Forgets a request.
    package func cancel(_ request: UInt64) {
        deadlines[request] = nil
        waiting.removeAll { $0.request == request }
    }

    package func ready(_ readiness: Readiness) {
        mailbox.bell.clear()
        timer.clear()
        let answers = mailbox.answers.withLock { answers in
            defer { answers = [] }
            return answers
        }
        for answer in answers where deadlines[answer.request] != nil {
            deadlines[answer.request] = nil
            client?.resolved(answer.request, answer.result)
        }
        let now = SystemClock.now()
        for request in deadlines.filter({ $0.value <= now }).keys.sorted() {
            cancel(request)
            client?.resolved(request, .failure(.timeout))
        }
        startWaiting()
        armTimer()
    }

    /// Through the mailbox, so that the answer comes after `resolve` has returned the number.
    private func deliver(_ request: UInt64, _ result: Result<[SocketAddress], ResolveError>) {
        mailbox.answers.withLock { $0.append((request, result)) }
        mailbox.bell.ring()
    }

    private func armTimer() {
        guard let next = deadlines.values.min() else { return timer.cancel() }
        timer.fire(after: next - SystemClock.now())
    }

    private func startWaiting() {
        while let next = waiting.first, mailbox.running.load(ordering: .relaxed) < Self.maximumRunning {
            waiting.removeFirst()
            mailbox.running.add(1, ordering: .relaxed)
            do {
                let (mailbox, lookUp) = (mailbox, lookUp)
                try WorkerThread.detach(name: "resolve") {
                    let result = lookUp(next.target)
                    mailbox.running.subtract(1, ordering: .relaxed)
                    mailbox.answers.withLock { $0.append((next.request, result)) }
                    mailbox.bell.ring()
                }
            } catch {
                mailbox.running.subtract(1, ordering: .relaxed)
                deliver(next.request, .failure(.failed("\(error)")))
            }
        }
    }

    @Sendable private static func askLibrary(_ target: HostPort) -> Result<[SocketAddress], ResolveError> {
        var found = [linux_address](repeating: linux_address(), count: Int(maximumAddresses))
        let count = linux_resolve(target.host, target.port, &found, maximumAddresses)
        guard count >= 0 else {
            return .failure(.failed(linux_resolve_error(count).map { String(cString: $0) } ?? "look-up failed"))
        }
        return .success(found.prefix(Int(count)).compactMap { SocketAddress($0) })
    }
}
