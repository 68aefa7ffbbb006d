// The ordered table and the RIB against naive oracles.

import Testing

@testable import Routing

@Suite("RIB")
struct RIBTests {
    private func prefix(_ number: UInt64, _ length: Int = 64) -> Prefix {
        Prefix(unchecked: IPv6Address(high: 0x2001_0db8 << 32 | number, low: 0), length: length)
    }

    private func id(_ number: UInt8) -> NodeID? { NodeID(bytes: [UInt8](repeating: number, count: 32)) }

    @Test("the ordered table does what a dictionary and a sort do", arguments: [UInt64(1), 2, 3])
    func table(seed: UInt64) {
        var random = RandomSource(seed: seed)
        var table = PrefixTable<Int>()
        var oracle: [Prefix: Int] = [:]
        for step in 0..<6_000 {
            let key = prefix(random.next() % 1_500, 60 + Int(random.next() % 5))
            if random.next() % 3 == 0 {
                table.remove(key)
                oracle[key] = nil
            } else {
                table.modify(key, default: 0) { $0 = step }
                oracle[key] = step
            }
        }
        let keys = oracle.keys.sorted()
        var seen: [Prefix] = []
        table.forEach { key, value in
            #expect(oracle[key] == value, "seed \(seed)")
            seen.append(key)
            return true
        }
        #expect(seen == keys, "seed \(seed)")
        #expect(table.count == keys.count)
        for _ in 0..<200 {
            let after = prefix(random.next() % 1_500, 62)
            var next: Prefix?
            table.forEach(after: after) { key, _ in
                next = key
                return false
            }
            #expect(next == keys.first { $0 > after }, "seed \(seed): the first after \(after)")
            #expect(table[after] == oracle[after])
        }
    }

    @Test("blocks that fill in ascending order stay full; one entry in the middle splits one block")
    func ascending() {
        var table = PrefixTable<UInt64>()
        for number in 0..<2_000 as Range<UInt64> { table.modify(prefix(number * 2), default: 0) { $0 = number } }
        table.modify(prefix(1_001), default: 0) { $0 = 7 }
        #expect(table[prefix(1_001)] == 7)
        #expect(table[prefix(1_002)] == 501)
        #expect(table.count == 2_001)
    }

