// What may be accepted from whom: one row a rule of faults.md (A) and of protocol-v2 section 3.

import Mesh
import Routing
import Testing
import Wire

@Suite("What is accepted")
struct ImportTests {
    private static let unknown = Hop.unknownLatency
    private static let local: [Prefix: LocalRoute] = [prefix("2001:db8:a::/48"): .vif(0)]

    struct Row: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var route: AnnouncedRoute
        /// Nil: accepted.
        var reason: RouteReason?
        init(_ name: String, _ route: AnnouncedRoute, _ reason: RouteReason?) {
            testDescription = name
            self.route = route
            self.reason = reason
        }
    }

    static let rows: [Row] = [
        Row("a plain route", route("2001:db8:b::/48", (1, 3)), nil),
        Row("A1: the default route", route("::/0", (1, 3)), .defaultOrShort),
        Row("A1: a /15", route("2000::/15", (1, 3)), .defaultOrShort),
        Row("A1: a /16 is long enough", route("2001::/16", (1, 3)), nil),
        Row("A3: path[0] is not the sender", route("2001:db8:b::/48", (2, 3)), .badPath),
        Row("A4: own id in path", route("2001:db8:b::/48", (1, 3), (1000, 4), (2, 1)), .ownIDInPath),
        Row("A5: an id twice with others between", route("2001:db8:b::/48", (1, 3), (2, 1), (1, 3)), .duplicateHop),
        Row("A5: an id twice in a row is one hop", route("2001:db8:b::/48", (1, 3), (1, 4), (2, 1)), nil),
        Row("A11: link-local", route("fe80::/64", (1, 3)), .martianPrefix),
        Row("A11: multicast", route("ff02::/16", (1, 3)), .martianPrefix),
        Row("A11: unspecified", route("::/128", (1, 3)), .martianPrefix),
        Row("A11: loopback", route("::1/128", (1, 3)), .martianPrefix),
        Row("A11: mapped IPv4", route("::ffff:10.0.0.0/104", (1, 3)), .martianPrefix),
        Row("A12: our own prefix", route("2001:db8:a::/48", (1, 3)), .ownPrefix),
        Row("A12: inside our own prefix", route("2001:db8:a:1::/64", (1, 3)), .insideLocalPrefix),
        Row("A12: around our own prefix", route("2001:db8::/32", (1, 3)), nil),
        Row("W19: a former id of ours in the path", route("2001:db8:b::/48", (1, 3), (1001, 4)), .ownIDInPath),
    ]

    @Test("A1–A12: verdict of an internal peer without an entry", arguments: rows)
    func verdict(row: Row) {
        var bench = Bench {
            $0.localRoutes = Self.local
            $0.aliases = [Simulation.id(1001)]
        }
        let link = bench.open(1)
        bench.announce(link, [row.route, route("2001:db8:ffff::/48", (1, 3))])
        let candidate = bench.route(row.route.prefix)?.candidates.first { $0.link == link }
        #expect(candidate != nil)
        #expect((candidate?.status == .rejected ? candidate?.reason : nil) == row.reason)
        #expect(bench.closes.isEmpty, "one bad route costs itself only")
        #expect(bench.chosenLink(prefix("2001:db8:ffff::/48")) == link, "the last of the message is accepted")
    }

    @Test(
        "A3, A4, W3: a route that cannot be used withdraws the one before it",
        arguments: [
            route("2001:db8:b::/48", (1, 3), (1000, 4)), route("2001:db8:b::/48", (2, 3)),
            route("2001:db8:b::/48", (1, 3), (2, 1), (1, 3)),
        ])
    func implicitWithdrawal(bad: AnnouncedRoute) {
        var bench = Bench()
        let link = bench.open(1)
        bench.announce(link, [route("2001:db8:b::/48", (1, 3))])
        #expect(bench.fib == [FIBChange(prefix: prefix("2001:db8:b::/48"), nextHop: .link(link))])
        bench.announce(link, [bad])
        #expect(bench.fib == [FIBChange(prefix: prefix("2001:db8:b::/48"), nextHop: nil)])
    }

    @Test("A3: ten bad paths in a minute end the session, nine do not; A2: and it waits a minute")
    func badPaths() {
        var bench = Bench()
        let link = bench.open(1)
        for index in 1...9 { bench.announce(link, [route("2001:db8:\(index)::/48", (2, 3))]) }
        #expect(bench.closes.isEmpty)
        bench.announce(link, [route("2001:db8:b::/48", (2, 3))])
        #expect(bench.closes == [link: .protocolViolation])
        #expect(
            bench.node.peers(at: bench.now).first?.rejected[.badPath] == 10, "the one that ended the session counts too"
        )
        let again = bench.open(1)
        #expect(bench.closes == [again: .protocolViolation])
        bench.pass(milliseconds: 61_000)
        bench.open(1)
        #expect(bench.closes.isEmpty)
    }

    @Test("A2, C16: what is there stays, the surplus is refused; freed places are taken; one notice")
    func limit() {
        var bench = Bench { $0.tunables.maximumPrefixes = 10 }
        let link = bench.open(1)
        bench.announce(link, (1...12).map { route("2001:db8:\($0)::/48", (1, 3)) })
        #expect(bench.notices.contains(.prefixLimitReached(limit: 10)))
        #expect(bench.reason(prefix("2001:db8:11::/48"), link) == .prefixLimit)
        #expect(bench.node.peer(Simulation.name(1), at: bench.now)?.routesAccepted == 10)
        bench.announce(link, [route("2001:db8:1::/48", (1, 4)), route("2001:db8:2::/48", (1, 3), isWithdrawal: true)])
        bench.announce(link, [route("2001:db8:11::/48", (1, 3))])
        #expect(bench.chosenLink(prefix("2001:db8:11::/48")) == link)
    }

    @Test("C16 d: a raised limit lets in what was refused, without a word of the peer")
    func raisedLimit() {
        var peer = ConfiguredPeer(name: Simulation.name(1), addresses: [], maximumPrefixes: 1)
        var bench = Bench { $0.peers = [peer] }
        let link = bench.open(1)
        bench.announce(link, [route("2001:db8:1::/48", (1, 3)), route("2001:db8:2::/48", (1, 3))])
        #expect(bench.reason(prefix("2001:db8:2::/48"), link) == .prefixLimit)
        peer.maximumPrefixes = 2
        bench.happen(.command(.setPeers([peer]), token: 1))
        #expect(bench.fib == [FIBChange(prefix: prefix("2001:db8:2::/48"), nextHop: .link(link))])
        #expect(bench.closes.isEmpty)
    }

    @Test("rejected routes are kept with their reason, at most 1,024 of a peer and an eighth")
    func rejectedAreBounded() {
        var bench = Bench()
        let link = bench.open(1)
        for block in 0..<4 {
            bench.announce(link, (0..<500).map { route("fe80:\(block):\(String($0, radix: 16))::/64", (1, 3)) })
        }
        let peer = bench.node.peer(Simulation.name(1), at: bench.now)
        #expect((peer?.routesRejected ?? 0) <= 1_152)
        #expect((peer?.routesRejected ?? 0) >= 1_024)
        #expect(peer?.rejected[.martianPrefix] == 2_000)
        #expect(bench.reason(prefix("fe80:3:1f3::/64"), link) == .martianPrefix, "the newest is kept")
        #expect(bench.route(prefix("fe80:0:0::/64")) == nil, "the oldest is gone")
    }

    // MARK: Lists

    private func external(_ peer: Int, name: String, _ adjust: (inout NodeConfiguration) -> Void = { _ in })
        -> RouteReason?
    {
        var bench = Bench(adjust)
        let link = bench.open(peer, name: name, trust: .externalPin(boundName: nil))
        bench.announce(link, [route("2001:db8:b::/48", (peer, 3))])
        let candidate = bench.route(prefix("2001:db8:b::/48"))?.candidates.first
        #expect(candidate != nil)
        return candidate?.status == .rejected ? candidate?.reason : nil
    }

    private func policy(_ name: String, _ entries: String...) -> (inout NodeConfiguration) -> Void {
        let list = entries.map { "\"\($0)\"" }.joined(separator: ",")
        let content = Array("{\"prefix_whitelist\": {\"\(name)\": [\(list)]}}".utf8)
        return { configuration in
            configuration.storedConfig = VerifiedConfig(
                signed: SignedConfig(certificate: [1], content: content), contentHash: [1], issuedAt: Bench.wall - 10,
                expiresAt: Bench.wall + 1_000)
        }
    }

    @Test("W26: an external peer without a list is allowed nothing")
    func externalWithoutList() { #expect(external(5, name: "x.other.example") == .externalNotAllowed) }

    @Test("W7: an external peer by its fingerprint")
    func externalByFingerprint() {
        #expect(external(5, name: "x.other.example", policy("sha256:\(Simulation.id(5))", "2001:db8:b::/48")) == nil)
    }

    @Test("W7: an external peer by its CommonName, v1's habit")
    func externalByName() {
        #expect(external(5, name: "x.other.example", policy("x.other.example", "2001:db8:b::/48")) == nil)
    }

    @Test("B5: an external peer does not inherit what a name of our domain was granted")
    func externalWithOurName() {
        #expect(external(5, name: "b.mesh.test", policy("b.mesh.test", "2001:db8:b::/48")) == .externalNotAllowed)
    }

    @Test("W7: nor the grant of an internal node with the same name, once that was seen")
    func externalWithSeenName() {
        var bench = Bench(policy("x.other.example", "2001:db8:b::/48"))
        let outside = bench.open(5, name: "x.other.example", trust: .externalPin(boundName: nil))
        bench.announce(outside, [route("2001:db8:b::/48", (5, 3))])
        #expect(bench.chosenLink(prefix("2001:db8:b::/48")) == outside)
        bench.open(6, name: "x.other.example")
        #expect(bench.reason(prefix("2001:db8:b::/48"), outside) == .externalNotAllowed)
    }

    @Test(
        "W8: an internal peer with an entry is held to it, length and all; names without regard to case",
        arguments: [
            ("N1.Mesh.Test", "2001:db8:b::/48,max_prefix_len=56", "2001:db8:b:100::/56", RouteReason?.none),
            ("n1.mesh.test", "2001:db8:b::/48,max_prefix_len=56", "2001:db8:b:100::/57", .maximumLengthExceeded),
            ("n1.mesh.test", "2001:db8:b::/48,max_prefix_len=56", "2001:db8:c::/48", .notWhitelisted),
            ("n1.mesh.test", "::/0", "::/0", nil),
            ("n1.mesh.test", "::/0", "2001:db8:a:1::/64", .insideLocalPrefix),
            ("n1.mesh.test", "2001:db8:a:1::/64", "2001:db8:a:1::/64", nil),
            ("n1.mesh.test", "2001:db8:a::/48", "2001:db8:a::/48", .ownPrefix),
        ])
    func whitelist(name: String, entry: String, announced: String, reason: RouteReason?) {
        var bench = Bench {
            policy(name, entry)(&$0)
            $0.localRoutes = Self.local
        }
        let link = bench.open(1)
        bench.announce(link, [route(announced, (1, 3))])
        let candidate = bench.route(prefix(announced))?.candidates.first { $0.link == link }
        #expect((candidate?.status == .rejected ? candidate?.reason : nil) == reason)
    }

    @Test("W27: an empty list allows nothing; B4: a certificate without a clean name matches no list")
    func emptyListAndEmptyName() {
        var bench = Bench(policy("n1.mesh.test"))
        let listed = bench.open(1)
        let nameless = bench.open(2, name: "")
        bench.announce(listed, [route("2001:db8:b::/48", (1, 3))])
        bench.announce(nameless, [route("2001:db8:c::/48", (2, 3))])
        #expect(bench.reason(prefix("2001:db8:b::/48"), listed) == .notWhitelisted)
        #expect(bench.chosenLink(prefix("2001:db8:c::/48")) == nameless)
        #expect(bench.node.peer("sha256:\(Simulation.id(2))", at: bench.now)?.status == .up)
    }
}

