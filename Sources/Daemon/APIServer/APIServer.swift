// The management API's listeners and connections.
//
// Bounds (faults E5, E6, D7): 256 connections, 32 from one address and 128 of one local user (whom the socket's mode
// let in); a newcomer beyond them takes the place of the one that has been idle longest, and is turned away if none has
// been for a second: a request may be on its way to one that was used just now.
//
// Packets pass through the same loop, so requests have a budget of time in each of its turns (fault E15): what is beyond
// it stands in line, a client at a time, and the loop goes on to the links in between. A write that has to wait answers
// later.

import HTTP
import ManagementAPI
import Platform

/// One place where the API listens.
final class APIListener {
    let address: String
    let isUnix: Bool
    /// What a client may do at most here.
    let role: Role
    let acceptor: Acceptor

    init(address: String, isUnix: Bool, role: Role, acceptor: Acceptor) {
        self.address = address
        self.isUnix = isUnix
        self.role = role
        self.acceptor = acceptor
    }
}

final class APIServer: AcceptorClient, APIClientOwner {
    static let maximumConnections = 256
    static let maximumPerSource = 32
    static let maximumPerUser = 128
    /// Microseconds without a request, after which a connection may have to give way.
    static let idleTime: Int64 = 1_000_000

    private(set) var listeners: [APIListener] = []
    private(set) var connections: [UInt64: APIClient] = [:]
    private(set) var turnedAway: UInt64 = 0
    /// Microseconds that requests may take in a turn of the loop; one request may overrun it.
    static let turnBudget: Int64 = 1_000

    private let reactor: Reactor
    private let service: APIService
    /// Clients with requests that are beyond the budget, each once.
    private var line: [APIClient] = []
    private var usedInTurn: Int64 = 0
    private var resuming: APIClient?
    private var dirty: [APIClient] = []
    private var nextNumber: UInt64 = 0

    init(reactor: Reactor, service: APIService) {
        self.reactor = reactor
        self.service = service
    }

    /// Listens where the configuration says. What an administrator wrote down must be had, or the start fails. Of the
    /// built-in default only the Unix socket is essential, since without it nobody could command the router: it does
    /// without its group, and loopback TCP may be missing (another router on this machine has it).
    /// - Parameter isDefault: there is no `api` block.
    /// - Returns: what is not as it was asked for, a sentence each.
    func listen(_ config: APIConfig, isDefault: Bool) throws(PlatformError) -> [String] {
        var remarks: [String] = []
        for wanted in config.listeners {
            switch wanted {
            case .unix(let path, let mode, let group, let role):
                try Self.prepareDirectory(of: path)
                var settings = UnixListenerSettings(path: path, mode: UInt32(mode), group: group)
                let listener: StreamListener
                do { listener = try StreamListener.unix(settings) } catch {
                    // The built-in default names a group that packages make; without it the socket is root's alone.
                    guard isDefault, case .remedy = error, group != nil else { throw error }
                    settings.group = nil
                    settings.mode = 0o600
                    listener = try StreamListener.unix(settings)
                    remarks.append("\(error); \(path) is open to this user alone")
                }
                try add(listener, address: "unix:\(path)", isUnix: true, role: role)
            case .tcp(let address, let tls):
                let target = try Platform.HostPort(parsing: address)
                guard let numeric = target.numeric else {
                    throw .malformed(text: address, reason: "must be a numeric address")
                }
                // The reader has refused plain text elsewhere; this wall stands for whoever changes the reader.
                guard tls == nil, numeric.isLoopback else {
                    throw .malformed(text: address, reason: "is not loopback, and TLS is not in this version")
                }
                do { try add(StreamListener.tcp(numeric), address: address, isUnix: false, role: .admin) } catch {
                    guard isDefault else { throw error }
                    remarks.append("the API is not on \(address): \(error); the Unix socket is there")
                }
            }
        }
        return remarks
    }

    private func add(_ listener: StreamListener, address: String, isUnix: Bool, role: Role) throws(PlatformError) {
        let acceptor = try Acceptor(listener, reactor: reactor, client: self)
        let text = listener.address.map { "\($0)" } ?? address
        listeners.append(APIListener(address: text, isUnix: isUnix, role: role, acceptor: acceptor))
    }

