// ICMPv6 errors: their bytes, their size, and the packets that must not be answered (RFC 4443, fault C22, case C3).

import Routing
import Testing
import Wire

@Suite struct PacketErrorTests {
    private let router = IPv6Address(high: 0x2001_0db8_000c_0000, low: 1)

    private func error(_ error: ICMPv6Error, about bytes: [UInt8]) -> [UInt8] {
        var buffer = [UInt8](repeating: 0xee, count: 1500)
        let count = bytes.withUnsafeBytes { packet in
            buffer.withUnsafeMutableBytes { error.write(about: packet, from: router, into: $0) }
        }
        #expect(buffer[count...].allSatisfy { $0 == 0xee })
        return Array(buffer[..<count])
    }

    private func isSumRight(_ bytes: [UInt8]) throws -> Bool {
        try bytes.withUnsafeBytes { raw in
            let header = try IPv6Header(raw)
            var sum = InternetChecksum()
            sum.addPseudoHeader(
                source: header.source, destination: header.destination, length: header.payloadLength, nextHeader: 58)
            sum.add(UnsafeRawBufferPointer(rebasing: raw[40...]))
            return sum.value == 0
        }
    }

    @Test("C1 (b): Time Exceeded quotes the packet as it came")
    func golden() throws {
        let offender = "60000000 0010 3a 01 \(addressesAB) 8000 8061 1234 0001 6162636465666768"
        let expected = packet(
            """
            60000000 0040 3a 40 20010db8000c00000000000000000001 20010db8000a00000000000000000001
            03 00 ffff 00000000
            \(offender)
            """)
        var actual = error(.timeExceeded, about: packet(offender))
        #expect(try isSumRight(actual))
        actual[42] = 0xff
        actual[43] = 0xff
        #expect(actual == expected)
    }

    @Test(
        "Types and codes of RFC 4443 section 3",
        arguments: [
            (.noRoute, "0100", 0), (.prohibited, "0101", 0), (.addressUnreachable, "0103", 0),
            (.sourcePolicy, "0105", 0),
            (.timeExceeded, "0300", 0), (.packetTooBig(mtu: 1300), "0200", 1300),
            (.packetTooBig(mtu: 9000), "0200", 9000),
            // Section 3.2 with RFC 8200 section 5: no link carries less.
            (.packetTooBig(mtu: 600), "0200", 1280), (.packetTooBig(mtu: 1280), "0200", 1280),
        ] as [(ICMPv6Error, String, Int)])
    func types(kind: ICMPv6Error, typeAndCode: String, parameter: Int) {
        let bytes = error(kind, about: packet("60000000 0000 3b 40 \(addressesAB)"))
        #expect(Array(bytes[40..<42]) == packet(typeAndCode))
        #expect(bytes[44..<48].reduce(0) { $0 << 8 | Int($1) } == parameter)
    }

    @Test(
        "Section 2.4 (c): as much of the packet as fits in 1280 bytes",
        arguments: [0, 1, 1191, 1192, 1193, 8960, 65_535])
    func quote(payload: Int) throws {
        let offender =
            packet("60000000") + [UInt8(payload >> 8), UInt8(payload & 0xff)] + packet("3b 40 \(addressesAB)")
            + (0..<payload).map { UInt8(truncatingIfNeeded: $0) }
        let bytes = error(.packetTooBig(mtu: 1300), about: offender)
        #expect(bytes.count == min(1280, 48 + 40 + payload))
        #expect(Array(bytes[48...]) == Array(offender[..<(bytes.count - 48)]))
        #expect(try isSumRight(bytes))
    }

    @Test("Nothing is written about what is no packet, nor into a buffer that is too small")
    func nothing() {
        #expect(error(.noRoute, about: packet("6000")).isEmpty)
        var small = [UInt8](repeating: 0, count: 1279)
        let count = packet("60000000 0000 3b 40 \(addressesAB)").withUnsafeBytes { packet in
            small.withUnsafeMutableBytes { ICMPv6Error.noRoute.write(about: packet, from: router, into: $0) }
        }
        #expect(count == 0)
    }

    /// Header of a packet with this next header and destination, and what follows it.
    private func offender(_ next: String, _ rest: String, source: String? = nil, destination: String? = nil) -> [UInt8]
    {
        let body = packet(rest)
        let from = source ?? "20010db8000a00000000000000000001"
        let to = destination ?? "20010db8000b00000000000000000001"
        return packet("60000000 00") + [UInt8(body.count)] + packet(next + "40" + from + to) + body
    }

    @Test("C22: RFC 4443 section 2.4 (e) and case C3: who is answered")
    func rules() {
        let multicast = "ff0e0000000000000000000000000001"
        let unspecified = "00000000000000000000000000000000"
        let rows: [(name: String, packet: [UInt8], unreachable: Bool, exceeded: Bool, tooBig: Bool)] = [
            ("UDP", offender("11", "0001000200080000"), true, true, true),
            ("echo request", offender("3a", "8000000000000000"), true, true, true),
            ("e.1: an error", offender("3a", "0100000000000000"), false, false, false),
            ("e.1: an unknown error", offender("3a", "7f00000000000000"), false, false, false),
            ("e.1: an error behind options", offender("3c", "3a00010400000000 0300000000000000"), false, false, false),
            ("e.1: an error in an atomic fragment", offender("2c", "3a00000000000001 0300"), false, false, false),
            ("e.2: a redirect", offender("3a", "8900000000000000"), false, false, false),
            ("e.3: to multicast", offender("11", "00", destination: multicast), false, false, true),
            ("e.6: from unspecified", offender("11", "00", source: unspecified), false, false, false),
            ("e.6: from multicast", offender("11", "00", source: multicast), false, false, false),
            ("C3: a later fragment", offender("2c", "110005c80000cafe 7878"), false, true, true),
            ("a first fragment", offender("2c", "110000010000cafe 7878"), true, true, true),
            ("a chain that is cut", offender("3c", "3a"), false, false, false),
            ("an ICMPv6 header that is cut", offender("3a", ""), false, false, false),
            ("no packet", packet("60"), false, false, false),
        ]
        for row in rows {
            row.packet.withUnsafeBytes { raw in
                for error in [ICMPv6Error.noRoute, .prohibited, .addressUnreachable, .sourcePolicy] {
                    #expect(error.mayAnswer(raw) == row.unreachable, "\(row.name), \(error)")
                }
                #expect(ICMPv6Error.timeExceeded.mayAnswer(raw) == row.exceeded, "\(row.name)")
                #expect(ICMPv6Error.packetTooBig(mtu: 1300).mayAnswer(raw) == row.tooBig, "\(row.name)")
            }
        }
    }
}
