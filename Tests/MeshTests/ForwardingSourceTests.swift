// Who may send from where (faults C12–C14, case C7), what has no way (case C9), and the rate of errors (fault C22).

import Mesh
import Routing
import Testing
import Wire

private typealias Fixture = ForwardingFixture

@Suite struct ForwardingSourceTests {
    private let tun = Ingress.vif(Fixture.tun)
    private let a = Ingress.link(Fixture.linkA)
    private let e = Ingress.link(Fixture.linkE)

    @Test("C12: a source that is not ours does not leave a vif; the error stays on that vif")
    func outbound() throws {
        let state = Fixture().state()
        for source in ["2001:db8:a::1", "2001:db8:dead::1"] {
            let bytes = Fixture.udp(source, "2001:db8:c::1")
            let (verdict, after) = Fixture.decide(bytes, from: tun, by: state)
            #expect(verdict == .refuse(.sourceRejected, .sourcePolicy))
            #expect(after == bytes)
            var forwarder = Forwarder()
            let answer = try #require(Fixture.answer(&forwarder, bytes, from: tun, by: state))
            #expect(answer.egress == tun)
            #expect(Array(answer.packet[40..<42]) == [1, 5])
            #expect(IPv6Address(bytes: answer.packet[8..<24]) == Fixture.address("2001:db8:b::1"))
            #expect(IPv6Address(bytes: answer.packet[24..<40]) == Fixture.address(source))
        }
    }

    @Test("C12: every source inside our prefixes may leave, and so may an address of ours outside of them")
    func outboundAllowed() {
        var fixture = Fixture()
        fixture.vifs[0].addresses.append(Fixture.address("2001:db8:77::1"))
        // A peer was allowed to announce a part of our prefix: addresses in it are ours nevertheless.
        fixture.routes.append(("2001:db8:b:a::/64", .link(Fixture.linkA)))
        let state = fixture.state()
        for source in ["2001:db8:b::9", "2001:db8:b:5::1", "2001:db8:b:d::1", "2001:db8:77::1", "2001:db8:b:a::1"] {
            let bytes = Fixture.udp(source, "2001:db8:c::1")
            #expect(Fixture.decide(bytes, from: tun, by: state).verdict == .send(link: Fixture.linkC), "\(source)")
        }
        fixture.checksSources = false
        let foreign = Fixture.udp("2001:db8:dead::1", "2001:db8:c::1")
        #expect(Fixture.decide(foreign, from: tun, by: fixture.state()).verdict == .send(link: Fixture.linkC))
    }

    @Test("C13, C7: a source of ours from a peer is dropped in every mode and without an error")
    func ownSource() {
        var fixture = Fixture()
        fixture.vifs[0].addresses.append(Fixture.address("2001:db8:77::1"))
        fixture.routes.append(("2001:db8:77::/48", .link(Fixture.linkA)))
        fixture.links[2].permittedSources?.append(Fixture.prefix("2001:db8:b::/48"))
        for checks in [true, false] {
            fixture.checksSources = checks
            for source in ["2001:db8:b::1", "2001:db8:b::2", "2001:db8:b:d::1", "2001:db8:77::1"] {
                for (ingress, target) in [(a, "2001:db8:b::1"), (a, "2001:db8:c::1"), (e, "2001:db8:c::1")] {
                    let verdict = Fixture.decide(Fixture.udp(source, target), from: ingress, by: fixture.state())
                        .verdict
                    #expect(verdict == .drop(.sourceRejected), "\(source)")
                }
            }
        }
    }

