// Which route is used, for how long, and what the API says of it.

import Mesh
import Routing
import Testing
import Wire

@Suite("What is chosen")
struct SelectionTests {
    private static let p = prefix("2001:db8:b::/48")
    private static let unknown = Hop.unknownLatency

    /// Two peers; the first one's route comes first.
    private func two(_ first: UInt32, _ second: UInt32) -> (Bench, LinkID, LinkID) {
        var bench = Bench()
        let a = bench.open(1)
        let b = bench.open(2)
        bench.announce(a, [route("2001:db8:b::/48", (1, first))])
        bench.announce(b, [route("2001:db8:b::/48", (2, second))])
        return (bench, a, b)
    }

    @Test(
        "C14 a–c: exactly 10 ms better switches, less does not",
        arguments: [
            (UInt32(41), false, RouteReason.hysteresis), (40, true, .lowerLatency), (39, true, .lowerLatency),
        ])
    func hysteresis(other: UInt32, isSwitched: Bool, reason: RouteReason) {
        let (bench, a, b) = two(50, other)
        #expect(bench.chosenLink(Self.p) == (isSwitched ? b : a))
        #expect(bench.route(Self.p)?.selected?.reason == reason)
        if !isSwitched {
            #expect(bench.reason(Self.p, b) == .withinHysteresis)
            #expect(bench.route(Self.p)?.selected?.threshold == 40_000)
        }
    }

    @Test("C14 d: a path that swings between 45 and 55 ms does not flap")
    func swinging() {
        var (bench, a, _) = two(50, 50)
        var changes = 0
        for step in 0..<60 {
            bench.announce(a, [route("2001:db8:b::/48", (1, step % 2 == 0 ? 45 : 55))])
            changes += bench.fib.count
        }
        #expect(changes <= 1)
    }

    @Test("C14 e: a path that got worse is left within one update")
    func worse() {
        var (bench, a, b) = two(40, 60)
        bench.announce(a, [route("2001:db8:b::/48", (1, 120))])
        #expect(bench.chosenLink(Self.p) == b)
    }

    @Test("A8, W12: the first hop costs the larger of what is told and what we measured")
    func attraction() {
        var bench = Bench()
        let liar = bench.openMeasured(1, milliseconds: 80)
        let honest = bench.openMeasured(2, milliseconds: 20)
        bench.announce(honest, [route("2001:db8:b::/48", (2, 20))])
        bench.announce(liar, [route("2001:db8:b::/48", (1, 0))])
        #expect(bench.chosenLink(Self.p) == honest)
        #expect(bench.route(Self.p)?.candidates.map(\.cost) == [20_000, 80_000])
    }

    @Test("A7: 2^32-1 in the first hop means: use our own; deeper it is the last resort; sums do not wrap")
    func unknownLatency() {
        var bench = Bench()
        let a = bench.openMeasured(1, milliseconds: 30)
        let b = bench.openMeasured(2, milliseconds: 1)
        bench.announce(b, [route("2001:db8:b::/48", (2, 1), (3, Self.unknown))])
        #expect(bench.chosenLink(Self.p) == b)
        bench.announce(a, [route("2001:db8:b::/48", (1, Self.unknown), (3, 4_000_000_000), (4, 4_000_000_000))])
        #expect(bench.chosenLink(Self.p) == a)
        #expect(bench.route(Self.p)?.selected?.cost == 8_000_000_030_000)
        #expect(bench.reason(Self.p, b) == .latencyUnknown)
        #expect(bench.route(Self.p)?.candidates.last?.cost == nil)
    }

    @Test("ties: the shorter path, then the smaller id")
    func ties() {
        var bench = Bench()
        let ids = [1, 2].sorted { Simulation.id($0) < Simulation.id($1) }
        let larger = bench.open(ids[1])
        bench.announce(larger, [route("2001:db8:b::/48", (ids[1], 5))])
        bench.happen(.linkClosed(larger, .remote))
        let again = bench.open(ids[1])
        let smaller = bench.open(ids[0])
        // Both arrive while neither is chosen: an end of the former choice.
        let third = bench.open(3)
        bench.announce(third, [route("2001:db8:b::/48", (3, 0))])
        bench.announce(again, [route("2001:db8:b::/48", (ids[1], 5))])
        bench.announce(smaller, [route("2001:db8:b::/48", (ids[0], 5))])
        bench.happen(.linkClosed(third, .remote))
        #expect(bench.chosenLink(Self.p) == smaller)
        #expect(bench.route(Self.p)?.selected?.reason == .previousPeerDown)
        #expect(bench.reason(Self.p, again) == .tieBreakPeerID)
    }

    @Test("S5: a local route always wins, and learning goes on behind it")
    func localWins() {
        var bench = Bench()
        let link = bench.open(1)
        bench.announce(link, [route("2001:db8:b::/48", (1, 0))])
        bench.happen(.command(.setLocalRoutes([Self.p: .vif(3)]), token: 1))
        #expect(bench.fib == [FIBChange(prefix: Self.p, nextHop: .vif(3))])
        #expect(bench.reason(Self.p, link) == .ownPrefix)
        bench.happen(.command(.setLocalRoutes([:]), token: 2))
        #expect(bench.fib == [FIBChange(prefix: Self.p, nextHop: .link(link))], "judged again, it is back at once")
    }

