// The forwarder against a slow one that is written from the rules alone, and against bytes that are no packets.

import Glibc
import Mesh
import Routing
import Testing
import Wire

private typealias Fixture = ForwardingFixture

/// SplitMix64. The seed is printed; VMESH_TEST_SEED in the environment gives a run again.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    static func seed(for test: String) -> UInt64 {
        var seed = UInt64.random(in: 0...UInt64.max)
        if let text = getenv("VMESH_TEST_SEED"), let value = UInt64(String(cString: text)) { seed = value }
        print("\(test): VMESH_TEST_SEED=\(seed)")
        return seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z &>> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z &>> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z &>> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: (next() &>> 33) % UInt64(bound)) }
}

/// The rules, one by one, over lists.
private struct NaiveForwarder {
    let fixture: Fixture
    let routes: [(prefix: Prefix, hop: NextHop)]
    let local: [Prefix]
    let own: [(address: IPv6Address, vif: Int)]

    init(_ fixture: Fixture) {
        self.fixture = fixture
        // Longest first.
        routes = fixture.routes.map { (Fixture.prefix($0.0), $0.1) }.sorted { $0.prefix.length > $1.prefix.length }
        local = fixture.local.map(Fixture.prefix)
        own = fixture.vifs.flatMap { vif in vif.addresses.map { ($0, vif.index) } }
    }

    private static func isMartian(_ bytes: ArraySlice<UInt8>) -> Bool {
        let bytes = Array(bytes)
        return bytes[0] == 0xff || (bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80)
            || (bytes[..<15].allSatisfy { $0 == 0 } && bytes[15] <= 1)
            || (bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff)
    }

    private func route(_ address: IPv6Address) -> NextHop? { routes.first { $0.prefix.contains(address) }?.hop }

    func decide(_ packet: [UInt8], from ingress: Ingress) -> Verdict {
        if let first = packet.first, first >> 4 != 6 { return .drop(.notIPv6) }
        if packet.count < 40 || Int(packet[4]) << 8 | Int(packet[5]) != packet.count - 40 { return .drop(.malformed) }
        if Self.isMartian(packet[8..<24]) || Self.isMartian(packet[24..<40]) { return .drop(.martian) }
        guard let source = IPv6Address(bytes: packet[8..<24]), let target = IPv6Address(bytes: packet[24..<40]) else {
            return .drop(.malformed)
        }
        if packet[7] == 0 { return .drop(.hopLimit) }
        let isLocal = local.contains { $0.contains(source) } || own.contains { $0.address == source }
        switch ingress {
        case .vif: if !isLocal { return .refuse(.sourceRejected, .sourcePolicy) }
        case .link(let number):
            if isLocal { return .drop(.sourceRejected) }
            guard let link = fixture.links.first(where: { $0.link == number }) else { return .drop(.channelDown) }
            let isPermitted =
                link.permittedSources.map { $0.contains { $0.contains(source) } } ?? (route(source) != nil)
            if !isPermitted { return .drop(.sourceRejected) }
        }
        var mtu = 0
        var verdict = Verdict.drop(.noRoute)
        var isForward = true
        switch route(target)?.kind {
        case nil, .discard: return .refuse(.noRoute, .noRoute)
        case .vif(let index):
            if ingress == .vif(index) { return .refuse(.loop, .addressUnreachable) }
            guard let vif = fixture.vifs.first(where: { $0.index == index && $0.isUp }) else {
                return .refuse(.vifDown, .addressUnreachable)
            }
            mtu = vif.mtu
            verdict = .deliver(vif: index)
            isForward = !own.contains { $0.address == target && $0.vif == index }
        case .link(let number):
            if ingress == .link(number) { return .refuse(.loop, .timeExceeded) }
            guard let link = fixture.links.first(where: { $0.link == number }) else { return .drop(.channelDown) }
            mtu = link.mtu
            verdict = .send(link: number)
        }
        if isForward && packet[7] == 1 { return .refuse(.hopLimit, .timeExceeded) }
        if mtu > 0 && packet.count > max(mtu, 1280) {
            return .refuse(.packetTooBig, .packetTooBig(mtu: max(mtu, 1280)))
        }
        return verdict
    }
}

@Suite struct ForwardingOracleTests {
    private let ingresses: [Ingress] =
        [Fixture.tun, Fixture.service, Fixture.down, 99, -1].map(Ingress.vif)
        + [Fixture.linkA, Fixture.linkC, Fixture.linkE, 9, 0x3fff_ffff].map(Ingress.link)