    /// `/run/vmesh` is gone after a boot; a directory that is missing is made, for its owner and group alone.
    private static func prepareDirectory(of path: String) throws(PlatformError) {
        let directory = Files.directory(of: path)
        guard (try? Files.status(directory)) == nil else { return }
        try Files.createDirectory(directory, mode: 0o755)
    }

    // MARK: Connections

    func accepted(_ socket: StreamSocket, from acceptor: Acceptor) {
        guard let listener = listeners.first(where: { $0.acceptor === acceptor }) else { return socket.close() }
        let source = Self.source(of: socket.peer)
        let ofSource = connections.values.filter { Self.source(of: $0.peer) == source }
        let maximum = listener.isUnix ? Self.maximumPerUser : Self.maximumPerSource
        if ofSource.count >= maximum, !closeOldestIdle(of: ofSource) { return turnAway(socket) }
        if connections.count >= Self.maximumConnections, !closeOldestIdle(of: Array(connections.values)) {
            return turnAway(socket)
        }
        nextNumber += 1
        let engine = HTTPServerConnection(
            nowMilliseconds: UInt64(max(0, reactor.now / 1000)),
            bodyLimit: { [service] head in service.bodyLimit(for: head) },
            problemBody: { [service] status, _, detail in service.transportProblem(status: status, detail: detail) })
        do {
            connections[nextNumber] = try APIClient(
                number: nextNumber, socket: socket, listener: listener, engine: engine, reactor: reactor, owner: self)
        } catch {
            socket.close()
        }
    }

    func exhausted(_ code: ErrorCode, acceptor: Acceptor) { turnedAway &+= 1 }

    private func closeOldestIdle(of candidates: [APIClient]) -> Bool {
        guard let oldest = candidates.filter(\.isIdle).min(by: { $0.lastUsed < $1.lastUsed }),
            reactor.now - oldest.lastUsed >= Self.idleTime
        else { return false }
        oldest.end()
        return true
    }

    private func turnAway(_ socket: StreamSocket) {
        turnedAway &+= 1
        socket.close()
    }

    /// All clients of a Unix socket with one user id are one source.
    private static func source(of peer: StreamPeer) -> String {
        switch peer {
        case .internet(let address): address.host
        case .unix(let credentials): "uid \(credentials.uid)"
        }
    }

    func handle(_ request: HTTPRequest, on client: APIClient, respond: @escaping (HTTPResponse) -> Void) {
        let began = SystemClock.now()
        service.handle(request, from: client.identity, respond: respond)
        usedInTurn += SystemClock.now() - began
        if resuming === client { resuming = nil }
    }

    var mayReceive: Bool { usedInTurn < Self.turnBudget }

    func received(for duration: Int64) {
        // The requests in it were counted already; counting them twice errs on the side of the packets.
        usedInTurn += duration
    }

    func mayHandle(_ client: APIClient) -> Bool {
        if resuming === client || line.isEmpty && usedInTurn < Self.turnBudget { return true }
        line.append(client)
        return false
    }

    /// Those who stood in line before this turn, in order, until the budget is used up; at least one.
    private func resumeLine() {
        for index in 0..<line.count where index == 0 || usedInTurn < Self.turnBudget {
            let client = line.removeFirst()
            resuming = client
            client.resume()
            resuming = nil
        }
    }

    func clientEnded(_ client: APIClient) { connections[client.number] = nil }

    func clientNeedsFlush(_ client: APIClient) { dirty.append(client) }

    // MARK: The turn

    func flush() {
        while !dirty.isEmpty {
            let batch = dirty
            dirty.removeAll(keepingCapacity: true)
            for connection in batch { connection.flush() }
        }
        usedInTurn = 0
    }

    var nextDeadline: Int64? {
        line.isEmpty ? connections.values.compactMap(\.nextDeadline).min() : reactor.now
    }

    func tick(_ now: Int64) {
        resumeLine()
        for connection in Array(connections.values) where (connection.nextDeadline ?? .max) <= now { connection.tick() }
    }

    /// Takes nothing new and lets what is in progress be answered.
    func shutdown() {
        for listener in listeners { listener.acceptor.stop() }
        for connection in Array(connections.values) { connection.shutdown() }
    }

    /// Ends every connection.
    func stop() {
        for connection in Array(connections.values) { connection.end() }
    }
}