    @Test("C13: two exits of one mesh announce the same default route; what came in by the other is no forgery")
    func twoExits() {
        var fixture = Fixture()
        fixture.routes.append(("::/0", .vif(Fixture.service)))
        fixture.local.append("::/0")
        let state = fixture.state()
        #expect(
            Fixture.decide(Fixture.udp("2620::1", "2001:db8:b::1"), from: a, by: state).verdict
                == .deliver(vif: Fixture.tun))
        #expect(
            Fixture.decide(Fixture.udp("2620::1", "2001:db8:c::1"), from: .vif(Fixture.service), by: state).verdict
                == .send(link: Fixture.linkC))
        #expect(
            Fixture.decide(Fixture.udp("2001:db8:b::2", "2001:db8:c::1"), from: a, by: state).verdict
                == .drop(.sourceRejected))
    }

    @Test("C14, C7: an external peer is held to what it was granted and announced")
    func strict() {
        let state = Fixture().state()
        let rows: [(String, Verdict)] = [
            ("2001:db8:e::1", .deliver(vif: Fixture.tun)),
            // Announced by it as well, although our best way there is another.
            ("2001:db8:e0::1", .deliver(vif: Fixture.tun)),
            ("2001:db8:e0:ffff:ffff:ffff:ffff:ffff", .deliver(vif: Fixture.tun)),
            ("2001:db8:e1::", .drop(.sourceRejected)), ("2001:db8:df:ffff::1", .drop(.sourceRejected)),
            ("2001:db8:a::1", .drop(.sourceRejected)), ("2001:db8:dead::1", .drop(.sourceRejected)),
        ]
        for (source, verdict) in rows {
            #expect(
                Fixture.decide(Fixture.udp(source, "2001:db8:b::1"), from: e, by: state).verdict == verdict, "\(source)"
            )
        }
        var closed = Fixture()
        closed.links[2].permittedSources = []
        #expect(
            Fixture.decide(Fixture.udp("2001:db8:e::1", "2001:db8:b::1"), from: e, by: closed.state()).verdict
                == .drop(.sourceRejected))
    }

    @Test("C14, C7: an internal peer may send from any source that has a route, since ways need not be symmetric")
    func loose() {
        let state = Fixture().state()
        let golden = Fixture.hex(
            "6000000000103a4020010db8dead0000000000000000000120010db8000b000000000000000000018000a1bc123400026162636465666768"
        )
        #expect(Fixture.decide(golden, from: a, by: state).verdict == .drop(.sourceRejected))
        #expect(Fixture.decide(golden, from: e, by: state).verdict == .drop(.sourceRejected))
        #expect(
            Fixture.decide(Fixture.udp("2001:db8:c::1", "2001:db8:b::1"), from: a, by: state).verdict
                == .deliver(vif: Fixture.tun))
    }

    @Test("A link that the facts do not know, a vif that is down or absent: dropped with the reason")
    func gone() {
        let state = Fixture().state()
        let rows: [(String, String, Ingress, Verdict)] = [
            ("2001:db8:a::1", "2001:db8:9::1", a, .drop(.channelDown)),
            ("2001:db8:a::1", "2001:db8:b::1", .link(9), .drop(.channelDown)),
            ("2001:db8:a::1", "2001:db8:b:6::1", a, .refuse(.vifDown, .addressUnreachable)),
            ("2001:db8:a::1", "2001:db8:b:d::1", a, .refuse(.noRoute, .noRoute)),
            ("2001:db8:a::1", "2001:db8:f::1", a, .refuse(.noRoute, .noRoute)),
        ]
        for (source, target, ingress, verdict) in rows {
            #expect(
                Fixture.decide(Fixture.udp(source, target), from: ingress, by: state).verdict == verdict, "\(target)")
        }
        var fixture = Fixture()
        fixture.routes.append(("2001:db8:8::/48", .vif(5000)))
        fixture.vifs.append(VifFacts(index: 5000, mtu: 1500))
        fixture.vifs.append(VifFacts(index: -1, mtu: 1500))
        #expect(
            Fixture.decide(Fixture.udp("2001:db8:a::1", "2001:db8:8::1"), from: a, by: fixture.state()).verdict
                == .refuse(.vifDown, .addressUnreachable))
    }

    @Test("C9: a default route of a peer serves only what nothing longer matches")
    func defaultRoute() {
        var fixture = Fixture()
        fixture.routes.append(("::/0", .link(Fixture.linkC)))
        let state = fixture.state()
        for (target, verdict) in [
            ("2001:db8:b::1", Verdict.deliver(vif: Fixture.tun)), ("2620::1", .send(link: Fixture.linkC)),
            ("2001:db8:e::1", .send(link: Fixture.linkE)),
        ] {
            #expect(Fixture.decide(Fixture.udp("2001:db8:a::1", target), from: a, by: state).verdict == verdict)
        }
    }

    @Test("C22: errors are limited to a burst of 50 and 100 a second, and what is forbidden costs nothing")
    func rate() {
        let state = Fixture().state()
        var forwarder = Forwarder()
        let bytes = Fixture.udp("2001:db8:a::1", "2001:db8:f::1")
        // An error about an error, many times: no answer, no token.
        var about = bytes
        about[6] = 58
        about[40] = 1
        func count(_ tries: Int, at microseconds: Int64, _ packet: [UInt8]) -> Int {
            (0..<tries).count { _ in
                Fixture.answer(&forwarder, packet, from: a, by: state, at: Instant(microseconds: microseconds)) != nil
            }
        }
        #expect(count(200, at: 0, about) == 0)
        #expect(count(200, at: 0, bytes) == 50)
        #expect(count(10, at: 9_999, bytes) == 0)
        #expect(count(10, at: 10_000, bytes) == 1)
        #expect(count(10, at: 5_000, bytes) == 0)
        #expect(count(10, at: 35_000, bytes) == 2)
        #expect(count(200, at: 3_600_000_000, bytes) == 50)
        #expect(count(200, at: .max, bytes) == 50)
        #expect(count(200, at: .min, bytes) == 0)
    }

    @Test("RFC 4443 section 2.2: where an error comes from")
    func errorSource() throws {
        func source(_ fixture: Fixture, from ingress: Ingress) -> String? {
            var forwarder = Forwarder()
            let own = ingress == a ? "2001:db8:a::1" : "2001:db8:b::9"
            return Fixture.answer(&forwarder, Fixture.udp(own, "2001:db8:f::1"), from: ingress, by: fixture.state())
                .flatMap { IPv6Address(bytes: $0.packet[8..<24])?.description }
        }
        var fixture = Fixture()
        #expect(source(fixture, from: a) == "2001:db8:b::1")
        #expect(source(fixture, from: tun) == "2001:db8:b::1")
        // A vif without an address borrows; one with an address uses it, and the routed one first.
        #expect(source(fixture, from: .vif(Fixture.service)) == "2001:db8:b::1")
        fixture.vifs[1].addresses = ["2001:db8:ffff::1", "2001:db8:b:5::5"].map(Fixture.address)
        #expect(source(fixture, from: .vif(Fixture.service)) == "2001:db8:b:5::5")
        // No address at all: the lowest usable one of a prefix, never the subnet-router anycast address.
        for (prefixes, expected) in [
            (["2001:db8:b::/48"], "2001:db8:b::1"), (["2001:db8:b::/128"], "2001:db8:b::"),
            (["2001:db8:b::9/128"], "2001:db8:b::9"), (["2001:db8:b::4/127"], "2001:db8:b::4"),
            (["2001:db8:b:8::/64", "2001:db8:b:7::/64"], "2001:db8:b:7::1"), (["::/0"], nil),
            (["::/0", "2001:db8:b::/64"], "2001:db8:b::1"),
        ] as [([String], String?)] {
            var bare = Fixture()
            bare.vifs = [VifFacts(index: 0, mtu: 1500, addresses: [Fixture.address("fe80::1")])]
            bare.local = prefixes
            #expect(source(bare, from: a) == expected, "\(prefixes)")
        }
        // An address of ours that nobody has a route to is better than silence.
        var island = Fixture()
        island.vifs = [VifFacts(index: 0, mtu: 1500, addresses: [Fixture.address("2001:db8:77::1")])]
        island.local = []
        #expect(source(island, from: a) == "2001:db8:77::1")
    }

    @Test("The API's vocabulary of drops is closed and in the order of the counters")
    func reasons() {
        #expect(DropReason.allCases.map(\.index) == Array(0..<DropReason.count))
        let words = [
            "queue_full", "no_route", "hop_limit", "packet_too_big", "malformed", "not_ipv6", "source_rejected",
            "auth_failed",
            "replay", "channel_down", "vif_down", "loop", "martian", "recursion",
        ]
        #expect(DropReason.allCases.map(\.rawValue) == words)
    }
}
