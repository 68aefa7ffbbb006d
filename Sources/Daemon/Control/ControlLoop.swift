// The control loop: one thread on which everything is decided.
//
// Every turn: wait and call what is ready (sockets, the API, netlink, signals; each with a budget) → packets from the
// workers to the links → what links reported, in order, into the node and its effects out → timers → FIB snapshot →
// flush. Events wait in a list until the handlers are done, so that no effect pulls a link away from under a handler.
// Time is taken once a turn, by the reactor.
//
// What an effect means stands in ControlLoop+Effects.swift, the API's side in Router/.

import Logging
import Mesh
import Platform
import Routing
import TLS
import Wire

final class ControlLoop: LinkSink {
    /// Microseconds. A changed FIB is published at most this often, and at once after a quiet time.
    static let publishInterval: Int64 = 20_000
    /// The wall clock is told to the node this often (certificates and configs are judged by it).
    static let wallClockInterval: Int64 = 30_000_000

    let reactor: Reactor
    let log: Logger
    let plane: ForwardingPlane
    let state: StateDirectory
    let configuration: RunningConfiguration
    let startedAt: Int64
    let startedAtWall: Int64
    let bootID: String
    var node: Node
    var identity: NodeIdentity
    var vifs: VifTable
    var counters = DaemonCounters()
    var wallOffset = WallOffset()
    /// Set where privileges were dropped: removes the API's sockets at the end.
    var remover: SocketRemover?
    private var fib = FIB()
    private(set) var links: PeerLinks?
    var api: APIServer?
    private(set) var isStopping = false
    /// Commands under way: token → who waits for the answer.
    var replies: [UInt64: (CommandResult) -> Void] = [:]
    /// The distributed config in force while it waits for the disk; tried again until it is stored (D5).
    var unsavedConfig: VerifiedConfig?
    var saveRetryAt: Int64?
    /// Whether the distributed config in force at the start came from the state directory.
    var cameFromDisk = false
    /// `-debug` was given.
    var isDebugging = false
    /// What is not as it was asked for since the start, for the health report: a listener that could not be had.
    var startRemarks: [String] = []
    /// v1's `-table`.
    var table: TableFile?
    private var nextTable: Int64 = 0

    /// By name, as last reported.
    var vifStates: [String: Bool] = [:]

    private let relay: ForwardingRelay
    private let notifier: ServiceNotifier?
    private let signals: SignalSource
    private var events: [Event] = []
    private var nextToken: UInt64 = 0
    private var isFIBDirty = false
    private var lastPublish: Int64 = .min
    private var nextWallClock: Int64 = 0
    private var clockWatch = WallOffset()
    private var isNodeStopped = false
    private var stopDeadline: Int64?
    private var nextWatchdog: Int64?
    /// By peer name: what links of the past counted.
    private var retiredCounters: [String: LinkCounters] = [:]
    private var lastStatus = ""

    init(
        reactor: Reactor, log: Logger, relay: ForwardingRelay, plane: ForwardingPlane, state: StateDirectory,
        configuration: RunningConfiguration, identity: NodeIdentity, node: Node, vifs: VifTable, signals: SignalSource,
        notifier: ServiceNotifier?
    ) {
        self.reactor = reactor
        self.log = log
        self.plane = plane
        self.state = state
        self.configuration = configuration
        self.identity = identity
        self.node = node
        self.vifs = vifs
        self.signals = signals
        self.notifier = notifier
        startedAt = reactor.now
        startedAtWall = SystemClock.wallMicroseconds()
        bootID = SecureRandom.hexadecimal(bytes: 16)
        self.relay = relay
        relay.loop = self
    }

    var now: Instant { Instant(microseconds: reactor.now) }

    // MARK: Start

    /// Takes the listeners, asks the node for its first effects. The vifs are up and the API is bound by now.
    func start(listeners: [StreamListener], userAgent: String) throws(PlatformError) {
        let links = try PeerLinks(
            reactor: reactor, context: identity.context, userAgent: userAgent,
            serverName: configuration.running.serverName, sink: self,
            isOwnAddress: { [weak self] address in self?.isInsideOwnPrefix(address) ?? false })
        self.links = links
        try links.listen(listeners)
        _ = try reactor.add(signals.descriptor, interest: .readable, handler: SignalHandler(self, signals))
        carryOut(node.start(at: now))
        publishForwardingTable()
        nextWallClock = reactor.now + Self.wallClockInterval
        if let interval = ServiceNotifier.watchdogInterval { nextWatchdog = reactor.now + interval / 2 }
        reportReady()
    }