/// Routes that cannot be read, byte by byte.
@Suite("What is malformed costs itself only")
struct MalformedRouteTests {
    private static func raw(_ address: [UInt8], _ length: UInt64, ids: [[UInt8]]) -> [UInt8] {
        var bytes = Bench.field(1, address) + [0x10] + Bench.varint(length)
        for id in ids { bytes += Bench.field(3, Bench.field(1, id) + [0x10, 0x03]) }
        return Bench.field(1, bytes)
    }
    private static let b: [UInt8] = [0x20, 0x01, 0x0d, 0xb8, 0, 0x0b] + [UInt8](repeating: 0, count: 10)
    private static let sender = Simulation.id(1).bytes

    static let rows: [(String, [UInt8], RouteReason)] = [
        ("A9: a prefix of 15 bytes", raw(Array(b.dropLast()), 48, ids: [sender]), .invalidPrefix),
        ("A9: a length of 129", raw(b, 129, ids: [sender]), .invalidPrefix),
        ("A10, W2: host bits", raw(b.dropLast() + [1], 48, ids: [sender]), .invalidPrefix),
        ("A3: no path", raw(b, 48, ids: []), .badPath),
        ("A6: an id of 31 bytes", raw(b, 48, ids: [sender, Array(sender.dropLast())]), .badHopID),
        ("A6: an id of no bytes", raw(b, 48, ids: [sender, []]), .badHopID),
        ("A6: 65 hops", raw(b, 48, ids: [sender] + (2...65).map { Simulation.id($0).bytes }), .pathTooLong),
        (
            "A6: C17 d: a route of more than 8 KiB", raw(b, 48, ids: [sender, [UInt8](repeating: 1, count: 9_000)]),
            .pathTooLong
        ),
    ]

