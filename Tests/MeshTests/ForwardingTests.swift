// The data plane's judgement, rule by rule: cases C1–C3, C5, C7, C9, faults C12–C22.

import Mesh
import Routing
import Testing
import Wire

private typealias Fixture = ForwardingFixture

@Suite struct ForwardingTests {
    private let tun = Ingress.vif(Fixture.tun)
    private let a = Ingress.link(Fixture.linkA)
    private let c = Ingress.link(Fixture.linkC)
    private let e = Ingress.link(Fixture.linkE)

    // MARK: Hop limit

    /// Case C1 (b).
    private let dying =
        "6000000000103a0120010db8000a0000000000000000000120010db8000b0000000000000000000180008061123400016162636465666768"

    @Test("C1 (b), C17: a transit packet with hop limit 1 ends here, and its sender hears so from an address of ours")
    func hopLimitOne() throws {
        let state = Fixture().state()
        var bytes = Fixture.hex(dying)
        // To c instead of b, so that b is the middle.
        bytes[29] = 0x0c
        let (verdict, after) = Fixture.decide(bytes, from: a, by: state)
        #expect(verdict == .refuse(.hopLimit, .timeExceeded))
        #expect(after == bytes)
        var forwarder = Forwarder()
        let answer = try #require(Fixture.answer(&forwarder, bytes, from: a, by: state))
        #expect(answer.egress == a)
        #expect(
            Array(answer.packet[8..<40])
                == Fixture.hex("20010db8000b00000000000000000001 20010db8000a00000000000000000001"))
        #expect(Array(answer.packet[40..<42]) == [3, 0])
        #expect(Array(answer.packet[48...]) == bytes)
    }

    @Test("C1 (c), C17: hop limit 0 is dropped in silence, wherever it goes", arguments: ["a", "b", "c"])
    func hopLimitZero(destination: String) {
        var bytes = Fixture.hex(dying)
        bytes[7] = 0
        bytes[29] = UInt8(hexDigit: destination)
        if destination == "a" { bytes[13] = 0x0c }
        let from = destination == "a" ? c : a
        #expect(Fixture.decide(bytes, from: from, by: Fixture().state()).verdict == .drop(.hopLimit))
    }

    @Test("C1 (d): hop limit 1 for an address of the node itself is delivered as it is")
    func hopLimitOneForUs() {
        let bytes = Fixture.hex(dying)
        let (verdict, after) = Fixture.decide(bytes, from: a, by: Fixture().state())
        #expect(verdict == .deliver(vif: Fixture.tun))
        #expect(after == bytes)
    }

    @Test("C1: a host behind the node is one hop further than the node")
    func hostBehind() {
        let state = Fixture().state()
        let dying = Fixture.udp("2001:db8:a::1", "2001:db8:b::2", hopLimit: 1)
        #expect(Fixture.decide(dying, from: a, by: state).verdict == .refuse(.hopLimit, .timeExceeded))
        let (verdict, after) = Fixture.decide(
            Fixture.udp("2001:db8:a::1", "2001:db8:b::2", hopLimit: 2), from: a, by: state)
        #expect(verdict == .deliver(vif: Fixture.tun) && after[7] == 1)
    }

    @Test("C1, C17: the hop limit is lowered once a forward and at no other time")
    func lowered() {
        let state = Fixture().state()
        let rows: [(String, [UInt8], Ingress, Verdict, UInt8)] = [
            ("link to link", Fixture.udp("2001:db8:a::1", "2001:db8:c::1"), a, .send(link: Fixture.linkC), 63),
            ("vif to link", Fixture.udp("2001:db8:b::1", "2001:db8:c::1"), tun, .send(link: Fixture.linkC), 63),
            ("link to a host", Fixture.udp("2001:db8:a::1", "2001:db8:b::2"), a, .deliver(vif: Fixture.tun), 63),
            ("link to us", Fixture.udp("2001:db8:a::1", "2001:db8:b::1"), a, .deliver(vif: Fixture.tun), 64),
            ("vif to vif", Fixture.udp("2001:db8:b::1", "2001:db8:b:5::1"), tun, .deliver(vif: Fixture.service), 63),
            (
                "vif to us", Fixture.udp("2001:db8:b:5::1", "2001:db8:b::1"), .vif(Fixture.service),
                .deliver(vif: Fixture.tun), 64
            ),
            ("no route", Fixture.udp("2001:db8:a::1", "2001:db8:f::1"), a, .refuse(.noRoute, .noRoute), 64),
            (
                "hop limit 255", Fixture.udp("2001:db8:a::1", "2001:db8:c::1", hopLimit: 255), a,
                .send(link: Fixture.linkC), 254
            ),
        ]
        for (name, bytes, ingress, expected, hopLimit) in rows {
            let (verdict, after) = Fixture.decide(bytes, from: ingress, by: state)
            #expect(verdict == expected, "\(name)")
            var lowered = bytes
            lowered[7] = hopLimit
            #expect(after == lowered, "\(name): nothing else changes")
        }
    }

    @Test("C1: traceroute along a – b – c shows three hops: the local router, the middle one, the target")
    func traceroute() throws {
        // The three routers, each with its own prefix on vif 0; links 1 towards a's side, 2 towards c's side.
        func router(_ name: String, addresses: [String], toA: [String], toC: [String]) -> ForwardingState {
            var fixture = Fixture()
            fixture.routes = [("2001:db8:\(name)::/48", .vif(0))]
            fixture.routes +=
                toA.map { ("2001:db8:\($0)::/48", .link(1)) } + toC.map { ("2001:db8:\($0)::/48", .link(2)) }
            fixture.vifs = [VifFacts(index: 0, mtu: 1500, addresses: addresses.map(Fixture.address))]
            fixture.links = [LinkFacts(link: 1), LinkFacts(link: 2)]
            fixture.local = ["2001:db8:\(name)::/48"]
            return fixture.state()
        }
        let line = [
            router("a", addresses: ["2001:db8:a::1"], toA: [], toC: ["b", "c"]),
            // The middle one has no address at all: it speaks from its prefix.
            router("b", addresses: [], toA: ["a"], toC: ["c"]),
            router("c", addresses: ["2001:db8:c::1"], toA: ["a", "b"], toC: []),
        ]
        var hops: [String] = []
        for hopLimit in UInt8(1)...4 {
            var packet = Fixture.udp("2001:db8:a::1", "2001:db8:c::1", hopLimit: hopLimit)
            var place = 0
            var ingress = Ingress.vif(0)
            var isOver = false
            while !isOver {
                let (verdict, after) = Fixture.decide(packet, from: ingress, by: line[place])
                switch verdict {
                case .send(let link):
                    packet = after
                    place += link == 2 ? 1 : -1
                    ingress = .link(link == 2 ? 1 : 2)
                case .refuse:
                    var forwarder = Forwarder()
                    let answer = try #require(Fixture.answer(&forwarder, packet, from: ingress, by: line[place]))
                    packet = answer.packet
                    hops.append(IPv6Address(bytes: packet[8..<24])?.description ?? "")
                    // The error must find its way home through the routers before.
                    var back = answer.egress
                    while back != .vif(0) {
                        place -= 1
                        let (verdict, after) = Fixture.decide(packet, from: .link(2), by: line[place])
                        packet = after
                        if case .deliver = verdict { back = .vif(0) } else { #expect(verdict == .send(link: 1)) }
                    }
                    isOver = true
                case .deliver(let vif):
                    #expect(place == 2 && vif == 0)
                    hops.append("reached")
                    isOver = true
                case .drop(let reason):
                    Issue.record("dropped: \(reason)")
                    isOver = true
                }
            }
        }
        #expect(hops == ["2001:db8:a::1", "2001:db8:b::1", "reached", "reached"])
    }

    @Test("C1 (a), C18: a packet never returns to the peer that it came from, and its sender hears of the loop")
    func noReturn() throws {
        let state = Fixture().state()
        let bytes = Fixture.udp("2001:db8:a::1", "2001:db8:e0::1")
        let (verdict, after) = Fixture.decide(bytes, from: a, by: state)
        #expect(verdict == .refuse(.loop, .timeExceeded))
        #expect(after == bytes)
        var forwarder = Forwarder()
        #expect(try #require(Fixture.answer(&forwarder, bytes, from: a, by: state)).egress == a)
        // Into a tun that it came from neither: the kernel has no other way to that part of our prefix.
        let own = Fixture.udp("2001:db8:b::1", "2001:db8:b:77::1")
        #expect(Fixture.decide(own, from: tun, by: state).verdict == .refuse(.loop, .addressUnreachable))
        let answer = try #require(Fixture.answer(&forwarder, own, from: tun, by: state))
        #expect(answer.egress == tun && Array(answer.packet[40..<42]) == [1, 3])
    }

    @Test("C1 (a): a loop of three routers ends after at most 64 forwards")
    func ring() {
        var fixture = Fixture()
        fixture.routes = [("2001:db8:f::/48", .link(2)), ("2001:db8:a::/48", .link(1))]
        fixture.links = [LinkFacts(link: 1), LinkFacts(link: 2)]
        let state = fixture.state()
        var packet = Fixture.udp("2001:db8:a::1", "2001:db8:f::1", hopLimit: 64)
        var forwards = 0
        while forwards < 1000 {
            let (verdict, after) = Fixture.decide(packet, from: .link(1), by: state)
            packet = after
            guard case .send = verdict else {
                #expect(verdict == .refuse(.hopLimit, .timeExceeded))
                break
            }
            forwards += 1
        }
        #expect(forwards == 63)
    }

    // MARK: Size

    @Test("C2 (a), C19: a packet above the next link's MTU is answered with exactly that MTU, in at most 1280 bytes")
    func tooBig() throws {
        let state = Fixture().state()
        let bytes = Fixture.udp("2001:db8:a::1", "2001:db8:c::1", size: 1400)
        #expect(Fixture.decide(bytes, from: a, by: state).verdict == .refuse(.packetTooBig, .packetTooBig(mtu: 1300)))
        var forwarder = Forwarder()
        let answer = try #require(Fixture.answer(&forwarder, bytes, from: a, by: state))
        #expect(answer.packet.count == 1280 && answer.egress == a)
        #expect(Array(answer.packet[40..<42]) == [2, 0])
        #expect(Array(answer.packet[44..<48]) == [0, 0, 0x05, 0x14])
        for (size, fits) in [(1300, true), (1301, false)] {
            let bytes = Fixture.udp("2001:db8:a::1", "2001:db8:c::1", size: size)
            let verdict = Fixture.decide(bytes, from: a, by: state).verdict
            #expect((verdict == .send(link: Fixture.linkC)) == fits)
        }
        // Towards a vif as well, also for an address of ours.
        for target in ["2001:db8:b::1", "2001:db8:b::2"] {
            let bytes = Fixture.udp("2001:db8:a::1", target, size: 1501)
            #expect(
                Fixture.decide(bytes, from: a, by: state).verdict == .refuse(.packetTooBig, .packetTooBig(mtu: 1500)))
        }
    }

    @Test("C19: what is 1280 bytes or less is always carried, whatever a link says of itself")
    func minimum() {
        var fixture = Fixture()
        fixture.links[1].mtu = 600
        let state = fixture.state()
        let small = Fixture.udp("2001:db8:a::1", "2001:db8:c::1", size: 1280)
        #expect(Fixture.decide(small, from: a, by: state).verdict == .send(link: Fixture.linkC))
        let large = Fixture.udp("2001:db8:a::1", "2001:db8:c::1", size: 1281)
        #expect(Fixture.decide(large, from: a, by: state).verdict == .refuse(.packetTooBig, .packetTooBig(mtu: 1280)))
    }

    @Test("C2 (f): a link without a limit carries 9000 bytes, and the longest packet there is")
    func unlimited() {
        for size in [9000, 65_575] {
            let bytes = Fixture.udp("2001:db8:c::1", "2001:db8:a::1", size: size)
            #expect(Fixture.decide(bytes, from: c, by: Fixture().state()).verdict == .send(link: Fixture.linkA))
        }
    }

    @Test("C3, C20: fragments, atomic fragments and hop-by-hop options pass untouched but for the hop limit")
    func fragments() {
        let rows = [
            "6000000000182c4020010db8000a0000000000000000000120010db8000c00000000000000000001110005c80000cafe78787878787878787878787878787878",
            "6000000000102c4020010db8000a0000000000000000000120010db8000c00000000000000000001110000000000cafe7878787878787878",
            "6000000000080040 20010db8000a00000000000000000001 20010db8000c00000000000000000001 3b00050200000100",
        ]
        for row in rows {
            var bytes = Fixture.hex(row)
            let (verdict, after) = Fixture.decide(bytes, from: a, by: Fixture().state())
            #expect(verdict == .send(link: Fixture.linkC))
            bytes[7] = 63
            #expect(after == bytes)
        }
    }

    // MARK: Malformed packets and martians

    @Test("C5, C20, C21: what is no whole IPv6 packet is dropped with its reason, from every side")
    func malformed() {
        let header = "20010db8000a0000000000000000000120010db8000b00000000000000000001"
        let rows: [(String, String, DropReason)] = [
            ("a: empty", "", .malformed), ("b: 39 bytes", "6000000000003a40" + header.dropLast(2), .malformed),
            ("c: version 4", "4" + dying.dropFirst(), .notIPv6),
            ("an IPv4 packet", "4500001400000000400100000a0000010a000002", .notIPv6),
            ("d: length 1000", "6000000003e83a40" + header + "80008061123400016162636465666768", .malformed),
            ("length too short", "6000000000083a40" + header + "80008061123400016162636465666768", .malformed),
            ("jumbogram", "6000000000000040" + header + "3a00c20400000010" + "8000806112340001", .malformed),
        ]
        for (name, text, reason) in rows {
            for ingress in [tun, a, e] {
                #expect(
                    Fixture.decide(Fixture.hex(text), from: ingress, by: Fixture().state()).verdict == .drop(reason),
                    "\(name)")
            }
        }
    }

    @Test(
        "C5 (f–i), C15: addresses that no router carries are dropped without an error",
        arguments: ["ff02::1", "ff0e::1", "fe80::1", "febf::1", "::1", "::", "::ffff:10.0.0.1"])
    func martians(address: String) {
        var fixture = Fixture()
        fixture.routes.append(("::/0", .link(Fixture.linkC)))
        let state = fixture.state()
        for ingress in [tun, a] {
            let own = ingress == tun ? "2001:db8:b::1" : "2001:db8:a::1"
            #expect(
                Fixture.decide(Fixture.udp(address, "2001:db8:c::1"), from: ingress, by: state).verdict
                    == .drop(.martian))
            #expect(Fixture.decide(Fixture.udp(own, address), from: ingress, by: state).verdict == .drop(.martian))
            // C2 (c): however large.
            let large = Fixture.udp(own, address, size: 9000)
            #expect(Fixture.decide(large, from: ingress, by: state).verdict == .drop(.martian))
        }
    }
}

extension UInt8 {
    fileprivate init(hexDigit text: String) { self = UInt8(text, radix: 16) ?? 0 }
}
