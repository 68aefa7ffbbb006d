// The fixed header and what is refused before anything is believed (cases C3 and C5, fault C20), and the checksum.

import Routing
import Testing
import Wire

@Suite struct PacketHeaderTests {
    /// Case C1 (b): an echo request with hop limit 1.
    private let echo =
        "60000000 0010 3a 01 \(addressesAB) 8000 8061 1234 0001 6162636465666768"

    private func defect(_ bytes: [UInt8]) -> PacketDefect? {
        bytes.withUnsafeBytes { raw in
            do throws(PacketDefect) {
                _ = try IPv6Header(raw)
                return nil
            } catch {
                return error
            }
        }
    }

    @Test("Fields stand where RFC 8200 section 3 puts them")
    func fields() throws {
        try packet(echo).withUnsafeBytes { raw in
            let header = try IPv6Header(raw)
            #expect(header.payloadLength == 16 && header.packetLength == 56)
            #expect(header.nextHeader == NextHeader.icmpv6 && header.hopLimit == 1)
            #expect(header.source == (try IPv6Address(parsing: "2001:db8:a::1")))
            #expect(header.destination == (try IPv6Address(parsing: "2001:db8:b::1")))
        }
    }

    @Test(
        "C5, C20: what is no whole IPv6 packet is refused by name",
        arguments: [
            ("empty", "", .short),
            ("39 bytes", "60000000 0000 3a 40 20010db8000a00000000000000000001 20010db8000b000000000000000000", .short),
            ("one byte", "60", .short),
            ("version 4, whole", "45000000 0010 3a 01 \(addressesAB) 8000806112340001 6162636465666768", .notIPv6),
            ("version 4, one byte", "45", .notIPv6),
            ("version 0", "00000000 0000 3b 40 \(addressesAB)", .notIPv6),
            ("version 15", "f0000000 0000 3b 40 \(addressesAB)", .notIPv6),
            (
                "length 1000 in 56 bytes", "60000000 03e8 3a 40 \(addressesAB) 8000806112340001 6162636465666768",
                .lengthMismatch
            ),
            ("one byte too many", "60000000 0000 3b 40 \(addressesAB) 00", .lengthMismatch),
            ("one byte too few", "60000000 0002 3b 40 \(addressesAB) 00", .lengthMismatch),
            ("jumbogram", "60000000 0000 00 40 \(addressesAB) 3a00c20400000010 8000806112340001", .jumbogram),
            ("no payload", "60000000 0000 3b 40 \(addressesAB)", nil),
            ("hop-by-hop cut off: no matter to a router", "60000000 0000 00 40 \(addressesAB)", nil),
            (
                "C3: a later fragment",
                "60000000 0018 2c 40 \(addressesAB) 110005c80000cafe 78787878787878787878787878787878", nil
            ),
        ] as [(String, String, PacketDefect?)])
    func refusal(name: String, hex: String, expected: PacketDefect?) {
        #expect(defect(packet(hex)) == expected, "\(name)")
    }

    @Test("A 65,575-byte packet, the longest there is, passes; one byte more cannot be said")
    func longest() {
        var bytes = packet("60000000 ffff 3b 40 \(addressesAB)") + [UInt8](repeating: 0, count: 65_535)
        #expect(defect(bytes) == nil)
        bytes.append(0)
        #expect(defect(bytes) == .lengthMismatch)
    }

    @Test(
        "RFC 1071: sums of the memorandum's example, of odd lengths and of carries",
        arguments: [
            ("0001 f203 f4f5 f6f7", 0x220d), ("", 0xffff), ("01", 0xfeff), ("ffff", 0), ("ffff 0001", 0xfffe),
            ("ffffffff ffffffff ffffffff", 0), ("0001 02", 0xfdfe), ("00000000 00ff 01", 0xfe00),
        ] as [(String, UInt16)])
    func checksum(hex: String, value: UInt16) {
        var sum = InternetChecksum()
        packet(hex).withUnsafeBytes { sum.add($0) }
        #expect(sum.value == value)
    }

    @Test("RFC 8200 section 8.1: over a right packet and its pseudo-header the sum is 0")
    func pseudoHeader() throws {
        let bytes = packet(echo)
        try bytes.withUnsafeBytes { raw in
            let header = try IPv6Header(raw)
            var sum = InternetChecksum()
            sum.addPseudoHeader(
                source: header.source, destination: header.destination, length: 16, nextHeader: header.nextHeader)
            sum.add(UnsafeRawBufferPointer(rebasing: raw[40...]))
            #expect(sum.value == 0)
        }
    }

    @Test("Oracle: the checksum agrees with adding 16-bit words one by one")
    func checksumOracle() {
        var generator = SystemRandomNumberGenerator()
        for length in 0..<600 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            var naive: UInt32 = 0
            for index in bytes.indices {
                naive += UInt32(bytes[index]) << (index % 2 == 0 ? 8 : 0)
                if naive > 0xffff { naive -= 0xffff }
            }
            var sum = InternetChecksum()
            bytes.withUnsafeBytes { sum.add($0) }
            // Zero has two spellings in one's complement.
            let expected = ~UInt16(naive)
            #expect(sum.value == expected || Set([sum.value, expected]) == [0, 0xffff], "\(bytes)")
        }
    }

    @Test(
        "The header chain is walked to its end, at most eight headers far",
        arguments: [
            ("ICMPv6 at once", 58, "80", .icmpv6(type: 128)),
            ("ICMPv6 without a type", 58, "", .unknown),
            ("TCP", 6, "00", .other), ("no next header", 59, "", .other),
            ("ESP hides what it carries", 50, "00", .other),
            ("hop-by-hop, then an error", 0, "3a00010400000000 01", .icmpv6(type: 1)),
            ("options of 16 bytes", 60, "3a01010c00000000 0000000000000000 80", .icmpv6(type: 128)),
            (
                "authentication of 24 bytes", 51, "3a04000000000000 0000000000000000 0000000000000000 03",
                .icmpv6(type: 3)
            ),
            ("atomic fragment", 44, "3a00000000000001 02", .icmpv6(type: 2)),
            ("first fragment", 44, "3a00000100000001 80", .icmpv6(type: 128)),
            ("later fragment", 44, "3a00000800000001 80", .laterFragment),
            ("later fragment, high offset", 44, "3a00010000000001 80", .laterFragment),
            ("first fragment, short", 44, "3a000001", .unknown),
            ("options to the packet's end", 60, "0600010400000000", .other),
            ("options cut", 60, "3a", .unknown), ("options claim more", 60, "3aff010400000000 80", .unknown),
            (
                "eight headers", 60, String(repeating: "3c00010400000000", count: 7) + "3a00010400000000 80",
                .icmpv6(type: 128)
            ),
            ("nine headers", 60, String(repeating: "3c00010400000000", count: 8) + "3a00010400000000 80", .unknown),
        ] as [(String, UInt8, String, UpperLayer)])
    func chain(name: String, first: UInt8, rest: String, expected: UpperLayer) {
        var bytes = packet("60000000 0000 00 40 \(addressesAB)") + packet(rest)
        bytes[6] = first
        bytes[5] = UInt8(bytes.count - 40)
        bytes.withUnsafeBytes { #expect(UpperLayer($0) == expected, "\(name)") }
    }
}
