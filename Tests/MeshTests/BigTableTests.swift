// Tables far bigger than a message or a link's queue: said in parts, turn by turn, and stopped by a slow link.

import Mesh
import Routing
import Testing
import Wire

@Suite("Big tables")
struct BigTableTests {
    private static let count = 6_000
    /// Seven hops beyond the peer: about 350 bytes a route, 2 MiB all together.
    private static let tail = (20..<27).map { Hop(id: Simulation.id($0), latency: 1) }

    private static func routes(from peer: Int) -> [AnnouncedRoute] {
        (0..<count).compactMap { number in
            let address = IPv6Address(high: 0x2a00_0000_0000_0000 + UInt64(number) << 16, low: 0)
            return Prefix(masking: address, length: 48).map {
                AnnouncedRoute(prefix: $0, path: [Hop(id: Simulation.id(peer), latency: 3)] + tail)
            }
        }
    }

    /// A node that learned the big table from its first peer.
    private static func bench() -> (bench: Bench, from: LinkID) {
        var bench = Bench { $0.tunables.deadAfter = 1_000_000 }
        let from = bench.open(1)
        bench.announce(from, routes(from: 1), scope: .full)
        bench.pass(milliseconds: 100)
        return (bench, from)
    }

    private static func bytes(_ effects: [Effect], to link: LinkID) -> Int {
        effects.reduce(0) { sum, effect in
            if case .send(link, let bytes) = effect { sum + bytes.count } else { sum }
        }
    }

    private static func kinds(_ bench: Bench, to link: LinkID) -> [AnnouncementKind] {
        bench.messages(to: link).compactMap { message in
            guard case .announce(let payload) = message else { return nil }
            return try? Announcement.decode(payload, { _ in }).kind
        }
    }

    @Test("A15, A20: a turn says at most about a message, and the next turn comes at once")
    func inParts() {
        var (bench, _) = Self.bench()
        let to = bench.open(2)
        #expect(Self.bytes(bench.effects, to: to) < 256 << 10)
        #expect(Self.kinds(bench, to: to) == [.fullPart])
        var said = Set(bench.announced(to: to).map(\.prefix))
        var kinds: [AnnouncementKind] = []
        for _ in 0..<100 where kinds.last != .fullEnd {
            #expect(bench.node.nextDeadline.map { $0 <= bench.now } ?? false)
            bench.happen(.tick)
            #expect(Self.bytes(bench.effects, to: to) < 256 << 10)
            said.formUnion(bench.announced(to: to).map(\.prefix))
            kinds += Self.kinds(bench, to: to)
        }
        #expect(said.count == Self.count)
        #expect(kinds.last == .fullEnd && !kinds.dropLast().contains(.fullEnd))
    }

    @Test("A15: a link that takes no more is told no more, and goes on where it stopped")
    func heldBack() {
        var (bench, _) = Self.bench()
        let to = bench.open(2)
        var said = bench.announced(to: to).map(\.prefix)
        bench.happen(.linkWritable(to, false))
        bench.pass(milliseconds: 1_000)
        #expect(bench.announced(to: to).isEmpty)
        bench.happen(.linkWritable(to, true))
        said += bench.announced(to: to).map(\.prefix)
        bench.pass(milliseconds: 100)
        said += bench.announced(to: to).map(\.prefix)
        #expect(said.count == Self.count, "nothing is said twice")
        #expect(Set(said).count == Self.count)
    }

    @Test("A15: many changes at once are said in parts too, each prefix once")
    func changes() {
        var bench = Bench { $0.tunables.deadAfter = 1_000_000 }
        let from = bench.open(1)
        let to = bench.open(2)
        bench.pass(milliseconds: 100)
        bench.announce(from, Self.routes(from: 1), scope: .partial)
        var said: [Prefix] = []
        for _ in 0..<120 {
            bench.now = bench.now.adding(milliseconds: 1)
            bench.happen(.tick)
            #expect(Self.bytes(bench.effects, to: to) < 256 << 10)
            said += bench.announced(to: to).map(\.prefix)
        }
        #expect(said.count == Self.count)
        #expect(Set(said).count == Self.count)
    }

    @Test("A route that goes while the table is being said is withdrawn, one that comes is said")
    func meanwhile() {
        var (bench, from) = Self.bench()
        let to = bench.open(2)
        let first = bench.announced(to: to)[0].prefix
        bench.announce(from, [route("2001:db8:b::/48", (1, 3))], scope: .partial)
        bench.announce(
            from, [AnnouncedRoute(prefix: first, path: [Hop(id: Simulation.id(1), latency: .max)], isWithdrawal: true)],
            scope: .partial)
        var told = bench.announced(to: to)
        bench.pass(milliseconds: 200)
        told += bench.announced(to: to)
        #expect(told.last { $0.prefix == first }?.isWithdrawal == true)
        #expect(told.last { $0.prefix == prefix("2001:db8:b::/48") }?.isWithdrawal == false)
    }
}
