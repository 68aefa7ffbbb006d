// A model of the Go daemon as its networks know it: best route only, whole table every 30 s, soft state of 60 s,
// nothing withdrawn, and the session closed over what it cannot bear. For mixed meshes.

import Mesh
import Routing
import Wire

struct V1Node: SimMember {
    private struct Route {
        var path: [Hop]
        var link: LinkID
        var updated: Instant
        var latency: UInt64
    }
    private struct Link {
        var info: LinkInfo
        var samples: [UInt64] = []
        var pingSent: Instant?
        var nextPing: Instant
        var latency: UInt32 {
            samples.isEmpty ? Hop.unknownLatency : UInt32(samples.reduce(0, +) / UInt64(samples.count) / 1000)
        }
    }
    private let configuration: NodeConfiguration
    private var links: [LinkID: Link] = [:]
    private var routes: [Prefix: Route] = [:]
    private var nextAnnounce: Instant
    private var dials: [String: Instant] = [:]
    private var effects: [Effect] = []
    /// Why it closed sessions, if it did: ours must never give it a reason.
    private(set) var resets: [String] = []
    var software: String? { nil }

    init(configuration: NodeConfiguration, now: Instant) {
        self.configuration = configuration
        nextAnnounce = now.adding(milliseconds: 27_000)
        for peer in configuration.peers { dials[peer.name] = now }
    }

    var nextDeadline: Instant? {
        let dial = dials.filter { name, _ in !isUp(name) }.values.min()
        return ([nextAnnounce] + links.values.map(\.nextPing) + [dial].compactMap { $0 }).min()
    }

    private func isUp(_ name: String) -> Bool { links.values.contains { $0.info.name == name } }

    mutating func start(at now: Instant) -> [Effect] {
        effects = []
        for prefix in configuration.localRoutes.keys.sorted() {
            effects.append(.fib([FIBChange(prefix: prefix, nextHop: .vif(0))]))
        }
        tick(now)
        return effects
    }

    mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
        effects = []
        switch event {
        case .dialFailed(let peer, _, _): dials[peer] = now.adding(milliseconds: 10_000)
        case .linkOpened(let link, let info):
            if links.values.contains(where: { $0.info.id == info.id }) {
                effects.append(.close(link, .duplicate))
            } else {
                links[link] = Link(info: info, nextPing: now)
            }
        case .linkClosed(let link, let end):
            if let gone = links.removeValue(forKey: link), case .outbound = gone.info.direction {
                dials[gone.info.name] = now.adding(milliseconds: end == .duplicate ? 100_000 : 10_000)
            }
        case .message(let link, let message): receive(message, link, now)
        default: break
        }
        tick(now)
        return effects
    }

    private mutating func reset(_ link: LinkID, _ why: String) {
        resets.append(why)
        effects.append(.close(link, .protocolViolation))
    }

    private mutating func receive(_ message: PeerMessage, _ link: LinkID, _ now: Instant) {
        guard let state = links[link] else { return }
        switch message {
        case .ping: effects.append(.send(link, PeerMessage.pong.encoded()))
        case .pong:
            guard let sent = state.pingSent else { return reset(link, "unsolicited pong") }
            links[link]?.samples = Array((state.samples + [UInt64(now.microseconds - sent.microseconds)]).suffix(10))
            links[link]?.pingSent = nil
        case .announce(let payload):
            var decoded: [DecodedRoute] = []
            guard (try? Announcement.decode(payload) { decoded.append($0) }) != nil else { return reset(link, "bytes") }
            for route in decoded {
                guard case .route(let route) = route else { return reset(link, "malformed route") }
                guard route.path.first?.id == state.info.id else { return reset(link, "first hop") }
                consider(route, link, now)
            }
        default: break
        }
    }

    private mutating func consider(_ route: AnnouncedRoute, _ link: LinkID, _ now: Instant) {
        guard configuration.localRoutes[route.prefix] == nil else { return }
        guard !route.path.contains(where: { $0.id == configuration.id }) else { return }
        let latency = route.path.reduce(UInt64(0)) { $0 + UInt64($1.latency) }
        if let present = routes[route.prefix], present.link != link, links[present.link] != nil,
            now.milliseconds(since: present.updated) < 60_000, present.latency < latency + 10
        {
            return
        }
        if routes[route.prefix]?.link != link {
            effects.append(.fib([FIBChange(prefix: route.prefix, nextHop: .link(link))]))
        }
        routes[route.prefix] = Route(path: route.path, link: link, updated: now, latency: latency)
    }

    private mutating func tick(_ now: Instant) {
        for peer in configuration.peers where !isUp(peer.name) {
            if let due = dials[peer.name], due <= now {
                dials[peer.name] = now.adding(milliseconds: 60_000)
                effects.append(.dial(peer: peer.name, address: peer.addresses[0], attempt: 1))
            }
        }
        for link in links.keys.sorted() where (links[link]?.nextPing ?? now) <= now {
            links[link]?.nextPing = now.adding(milliseconds: 10_000)
            guard links[link]?.pingSent == nil else { continue }
            links[link]?.pingSent = now
            effects.append(.send(link, PeerMessage.ping.encoded()))
        }
        for prefix in routes.keys.sorted() {
            guard let route = routes[prefix], now.milliseconds(since: route.updated) >= 60_000 else { continue }
            routes[prefix] = nil
            effects.append(.fib([FIBChange(prefix: prefix, nextHop: nil)]))
        }
        if nextAnnounce <= now {
            nextAnnounce = now.adding(milliseconds: 30_000)
            for link in links.keys.sorted() { announce(link) }
        }
    }

    private mutating func announce(_ link: LinkID) {
        let own = Hop(id: configuration.id, latency: links[link]?.latency ?? Hop.unknownLatency)
        let local = configuration.localRoutes.keys.sorted().map { AnnouncedRoute(prefix: $0, path: [own]) }
        let learnt = routes.keys.sorted().map { AnnouncedRoute(prefix: $0, path: [own] + (routes[$0]?.path ?? [])) }
        effects.append(.send(link, PeerMessage.announce(Bench.payload(local + learnt)).encoded()))
    }
}