    @Test("A3, A6, A9, A10: rejected, withdrawn, the session and the rest of the message live", arguments: rows)
    func malformed(name: String, bytes: [UInt8], reason: RouteReason) {
        var bench = Bench()
        let link = bench.open(1)
        let other = bench.open(2)
        bench.announce(link, [route("2001:db8:b::/48", (1, 3))])
        bench.pass(milliseconds: 100)
        bench.happen(.message(link, .announce(bytes + Bench.payload([route("2001:db8:f::/48", (1, 3))]))))
        #expect(bench.closes.isEmpty)
        #expect(bench.chosenLink(prefix("2001:db8:f::/48")) == link)
        let peer = bench.node.peer(Simulation.name(1), at: bench.now)
        #expect(peer?.rejected == [reason: 1], "G6: exactly one counter rises, by one")
        bench.pass(milliseconds: 100)
        #expect(bench.announced(to: other).allSatisfy { $0.prefix != prefix("2001:db8:b::/48") || $0.isWithdrawal })
    }

    @Test("A2, C17 b: more than 65,536 routes in a message end the session before any of them counts")
    func tooMany() {
        var bench = Bench()
        let link = bench.open(1)
        bench.happen(
            .message(
                link,
                .announce([UInt8](repeating: 0, count: 0) + (0..<65_537).flatMap { _ in [0x0a, 0x00] as [UInt8] })))
        #expect(bench.closes == [link: .protocolViolation])
        #expect(bench.node.counters.candidates == 0)
    }

    @Test("G5: one notice a second for a peer and reason, with what was held back; the counter is exact")
    func notices() {
        var bench = Bench()
        let link = bench.open(1)
        var notices: [Notice] = []
        for step in 0..<30 {
            bench.announce(link, [route("fe80::/64", (1, 3)), route("ff02::/16", (1, 3))])
            for case .notice(let notice) in bench.effects { notices.append(notice) }
            if step % 10 == 9 { bench.pass(milliseconds: 1_000) }
        }
        #expect(notices.map(\.suppressed) == [0, 19, 19])
        #expect(bench.node.peer(Simulation.name(1), at: bench.now)?.rejected == [.martianPrefix: 60])
    }
}