    private func isInsideOwnPrefix(_ address: SocketAddress) -> Bool {
        guard address.isIPv6, let address = IPv6Address(bytes: address.bytes) else { return false }
        return configuration.running.announcements.contains { $0.prefix.contains(address) }
    }

    // MARK: The turn

    /// Runs until the node has stopped.
    func run() throws(PlatformError) {
        while !isDone { try turn() }
        api?.stop()
        remover?.finish()
        plane.stop()
    }

    private var isDone: Bool {
        guard isStopping else { return false }
        if let stopDeadline, reactor.now >= stopDeadline { return true }
        return isNodeStopped && (links?.links.isEmpty ?? true)
    }

    /// - Parameter limit: when waiting ends at the latest, microseconds on the reactor's clock.
    func turn(limit: Int64 = .max) throws(PlatformError) {
        try reactor.turn(deadline: events.isEmpty ? min(limit, nextDeadline) : reactor.now)
        handleEvents()
        runTimers()
        if isFIBDirty, reactor.now >= lastPublish &+ Self.publishInterval { publishForwardingTable() }
        links?.flush()
        plane.flush()
        api?.flush()
    }

    private var nextDeadline: Int64 {
        var earliest = min(nextWallClock, node.nextDeadline?.microseconds ?? .max)
        if isFIBDirty { earliest = min(earliest, lastPublish &+ Self.publishInterval) }
        let nextTable = table == nil ? nil : self.nextTable
        for other in [links?.nextDeadline, api?.nextDeadline, saveRetryAt, stopDeadline, nextWatchdog, nextTable] {
            earliest = min(earliest, other ?? .max)
        }
        return earliest
    }

    private func runTimers() {
        let now = reactor.now
        if let deadline = node.nextDeadline, deadline.microseconds <= now {
            counters.loopLag = Double(max(0, now - deadline.microseconds)) / 1_000_000
            carryOut(node.handle(.tick, at: self.now))
        }
        if now >= nextWallClock { tellWallClock() }
        if let at = saveRetryAt, now >= at { saveDistributedConfig() }
        if let at = nextWatchdog, now >= at, let interval = ServiceNotifier.watchdogInterval {
            notifier?.send("WATCHDOG=1")
            nextWatchdog = now + interval / 2
        }
        if let table, now >= nextTable {
            nextTable = now + TableFile.interval
            do { try table.write(node) } catch {
                if counters.mayLog("table", at: now, every: 300_000_000) {
                    log.error("the table was not written", metadata: ["cause": "\(error)"])
                }
            }
        }
        links?.tick(now)
        api?.tick(now)
    }

    private func tellWallClock() {
        let wall = SystemClock.wallMicroseconds()
        nextWallClock = reactor.now + Self.wallClockInterval
        // Both clocks run through suspend; a step between them is worth a line, and moves no timer (D9).
        let step = clockWatch.step()
        if abs(step) > 60_000_000 {
            counters.clockSteps &+= 1
            log.warning("the wall clock was set", metadata: ["seconds": "\(step / 1_000_000)"])
        }
        happened(.wallClock(unixSeconds: wall / 1_000_000))
        reportStatus()
    }

    private func handleEvents() {
        // What effects bring about at once (a dial that fails) is handled in the same turn, but not without end.
        for _ in 0..<64 where !events.isEmpty {
            let batch = events
            events.removeAll(keepingCapacity: true)
            for event in batch { carryOut(node.handle(event, at: now)) }
        }
    }

    /// Sends an order to the node; the answer comes in the same turn.
    func command(_ command: Command, reply: @escaping (CommandResult) -> Void) {
        nextToken += 1
        replies[nextToken] = reply
        happened(.command(command, token: nextToken))
    }

    // MARK: The forwarding table

    /// Something that the forwarder must know has changed (a link came or went).
    func forwardingChanged() { isFIBDirty = true }

    func change(_ changes: [FIBChange]) {
        for change in changes {
            if let nextHop = change.nextHop {
                fib.insert(change.prefix, nextHop)
            } else {
                _ = fib.remove(change.prefix)
            }
        }
        isFIBDirty = true
    }

    func publishForwardingTable() {
        isFIBDirty = false
        lastPublish = reactor.now
        plane.publish(fib.publish())
        plane.publish(forwardingPolicy())
        plane.reclaim()
        fib.reclaim()
    }

