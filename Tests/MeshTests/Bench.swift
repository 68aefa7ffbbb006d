// One node on the bench: a test speaks to it as its peers do, and reads what it answers.

import Mesh
import Routing
import Wire

/// A node under test with its clock.
struct Bench {
    static let own = Simulation.id(1000)
    static let wall: Int64 = 1_800_000_000

    var node: Node
    var now = Instant(microseconds: 1_000_000)
    var effects: [Effect] = []
    private var lastLink: LinkID = 0

    init(_ adjust: (inout NodeConfiguration) -> Void = { _ in }) {
        var configuration = NodeConfiguration(
            name: "a.mesh.test", domain: "mesh.test", id: Self.own, wallClock: Self.wall)
        // Peers of the bench answer only when a test has them answer.
        configuration.tunables.ownDeadAfter = 1_000_000
        adjust(&configuration)
        node = Node(configuration: configuration, seed: 7, now: now)
        effects = node.start(at: now)
    }

    // MARK: Doing

    /// Hands an event over and keeps what comes of it, instead of what came before.
    @discardableResult
    mutating func happen(_ event: Event) -> [Effect] {
        effects = node.handle(event, at: now)
        return effects
    }

    /// Lets time pass, with every tick that the node asks for; keeps all that comes of it.
    @discardableResult
    mutating func pass(milliseconds: Int64) -> [Effect] {
        let end = now.adding(milliseconds: milliseconds)
        effects = []
        var ticks = 0
        while let deadline = node.nextDeadline, deadline <= end {
            now = max(now, deadline)
            effects += node.handle(.tick, at: now)
            ticks += 1
            if ticks > 10_000 { break }
        }
        now = end
        effects += node.handle(.tick, at: now)
        return effects
    }

    /// Opens a link from a node of the simulation's naming and answers its number.
    @discardableResult
    mutating func open(
        _ peer: Int, name: String? = nil, trust: LinkTrust = .internalCA, direction: LinkDirection = .inbound,
        host: String? = nil, software: String? = nil, notAfter: Int64 = Bench.wall + 86_400
    ) -> LinkID {
        lastLink += 1
        happen(
            .linkOpened(
                lastLink,
                LinkInfo(
                    id: Simulation.id(peer), name: name ?? Simulation.name(peer), trust: trust, direction: direction,
                    remoteAddress: host ?? "host\(peer):40000", certificateNotAfter: notAfter, software: software)))
        return lastLink
    }

    /// Opens a link and answers its first Ping after `milliseconds`.
    mutating func openMeasured(_ peer: Int, milliseconds: Int64, software: String? = nil) -> LinkID {
        let link = open(peer, software: software)
        pass(milliseconds: milliseconds)
        happen(.message(link, .pong))
        return link
    }

    @discardableResult
    mutating func announce(
        _ link: LinkID, _ routes: [AnnouncedRoute], scope: AnnouncementEncoder.Scope? = nil
    ) -> [Effect] {
        happen(.message(link, .announce(Self.payload(routes, scope: scope))))
    }

    /// The payload as a v1 node makes it; with a scope as ours do. Nothing is checked.
    static func payload(_ routes: [AnnouncedRoute], scope: AnnouncementEncoder.Scope? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        for route in routes { bytes += field(1, encode(route)) }
        switch scope {
        case .partial: bytes += [0x80, 0x01, 0x01]
        case .full: bytes += [0x80, 0x01, 0x03]
        case nil: break
        }
        return bytes
    }

    static func encode(_ route: AnnouncedRoute) -> [UInt8] {
        var address: [UInt8] = []
        for word in [route.prefix.address.high, route.prefix.address.low] {
            address += (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        }
        var bytes = field(1, address) + [0x10] + varint(UInt64(route.prefix.length))
        for hop in route.path { bytes += field(3, field(1, hop.id.bytes) + [0x10] + varint(UInt64(hop.latency))) }
        if route.isWithdrawal { bytes += [0xb0, 0x01, 0x01] }
        return bytes
    }

    static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2] + varint(UInt64(bytes.count)) + bytes
    }

    static func varint(_ value: UInt64) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(truncatingIfNeeded: value) | 0x80] + varint(value >> 7)
    }

    // MARK: Looking

    func route(_ prefix: Prefix) -> RouteView? { node.route(prefix) }
    func chosenLink(_ prefix: Prefix) -> LinkID? { node.route(prefix)?.selected?.link }
    func reason(_ prefix: Prefix, _ link: LinkID) -> RouteReason? {
        node.route(prefix)?.candidates.first { $0.link == link }?.reason
    }

    /// What the latest effects say to a link: messages decoded.
    func messages(to link: LinkID) -> [PeerMessage] {
        effects.compactMap { effect in
            guard case .send(link, let bytes) = effect else { return nil }
            return try? PeerMessage.decode(bytes)
        }
    }

    /// The routes that the latest effects announce to a link.
    func announced(to link: LinkID) -> [AnnouncedRoute] {
        var routes: [AnnouncedRoute] = []
        for case .announce(let payload) in messages(to: link) {
            _ = try? Announcement.decode(payload) { if case .route(let route) = $0 { routes.append(route) } }
        }
        return routes
    }

    var fib: [FIBChange] {
        effects.flatMap { effect -> [FIBChange] in if case .fib(let changes) = effect { changes } else { [] } }
    }
    var closes: [LinkID: CloseReason] {
        var closes: [LinkID: CloseReason] = [:]
        for case .close(let link, let reason) in effects { closes[link] = reason }
        return closes
    }
    var dials: [String] {
        effects.compactMap { effect in if case .dial(_, let address, _) = effect { address } else { nil } }
    }
    var notices: [Notice.Kind] {
        effects.compactMap { effect in if case .notice(let notice) = effect { notice.kind } else { nil } }
    }
}

/// A prefix from text that is known to be one.
func prefix(_ text: String) -> Prefix { (try? Prefix(parsing: text)) ?? Simulation.anywhere }

/// A route from the ids and latencies of its hops.
func route(_ text: String, _ hops: (Int, UInt32)..., isWithdrawal: Bool = false) -> AnnouncedRoute {
    AnnouncedRoute(
        prefix: prefix(text), path: hops.map { Hop(id: Simulation.id($0.0), latency: $0.1) }, isWithdrawal: isWithdrawal
    )
}