    @Test(
        "Oracle: 100,000 packets that are nearly right get the verdict of the rules, and lose a hop only when forwarded"
    )
    func oracle() {
        let seed = SplitMix.seed(for: "Forwarding oracle")
        var random = SplitMix(state: seed)
        let fixture = Fixture()
        let naive = NaiveForwarder(fixture)
        let state = fixture.state()
        let addresses = [
            "2001:db8:b::1", "2001:db8:b::2", "2001:db8:b:5::1", "2001:db8:b:6::1", "2001:db8:b:d::1", "2001:db8:a::1",
            "2001:db8:c::1", "2001:db8:e::1", "2001:db8:e0::1", "2001:db8:9::1", "2001:db8:f::1", "fe80::1", "ff02::1",
            "::1", "::",
            "::ffff:1.2.3.4",
        ].map(Fixture.address)
        let sizes = [40, 41, 60, 60, 60, 1280, 1281, 1300, 1301, 1400, 1401, 1500, 1501]
        var seen: Set<Verdict> = []
        var failures = 0
        for turn in 0..<100_000 where failures < 5 {
            // Mostly from the front of the list, where the addresses are good.
            let source = addresses[min(random.below(16), random.below(16))]
            let target = addresses[min(random.below(16), random.below(16))]
            let size = sizes[random.below(sizes.count)]
            let hopLimit = [0, 1, 2, 64, 255][random.below(5)]
            var packet = [0x60, 0, 0, 0, UInt8((size - 40) >> 8), UInt8((size - 40) & 0xff), 17, UInt8(hopLimit)]
            packet += source.bytes + target.bytes
            packet += [UInt8](repeating: 0x55, count: size - 40)
            if random.below(20) == 0 { packet[random.below(40)] = UInt8(truncatingIfNeeded: random.next()) }
            if random.below(40) == 0 { packet.removeLast(random.below(packet.count)) }
            let ingress = ingresses[random.below(ingresses.count)]
            let (verdict, after) = Fixture.decide(packet, from: ingress, by: state)
            let expected = naive.decide(packet, from: ingress)
            seen.insert(verdict)
            var changed = packet
            switch verdict {
            case .send: changed[7] -= 1
            case .deliver(let vif):
                // By the bytes that were sent: a bent byte may have made another address ours.
                if !(vif == Fixture.tun && packet[24..<40] == addresses[0].bytes[...]) { changed[7] -= 1 }
            case .drop, .refuse: break
            }
            if verdict != expected || after != changed {
                failures += 1
                Issue.record(
                    "seed \(seed), turn \(turn), from \(ingress): \(verdict), not \(expected): \(packet.prefix(40))")
            }
        }
        // The run is worth something only if it saw every kind of outcome.
        #expect(seen.count >= 17, "\(seen)")
    }

    @Test("C20, D15: any bytes at all get a verdict, and an answer that keeps RFC 4443's rules; nothing traps")
    func anything() {
        let seed = SplitMix.seed(for: "Forwarding anything")
        var random = SplitMix(state: seed)
        let state = Fixture().state()
        var forwarder = Forwarder(errorsPerSecond: 1_000_000, errorBurst: 1_000_000)
        var buffer = [UInt8](repeating: 0, count: ICMPv6Error.largest)
        var answers = 0
        let headers: [UInt8] = [0, 43, 44, 51, 58, 60, 135, 59, 17]
        for turn in 0..<60_000 {
            let count = random.below(turn % 3 == 0 ? 48 : 120)
            var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() &>> 56) }
            // Most of them get past the header, with a wild chain of extension headers behind it.
            if count >= 40, turn % 4 != 0 {
                let header = Fixture.udp(
                    "2001:db8:a::1", turn % 2 == 0 ? "2001:db8:f::1" : "2001:db8:c::1", hopLimit: 1, size: count)
                bytes.replaceSubrange(..<40, with: header[..<40])
                bytes[6] = headers[random.below(headers.count)]
                var offset = 40
                while offset + 8 <= count {
                    bytes[offset] = headers[random.below(headers.count)]
                    if random.below(4) > 0 { bytes[offset + 1] = UInt8(random.below(2)) }
                    offset += 8
                }
            }
            let ingress = ingresses[random.below(ingresses.count)]
            // In memory of exactly their size, so that a sanitizer sees every byte read beyond it.
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
            memory.copyBytes(from: bytes)
            let verdict = Forwarder.decide(memory, from: ingress, by: state.table)
            if case .refuse(_, let error) = verdict {
                let answer = buffer.withUnsafeMutableBytes {
                    forwarder.answer(
                        UnsafeRawBufferPointer(memory), with: error, from: ingress, by: state.table,
                        at: Instant(microseconds: Int64(turn)), into: $0)
                }
                if let answer {
                    answers += 1
                    let isWell =
                        answer.length == min(1280, 48 + count) && buffer[40] < 128
                        && Array(buffer[48..<answer.length]) == bytes
                    if !isWell { Issue.record("seed \(seed), turn \(turn): a bad answer to \(bytes)") }
                }
            }
            memory.deallocate()
        }
        #expect(answers > 1_000)
    }

    @Test("Facts with many links and prefixes answer as facts with one")
    func many() {
        var fixture = Fixture()
        // Link numbers that collide in a table of any size, and local prefixes enough for a search.
        for index in 0..<500 {
            let number = UInt32(index + 10) << 12
            fixture.links.append(LinkFacts(link: number, mtu: 1280 + index))
            fixture.routes.append(("2001:db9:\(String(index, radix: 16))::/48", .link(number)))
            fixture.local.append("2001:dba:\(String(index * 2, radix: 16))::/48")
            fixture.routes.append(("2001:dba:\(String(index * 2, radix: 16))::/48", .vif(Fixture.tun)))
        }
        let state = fixture.state()
        for index in 0..<500 {
            let number = UInt32(index + 10) << 12
            let target = "2001:db9:\(String(index, radix: 16))::1"
            let mtu = 1280 + index
            let fits = Fixture.udp("2001:db8:a::1", target, size: mtu)
            #expect(Fixture.decide(fits, from: .link(1), by: state).verdict == .send(link: number))
            let large = Fixture.udp("2001:db8:a::1", target, size: mtu + 1)
            #expect(
                Fixture.decide(large, from: .link(1), by: state).verdict
                    == .refuse(.packetTooBig, .packetTooBig(mtu: mtu)))
            let mine = Fixture.udp("2001:dba:\(String(index * 2, radix: 16)):ffff::1", "2001:db8:c::1")
            #expect(Fixture.decide(mine, from: .vif(0), by: state).verdict == .send(link: Fixture.linkC))
            #expect(Fixture.decide(mine, from: .link(1), by: state).verdict == .drop(.sourceRejected))
            let other = Fixture.udp("2001:dba:\(String(index * 2 + 1, radix: 16))::1", "2001:db8:c::1")
            #expect(Fixture.decide(other, from: .vif(0), by: state).verdict == .refuse(.sourceRejected, .sourcePolicy))
        }
    }
}
