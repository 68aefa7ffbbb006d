// What the node says of routes: to whom, when, and never what kills a v1 session.

import Mesh
import Routing
import Testing
import Wire

@Suite("What is announced")
struct AnnounceTests {
    private static let own = prefix("2001:db8:a::/48")
    private static let p = prefix("2001:db8:b::/48")
    private static let unknown = Hop.unknownLatency

    private func bench(_ adjust: (inout NodeConfiguration) -> Void = { _ in }) -> Bench {
        Bench {
            $0.localRoutes = [Self.own: .vif(0)]
            adjust(&$0)
        }
    }

    @Test("the whole table at once at session start, marked, our id in front, latency unknown until measured")
    func start() {
        var bench = bench()
        let link = bench.open(1)
        #expect(
            bench.announced(to: link) == [
                AnnouncedRoute(prefix: Self.own, path: [Hop(id: Bench.own, latency: Self.unknown)])
            ])
        bench.pass(milliseconds: 12)
        bench.happen(.message(link, .pong))
        bench.pass(milliseconds: 20)
        #expect(
            bench.announced(to: link).map { $0.path.map(\.latency) } == [[12]],
            "a v1 peer is told as soon as it is known")
    }

    @Test("C10, W1: the stored route stays what it is; one own hop in front, whoever is told", arguments: [3, 1])
    func storedRouteStays(rounds: Int) {
        var bench = bench()
        let from = bench.open(1)
        let others = [bench.open(2), bench.open(3), bench.open(4)]
        bench.announce(from, [route("2001:db8:b::/48", (1, 3), (9, 4))])
        for _ in 0..<rounds {
            bench.pass(milliseconds: 21_500)
            for link in others {
                let told = bench.announced(to: link).filter { $0.prefix == Self.p }
                #expect(!told.isEmpty)
                for route in told { #expect(route.path.map(\.id) == [Bench.own, Simulation.id(1), Simulation.id(9)]) }
            }
            for link in others + [from] { bench.happen(.linkActivity(link)) }
            bench.announce(from, [route("2001:db8:b::/48", (1, 3), (9, 4))])
            #expect(bench.route(Self.own)?.selected?.local == .vif(0))
        }
    }

    @Test("W5 c: the whole table every 20 s, give or take a second")
    func refresh() {
        var bench = bench { $0.tunables.deadAfter = 1_000_000 }
        let link = bench.open(1)
        bench.pass(milliseconds: 18_900)
        #expect(bench.announced(to: link).isEmpty)
        bench.pass(milliseconds: 2_200)
        #expect(bench.announced(to: link).map(\.prefix) == [Self.own])
    }

    @Test("W15: not to the next hop, nor to anybody in the path")
    func splitHorizon() {
        var bench = bench()
        let next = bench.open(1)
        let inPath = bench.open(2)
        let other = bench.open(3)
        bench.announce(next, [route("2001:db8:b::/48", (1, 3), (2, 4))])
        bench.pass(milliseconds: 100)
        #expect(bench.announced(to: next).isEmpty)
        #expect(bench.announced(to: inPath).isEmpty)
        #expect(bench.announced(to: other).map(\.prefix) == [Self.p])
        let page = bench.node.advertised(to: inPath, after: nil, limit: 10)
        #expect(page.items.first { $0.prefix == Self.p }?.reason == .splitHorizon)
    }

    @Test("W5 a, b: changes after 10 ms; a lost route is poisoned once and at once, and not refreshed")
    func poison() {
        var bench = bench { $0.tunables.deadAfter = 1_000_000 }
        let from = bench.open(1)
        let other = bench.open(2)
        bench.pass(milliseconds: 100)
        bench.announce(from, [route("2001:db8:b::/48", (1, 3))])
        #expect(bench.announced(to: other).isEmpty)
        bench.pass(milliseconds: 10)
        #expect(bench.announced(to: other).map(\.prefix) == [Self.p])
        bench.happen(.linkClosed(from, .remote))
        let poison = AnnouncedRoute(
            prefix: Self.p, path: [Hop(id: Bench.own, latency: Self.unknown)], isWithdrawal: true)
        #expect(bench.announced(to: other) == [poison])
        bench.pass(milliseconds: 60_000)
        #expect(!bench.announced(to: other).contains { $0.prefix == Self.p })
    }

    @Test("W5, W15: a peer that becomes the next hop is told that we do not lead there any more")
    func poisonToNextHop() {
        var bench = bench()
        let a = bench.open(1)
        let b = bench.open(2)
        bench.announce(a, [route("2001:db8:b::/48", (1, 50))])
        bench.pass(milliseconds: 100)
        bench.announce(b, [route("2001:db8:b::/48", (2, 3))])
        #expect(bench.chosenLink(Self.p) == b)
        #expect(bench.announced(to: b).map(\.isWithdrawal) == [true])
    }

    @Test("R8: at most one batch a peer in 50 ms")
    func pacing() {
        var bench = bench()
        let from = bench.open(1)
        let other = bench.open(2)
        bench.pass(milliseconds: 100)
        var batches = 0
        for step in 0..<100 {
            bench.announce(from, [route("2001:db8:\(String(0x100 + step, radix: 16))::/48", (1, 3))])
            bench.pass(milliseconds: 5)
            batches += bench.announced(to: other).isEmpty ? 0 : 1
        }
        #expect(batches >= 9 && batches <= 11)
    }

    @Test(
        "R7: a latency is told again beyond 5 ms and a tenth, and with every whole table",
        arguments: [
            (UInt32(103), UInt32(108), false), (103, 114, true), (23, 27, false), (23, 29, true),
        ])
    func deadBand(before: UInt32, after: UInt32, isTold: Bool) {
        var bench = bench()
        let from = bench.openMeasured(1, milliseconds: 1)
        let other = bench.openMeasured(2, milliseconds: 1)
        bench.announce(from, [route("2001:db8:b::/48", (1, before))])
        bench.pass(milliseconds: 100)
        bench.announce(from, [route("2001:db8:b::/48", (1, after))])
        bench.pass(milliseconds: 100)
        #expect(bench.announced(to: other).isEmpty == !isTold)
        bench.pass(milliseconds: 21_000)
        #expect(bench.announced(to: other).first { $0.prefix == Self.p }?.path.last?.latency == after)
    }

    @Test("A7: where the next hop has not measured, what we measured is handed on")
    func unknownIsReplaced() {
        var bench = bench()
        let from = bench.openMeasured(1, milliseconds: 7)
        let other = bench.openMeasured(2, milliseconds: 1)
        bench.announce(from, [route("2001:db8:b::/48", (1, Self.unknown))])
        bench.pass(milliseconds: 100)
        let told = bench.announced(to: other).filter { $0.prefix == Self.p }
        #expect(told.map { $0.path.map(\.latency) } == [[1, 7]])
    }

    @Test("A15: a full queue costs nothing: the latest state of each prefix follows when there is room")
    func backPressure() {
        var bench = bench()
        let from = bench.open(1)
        let slow = bench.open(2)
        bench.announce(from, [route("2001:db8:b::/48", (1, 3)), route("2001:db8:c::/48", (1, 3))])
        bench.pass(milliseconds: 100)
        bench.happen(.linkWritable(slow, false))
        for step in 0..<1_000 { bench.announce(from, [route("2001:db8:b::/48", (1, UInt32(10 + step * 20)))]) }
        bench.announce(from, [route("2001:db8:c::/48", (1, 3), isWithdrawal: true)])
        bench.pass(milliseconds: 40_000)
        #expect(bench.announced(to: slow).isEmpty)
        bench.happen(.linkWritable(slow, true))
        let told = bench.announced(to: slow).filter { $0.prefix != Self.own }
        #expect(told.map(\.prefix).sorted() == [Self.p, prefix("2001:db8:c::/48")])
        #expect(told.first { $0.prefix == Self.p }?.path.last?.latency == 19_990)
        #expect(told.first { $0.prefix != Self.p }?.isWithdrawal == true)
    }

    @Test("W26: an external peer is told our own prefixes and what its export list names")
    func export() {
        var bench = bench {
            $0.peers = [
                ConfiguredPeer(
                    name: "x.other.example", addresses: [], exportList: [.init(prefix: prefix("2001:db8:c::/48"))])
            ]
        }
        let from = bench.open(1)
        let outside = bench.open(5, name: "x.other.example", trust: .externalPin(boundName: nil))
        bench.announce(from, [route("2001:db8:b::/48", (1, 3)), route("2001:db8:c::/48", (1, 3))])
        bench.pass(milliseconds: 21_000)
        #expect(Set(bench.announced(to: outside).map(\.prefix)) == [Self.own, prefix("2001:db8:c::/48")])
        let page = bench.node.advertised(to: outside, after: nil, limit: 10)
        #expect(page.items.first { $0.prefix == Self.p }?.reason == .exportNotAllowed)
    }

    @Test("A20, W22, C17 e: a large table goes out in messages below 1 MiB, all of it, all of it acceptable to v1")
    func largeTable() {
        var bench = Bench {
            $0.tunables.maximumPrefixes = 65_536
            for index in 0..<12_000 {
                let text = "2001:db8:\(String(index, radix: 16))::/48"
                $0.localRoutes[prefix(text)] = .discard
            }
        }
        let link = bench.open(1)
        let start = bench.effects
        bench.effects = start + bench.pass(milliseconds: 1)
        let sent = bench.effects.compactMap { effect -> [UInt8]? in
            guard case .send(link, let bytes) = effect else { return nil }
            return bytes
        }
        #expect(sent.allSatisfy { $0.count <= 1 << 20 })
        #expect(sent.count >= 3)
        #expect(bench.announced(to: link).count == 12_000)
        var kinds: [AnnouncementKind] = []
        for case .announce(let payload) in bench.messages(to: link) {
            if let info = try? Announcement.decode(payload, { _ in }) { kinds.append(info.kind) }
        }
        #expect(kinds.last == .fullEnd)
        #expect(kinds.dropLast().allSatisfy { $0 == .fullPart })
        #expect(bench.notices.allSatisfy { if case .outboundRefused = $0 { false } else { true } })
    }

    @Test(
        "W18: nothing goes to v1 that it would reset the session for, whatever came in", arguments: [UInt64(1), 2, 3])
    func outboundIsClean(seed: UInt64) {
        var random = SimRandom(seed: seed)
        var bench = bench()
        let from = bench.open(1)
        let witness = bench.open(2)
        var validator = OutboundValidator(sender: Bench.own)
        for _ in 0..<40 {
            var payload = Bench.payload(
                (0..<4).map { _ in
                    let hops = (0..<Int(random.next() % 4)).map { _ in
                        Hop(
                            id: Simulation.id(Int(random.next() % 5)),
                            latency: UInt32(truncatingIfNeeded: random.next()))
                    }
                    let text = "2001:db8:\(String(random.next() % 8, radix: 16))::/48"
                    return AnnouncedRoute(prefix: prefix(text), path: [Hop(id: Simulation.id(1), latency: 3)] + hops)
                })
            // Bend a byte now and then.
            if random.next() % 2 == 0 {
                payload[Int(random.next() % UInt64(payload.count))] ^= 1 << UInt8(random.next() % 8)
            }
            bench.happen(.message(from, .announce(payload)))
            if bench.closes[from] != nil { break }
            bench.pass(milliseconds: 60)
            for case .send(witness, let bytes) in bench.effects {
                if (try? PeerMessage.decode(bytes)) == .pong { validator.notePing() }
                #expect(throws: Never.self, "seed \(seed)") { try validator.check(bytes) }
            }
        }
    }
}