    // MARK: LinkSink

    func happened(_ event: Event) {
        switch event {
        case .dialFailed(let peer, _, let failure): counters.attempted(peer, result: failure.code)
        case .linkOpened(_, let info):
            if case .outbound(let peer) = info.direction { counters.attempted(peer, result: "ok") }
        default: break
        }
        events.append(event)
    }

    func received(_ packet: UnsafeRawBufferPointer, from link: PeerLink) {
        // A full ring is counted by the ring.
        _ = plane.receive(from: link.number, packet)
    }

    func refusedHandshake(_ code: String, _ detail: String, from address: SocketAddress) {
        counters.refuseHandshake(code)
        // One line a minute for each reason, however many knock (B1, C24).
        guard counters.mayLog("handshake \(code)", at: reactor.now, every: 60_000_000) else { return }
        log.notice(
            "refused a connection", metadata: ["code": "\(code)", "detail": "\(detail)", "from": "\(address)"])
    }

    func retired(_ link: PeerLink) {
        guard let id = link.certificate.flatMap({ NodeID(bytes: $0.fingerprint) }), let name = node.name(of: id)
        else { return }
        retiredCounters[name, default: LinkCounters()].add(link.counters)
        if retiredCounters.count > 1024 {
            retiredCounters = retiredCounters.filter { node.peer($0.key, at: now) != nil }
        }
    }

    func boundName(ofExternal fingerprint: [UInt8]) -> String? {
        let text = Hex.text(fingerprint)
        return configuration.running.peers.first { $0.fingerprint == text }?.name
    }

    func acceptExhausted(_ code: ErrorCode) {
        counters.acceptExhausted &+= 1
        guard counters.mayLog("accept", at: reactor.now, every: 60_000_000) else { return }
        log.error("cannot accept connections; raise the limit of open files", metadata: ["cause": "\(code)"])
    }

    /// All packets of a peer, over its links of now and before.
    func traffic(of peer: String, link: LinkID?) -> LinkCounters {
        var sum = retiredCounters[peer] ?? LinkCounters()
        if let link = link.flatMap({ links?.links[$0] }) { sum.add(link.counters) }
        return sum
    }

    // MARK: The end

    /// SIGTERM: everything is withdrawn, links say goodbye, at most 3 s.
    func stop() {
        guard !isStopping else { return }
        isStopping = true
        notifier?.send("STOPPING=1", "STATUS=withdrawing routes and closing links")
        log.notice("stopping")
        stopDeadline = reactor.now + 3_000_000
        links?.stopListening()
        api?.shutdown()
        happened(.shutdown)
    }

    func nodeStopped() { isNodeStopped = true }

    // MARK: What the service manager sees

    private func reportReady() {
        let text = statusText
        lastStatus = text
        notifier?.send("READY=1", "STATUS=\(text)")
        log.notice(
            "ready",
            metadata: [
                "node": "\(identity.name)", "id": "\(identity.id)", "vifs": "\(vifs.count)",
                "listen": "\(links?.listenAddresses.joined(separator: ",") ?? "")",
                "api": "\(api?.listeners.map(\.address).joined(separator: ",") ?? "")",
            ])
    }

    func reportStatus() {
        let text = statusText
        guard text != lastStatus, !isStopping else { return }
        lastStatus = text
        notifier?.send("STATUS=\(text)")
    }

    private var statusText: String {
        let sums = node.counters
        return "\(identity.name): \(sums.peersUp) of \(sums.peersConfigured) peers up, \(sums.selected) routes"
    }
}

/// Signals arrive as bytes on a descriptor, between other work.
private final class SignalHandler: ReactorHandler {
    private weak var loop: ControlLoop?
    private let source: SignalSource

    init(_ loop: ControlLoop, _ source: SignalSource) {
        self.loop = loop
        self.source = source
    }

    func ready(_ readiness: Readiness) {
        while let signal = source.next() {
            switch signal {
            case .terminate, .interrupt: loop?.stop()
            case .hangup: loop?.reload()
            default: break
            }
        }
    }
}

/// The plane's client from before there is a loop: the plane is made first, because interfaces are made before anything
/// that may speak of them.
final class ForwardingRelay: ForwardingClient {
    weak var loop: ControlLoop?

    func forward(_ packet: UnsafeRawBufferPointer, to link: UInt32) { loop?.forward(packet, to: link) }
    func forwarded() { loop?.forwarded() }
    func vifsChanged() { loop?.vifsChanged() }
}
