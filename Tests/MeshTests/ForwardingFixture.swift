// A node b between its peers a, c and e, for the forwarding tests: tables, packets, and one call that asks the forwarder.

import Mesh
import Routing
import Testing
import Wire

/// Node b. It announces 2001:db8:b::/48 on vif 0, parts of it on other vifs, and one part nowhere.
struct ForwardingFixture {
    static let tun = 0
    static let service = 1
    static let down = 2
    static let linkA: UInt32 = 1
    static let linkC: UInt32 = 2
    static let linkE: UInt32 = 3

    var routes: [(String, NextHop)] = [
        ("2001:db8:b::/48", .vif(tun)), ("2001:db8:b:5::/64", .vif(service)), ("2001:db8:b:6::/64", .vif(down)),
        ("2001:db8:b:d::/64", .discard),
        ("2001:db8:a::/48", .link(linkA)), ("2001:db8:c::/48", .link(linkC)), ("2001:db8:e::/48", .link(linkE)),
        ("2001:db8:e0::/48", .link(linkA)), ("2001:db8:9::/48", .link(9)),
    ]
    var vifs = [
        VifFacts(index: tun, mtu: 1500, addresses: ["fe80::1", "2001:db8:b::1"].map(address)),
        VifFacts(index: service, mtu: 1400), VifFacts(index: down, mtu: 1500, isUp: false),
    ]
    var links = [
        LinkFacts(link: linkA), LinkFacts(link: linkC, mtu: 1300),
        LinkFacts(link: linkE, permittedSources: ["2001:db8:e::/48", "2001:db8:e0::/48"].map(prefix)),
    ]
    var local = ["2001:db8:b::/48", "2001:db8:b:5::/64", "2001:db8:b:6::/64", "2001:db8:b:d::/64"]
    var checksSources = true

    func state() -> ForwardingState {
        var fib = FIB()
        for (text, hop) in routes { fib.insert(Self.prefix(text), hop) }
        let facts = ForwardingFacts(
            vifs: vifs, links: links, localPrefixes: local.map(Self.prefix), checksSources: checksSources)
        return ForwardingState(fib: fib.publish(), facts: facts)
    }

    /// The verdict on a packet that lies in memory of exactly its size, and the packet afterwards.
    static func decide(
        _ bytes: [UInt8], from ingress: Ingress, by state: ForwardingState
    ) -> (verdict: Verdict, packet: [UInt8]) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: bytes)
        let verdict = Forwarder.decide(memory, from: ingress, by: state.table)
        return (verdict, Array(memory))
    }

    /// The error that the verdict on a packet leads to.
    static func answer(
        _ forwarder: inout Forwarder, _ bytes: [UInt8], from ingress: Ingress, by state: ForwardingState,
        at now: Instant = Instant(microseconds: 0)
    ) -> (packet: [UInt8], egress: Ingress)? {
        guard case .refuse(_, let error) = decide(bytes, from: ingress, by: state).verdict else { return nil }
        var buffer = [UInt8](repeating: 0, count: ICMPv6Error.largest)
        let answer = bytes.withUnsafeBytes { packet in
            buffer.withUnsafeMutableBytes {
                forwarder.answer(packet, with: error, from: ingress, by: state.table, at: now, into: $0)
            }
        }
        return answer.map { (Array(buffer[..<$0.length]), $0.egress) }
    }

    /// A UDP packet of `size` bytes in all.
    static func udp(_ source: String, _ destination: String, hopLimit: UInt8 = 64, size: Int = 60) -> [UInt8] {
        let payload = size - 40
        return [0x60, 0, 0, 0, UInt8(payload >> 8), UInt8(payload & 0xff), 17, hopLimit]
            + address(source).bytes + address(destination).bytes + [UInt8](repeating: 0x55, count: payload)
    }

    static func hex(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    static func address(_ text: String) -> IPv6Address {
        do { return try IPv6Address(parsing: text) } catch {
            Issue.record("\(text): \(error)")
            return IPv6Address(high: 0, low: 0)
        }
    }

    static func prefix(_ text: String) -> Prefix {
        do { return try Prefix(parsing: text) } catch {
            Issue.record("\(text): \(error)")
            return Prefix(masking: IPv6Address(high: 0, low: 0), length: 128).unsafelyUnwrapped
        }
    }
}