    @Test("paths are stored once and go with their last user")
    func interning() throws {
        let hops = [Hop(id: try #require(id(1)), latency: 5), Hop(id: try #require(id(2)), latency: 6)]
        var paths = PathTable()
        let first = paths.intern(hops)
        let second = paths.intern(hops)
        let other = paths.intern(Array(hops.prefix(1)))
        #expect(first == second && first != other)
        #expect(paths.count == 2)
        #expect(paths[first].rest == 6_000 && paths[first].firstLatency == 5_000)
        paths.release(first)
        #expect(paths.count == 2)
        paths.release(second)
        #expect(paths.count == 1)
        #expect(paths.intern(Array(hops.suffix(1))) == first, "its number is used again")
    }

    /// What selection must come to, by the rule as it is written.
    private func oracle(_ routes: [UInt32: UInt32], present: UInt32?) -> UInt32? {
        guard let best = routes.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) else { return nil }
        if let present, let cost = routes[present], cost - best.value < 10 { return present }
        return best.key
    }

    @Test(
        "random announcements, withdrawals and ends of links: choice, counts and changes",
        arguments: [UInt64(1), 2, 3, 4])
    func choice(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        var rib = RIB(hysteresis: 10_000)
        let now = Instant(microseconds: 0)
        var routes: [Prefix: [UInt32: UInt32]] = [:]
        var chosen: [Prefix: UInt32] = [:]
        var installed: [Prefix: NextHop] = [:]
        for link in 1...5 as ClosedRange<UInt32> {
            rib.open(link: link, id: try #require(id(UInt8(link))), limit: 1_000)
        }
        for _ in 0..<4_000 {
            let key = prefix(random.next() % 40)
            let link = UInt32(1 + random.next() % 5)
            var touched = [key]
            switch random.next() % 20 {
            case 0:
                rib.close(link: link)
                rib.open(link: link, id: try #require(id(UInt8(link))), limit: 1_000)
                touched = routes.keys.sorted()
                for key in touched { routes[key]?[link] = nil }
            case 1...5:
                rib.withdraw(key, from: link)
                routes[key]?[link] = nil
            default:
                let latency = UInt32(random.next() % 40)
                let hop = Hop(id: try #require(id(UInt8(link))), latency: latency)
                rib.receive(RIBRoute(prefix: key, hops: [hop]), from: link, round: 0, at: now, lifetime: 75_000)
                routes[key, default: [:]][link] = latency
            }
            for key in touched { chosen[key] = oracle(routes[key] ?? [:], present: chosen[key]) }
            for change in rib.takeChanges() where change.isNextHopChanged { installed[change.prefix] = change.nextHop }
            for key in touched {
                #expect(installed[key] == chosen[key].map(NextHop.link), "seed \(seed): \(key) \(routes[key] ?? [:])")
            }
        }
        let count = routes.values.reduce(0) { $0 + $1.count }
        #expect(rib.candidateCount == count, "seed \(seed)")
        #expect(rib.selectedCount == chosen.count, "seed \(seed)")
        for link in 1...5 as ClosedRange<UInt32> { rib.close(link: link) }
        _ = rib.takeChanges()
        #expect(rib.prefixCount == 0 && rib.paths.count == 0, "nothing stays behind")
    }

    @Test(
        "A2: surplus beyond what is kept to be shown is refused and leaves nothing; room is taken"
    )
    func surplus() throws {
        var rib = RIB(hysteresis: 10_000, maximumRejected: 3)
        let hop = Hop(id: try #require(id(1)), latency: 5)
        let other = Hop(id: try #require(id(2)), latency: 500)
        rib.open(link: 1, id: hop.id, limit: 2)
        rib.open(link: 2, id: other.id, limit: 100)
        func receive(_ number: UInt64, _ hop: Hop, from link: UInt32) -> RouteReason? {
            let route = RIBRoute(prefix: prefix(number), hops: [hop])
            return rib.receive(route, from: link, round: 0, at: Instant(microseconds: 0), lifetime: 75_000)
        }
        #expect(receive(9, other, from: 2) == nil)
        #expect(
            (0..<20).map { receive($0, hop, from: 1) } == [nil, nil]
                + [RouteReason?](repeating: .prefixLimit, count: 18))
        #expect(rib.counts(of: 1) == (2, 3))
        #expect(rib.prefixCount == 6 && rib.chosen(prefix(9))?.selection == .link(2))
        #expect(receive(1, hop, from: 1) == nil, "one that is in may be said again")
        #expect(receive(3, hop, from: 1) == .prefixLimit)
        rib.withdraw(prefix(0), from: 1)
        #expect(receive(19, hop, from: 1) == nil, "there is room again")
        #expect(rib.counts(of: 1) == (2, 3))
    }

    @Test("R3: a dead token makes every path through it ineligible, those that come later too")
    func deadEdges() throws {
        let token = EdgeToken(high: 7, low: 9)
        var rib = RIB(hysteresis: 10_000)
        let now = Instant(microseconds: 0)
        let hop = Hop(id: try #require(id(1)), latency: 5)
        rib.open(link: 1, id: hop.id, limit: 10)
        let route = RIBRoute(prefix: prefix(1), hops: [hop], tokens: [token])
        rib.receive(route, from: 1, round: 0, at: now, lifetime: 75_000)
        #expect(rib.takeChanges().map(\.selection) == [.link(1)])
        let isNews = rib.declareDead(token)
        #expect(isNews)
        #expect(rib.takeChanges().map(\.selection) == [.none])
        #expect(rib.views(of: prefix(1)).map(\.reason) == [.deadEdge])
        let isNewsAgain = rib.declareDead(token)
        #expect(!isNewsAgain)
        rib.receive(
            RIBRoute(prefix: prefix(2), hops: [hop], tokens: [token]), from: 1, round: 0, at: now, lifetime: 75_000)
        #expect(rib.chosen(prefix(2)) == nil)
        rib.receive(
            RIBRoute(prefix: prefix(1), hops: [hop], tokens: [nil]), from: 1, round: 0, at: now, lifetime: 75_000)
        #expect(rib.chosen(prefix(1)) != nil)
    }
}