    // MARK: Life and death

    @Test("W5: routes expire 75 s after they were last named, none later (C11); C25: whatever the wall clock does")
    func expiry() {
        var bench = Bench { $0.tunables.deadAfter = 1_000_000 }
        let link = bench.open(1)
        bench.announce(link, [route("2001:db8:b::/48", (1, 3))], scope: .partial)
        bench.happen(.wallClock(unixSeconds: Bench.wall - 365 * 86_400))
        bench.pass(milliseconds: 74_700)
        #expect(bench.chosenLink(Self.p) == link)
        bench.pass(milliseconds: 301)
        #expect(bench.fib == [FIBChange(prefix: Self.p, nextHop: nil)])
        #expect(bench.route(Self.p) == nil)
    }

    @Test("W5 d: what a v1 round does not name is passed over at once and gone after 35 s")
    func staleRound() {
        var bench = Bench { $0.tunables.deadAfter = 1_000_000 }
        let a = bench.open(1)
        let b = bench.open(2)
        bench.announce(b, [route("2001:db8:b::/48", (2, 100))], scope: .partial)
        bench.announce(a, [route("2001:db8:b::/48", (1, 3)), route("2001:db8:c::/48", (1, 3))])
        #expect(bench.chosenLink(Self.p) == a)
        bench.pass(milliseconds: 30_000)
        // One round in two messages, half a second apart, without p.
        bench.announce(a, [route("2001:db8:d::/48", (1, 3))])
        bench.pass(milliseconds: 500)
        bench.announce(a, [route("2001:db8:e::/48", (1, 3))])
        #expect(bench.chosenLink(Self.p) == a, "the round is not over")
        bench.pass(milliseconds: 1_000)
        #expect(bench.chosenLink(Self.p) == b)
        #expect(bench.reason(Self.p, a) == .stale)
        #expect(bench.chosenLink(prefix("2001:db8:c::/48")) == a, "eligible where nothing else is")
        #expect(bench.chosenLink(prefix("2001:db8:d::/48")) == a)
        bench.pass(milliseconds: 34_700)
        #expect(bench.chosenLink(prefix("2001:db8:c::/48")) == a)
        bench.pass(milliseconds: 301)
        #expect(bench.route(prefix("2001:db8:c::/48")) == nil)
        #expect(bench.reason(Self.p, a) == nil)
    }

    @Test("a marked whole table withdraws at its end what it did not name")
    func markedTable() {
        var bench = Bench()
        let link = bench.open(1)
        bench.announce(link, [route("2001:db8:b::/48", (1, 3)), route("2001:db8:c::/48", (1, 3))], scope: .full)
        bench.announce(link, [route("2001:db8:d::/48", (1, 3))], scope: .partial)
        #expect(bench.chosenLink(Self.p) == link)
        bench.announce(link, [route("2001:db8:c::/48", (1, 3))], scope: .full)
        #expect(bench.fib.map(\.nextHop) == [nil, nil])
        #expect(bench.chosenLink(prefix("2001:db8:c::/48")) == link)
    }

    @Test("W14, D1: the second best takes over in the same turn in which the session ends")
    func failover() {
        var (bench, a, b) = two(10, 90)
        bench.happen(.linkClosed(a, .failed("reset")))
        #expect(bench.fib == [FIBChange(prefix: Self.p, nextHop: .link(b))])
        #expect(bench.route(Self.p)?.selected?.reason == .previousPeerDown)
    }

    @Test("paging goes on after the last prefix, in order, while the table changes")
    func paging() {
        var bench = Bench()
        let link = bench.open(1)
        bench.announce(link, (0..<600).map { route("2001:db8:\(String($0, radix: 16))::/48", (1, 3)) })
        var seen: [Prefix] = []
        var after: Prefix?
        repeat {
            let page = bench.node.routes(after: after, limit: 100) { _ in true }
            seen += page.routes.map(\.prefix)
            after = page.next
            if let first = seen.first {
                bench.announce(
                    link,
                    [AnnouncedRoute(prefix: first, path: [Hop(id: Simulation.id(1), latency: 3)], isWithdrawal: true)])
            }
        } while after != nil
        #expect(seen.count == 600)
        #expect(seen == seen.sorted())
    }

    @Test("look-up names every covering prefix, longest first (C9 a)")
    func lookup() throws {
        var bench = Bench {
            $0.localRoutes = [prefix("2001:db8:a::/48"): .vif(0)]
            $0.peers = [ConfiguredPeer(name: Simulation.name(1), addresses: [], acceptsDefault: true)]
        }
        let link = bench.open(1)
        bench.announce(link, [route("::/0", (1, 3)), route("2001:db8::/32", (1, 3))])
        let views = bench.node.lookup(try IPv6Address(parsing: "2001:db8:a::1"))
        #expect(views.map(\.prefix) == ["2001:db8:a::/48", "2001:db8::/32", "::/0"].map(prefix))
    }
}
