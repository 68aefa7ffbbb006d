// The text of addresses: RFC 4291 section 2.2 in, RFC 5952 out, held against the C library's own reader and writer.

import Glibc
import Routing
import Testing

@Suite struct IPv6AddressTests {
    @Test(
        "RFC 4291 section 2.2: every spelling is read; RFC 5952 section 4: one is written",
        arguments: [
            ("2001:0DB8:0:0:0:0:0:0", "2001:db8::"),
            ("ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"),
            ("2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"),
            ("2001:DB8::8:800:200C:417A", "2001:db8::8:800:200c:417a"),
            ("FF01::101", "ff01::101"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("0:0:0:0:0:0:0:0", "::"),
            ("::", "::"),
            ("1::", "1::"),
            ("::1", "::1"),
            ("0000:0000::0000", "::"),
            ("::13.1.68.3", "::d01:4403"),
            ("0:0:0:0:0:0:13.1.68.3", "::d01:4403"),
            ("::ffff:129.144.52.38", "::ffff:129.144.52.38"),
            ("::FFFF:8190:3426", "::ffff:129.144.52.38"),
            ("::ffff:0:0", "::ffff:0.0.0.0"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
            ("1:2:3:4:5:6:77.77.88.88", "1:2:3:4:5:6:4d4d:5858"),
            // RFC 5952 section 4.2.2: one group of zeros is not shortened.
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            // Section 4.2.3: the longest run, of equals the first.
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("1:0:0:2:3:4:0:0", "1::2:3:4:0:0"),
            ("0:0:1:2:3:4:5:6", "::1:2:3:4:5:6"),
            ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"),
            ("0:1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7"),
            ("1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"),
            ("::ffff:0:1.2.3.4", "::ffff:0:102:304"),
        ])
    func spelling(text: String, canonical: String) throws {
        let address = try IPv6Address(parsing: text)
        #expect(address.description == canonical)
        #expect(try IPv6Address(parsing: canonical) == address)
        #expect(IPv6Address(bytes: address.bytes) == address)
    }

    @Test(
        "What is no address is refused by name",
        arguments: [
            ("", .empty), (" ", .whiteSpace), (" 2001:db8::", .whiteSpace), ("2001:db8::\t", .whiteSpace),
            ("2001:db8:: ", .whiteSpace), ("2001: db8::", .whiteSpace), ("fe80::%eth0", .zone),
            ("fe80::1%1", .zone), ("::1.2.3.4%1", .zone), ("[2001:db8::]", .bracket), ("2001:db8::]", .bracket),
            (":", .emptyGroup), (":1", .emptyGroup), ("1:", .emptyGroup), ("1:2:3:4:5:6:7:", .emptyGroup),
            (":1::", .emptyGroup), ("1::2:", .emptyGroup), ("2001:db8:::", .tripleColon), (":::", .tripleColon),
            (":::1", .tripleColon), ("1:::2", .tripleColon), ("1::2:::3", .tripleColon), ("1::2::3", .twoGaps),
            ("::1::", .twoGaps), ("12345::", .groupTooLong), ("::00001", .groupTooLong),
            ("1:2:3:4:5:6:7:8:9", .tooManyGroups), ("1:2:3:4:5:6:7:8::", .tooManyGroups),
            ("::1:2:3:4:5:6:7:8", .tooManyGroups), ("1:2:3:4::5:6:7:8", .tooManyGroups),
            ("1:2:3:4:5:6:7:1.2.3.4", .tooManyGroups), ("1:2:3:4:5:6::1.2.3.4", .tooManyGroups),
            ("1:2:3:4:5:6:7", .tooFewGroups), ("1", .tooFewGroups), ("1:2:3:4:5:1.2.3.4", .tooFewGroups),
            ("10.0.0.1", .ipv4), ("::1.2.3", .embeddedIPv4), ("::1.2.3.4.5", .embeddedIPv4),
            ("::1.2.3.256", .embeddedIPv4), ("::1.2.3.04", .embeddedIPv4), ("::1.2..4", .embeddedIPv4),
            ("::1.2.3.", .embeddedIPv4), ("::1.2.3.4:5", .embeddedIPv4), ("::a.2.3.4", .embeddedIPv4),
            ("::1.2.3.99999999999999999999", .embeddedIPv4), ("g::", .character(0x67)), ("::/64", .character(0x2f)),
            ("::-1", .character(0x2d)), ("::+1", .character(0x2b)), ("0x1::", .character(0x78)),
            ("::1\u{0}", .character(0)), ("２001::", .character(0xef)), (".1.2.3", .ipv4), ("::.1.2.3", .embeddedIPv4),
        ] as [(String, AddressError)])
    func refusal(text: String, error: AddressError) {
        #expect(throws: error) { try IPv6Address(parsing: text) }
        #expect(!error.description.isEmpty)
    }

    @Test("A part of a longer text is read by its own bounds")
    func substring() throws {
        let text = "addr=2001:db8::1;"
        let part = text.dropFirst(5).dropLast()
        #expect(try IPv6Address(parsing: part) == IPv6Address(high: 0x2001_0db8_0000_0000, low: 1))
    }

    @Test(
        "RFC 4291 section 2.4: kinds of address, each at both edges of its block",
        arguments: [
            ("::", "unspecified"), ("::1", "loopback"), ("::2", ""), ("::fffe:ffff:ffff", ""), ("::ffff:0:0", "mapped"),
            ("::ffff:ffff:ffff", "mapped"), ("::1:0:0:0", ""), ("fe7f:ffff::", ""), ("fe80::", "linkLocal"),
            ("febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "linkLocal"), ("fec0::", ""), ("feff:ffff::1", ""),
            ("ff00::", "multicast"), ("ff02::1", "multicast"), ("ffff::", "multicast"), ("2001:db8::1", ""),
        ])
    func kinds(text: String, kind: String) throws {
        let address = try IPv6Address(parsing: text)
        #expect(address.isUnspecified == (kind == "unspecified"))
        #expect(address.isLoopback == (kind == "loopback"))
        #expect(address.isV4Mapped == (kind == "mapped"))
        #expect(address.isLinkLocal == (kind == "linkLocal"))
        #expect(address.isMulticast == (kind == "multicast"))
        #expect(address.isForwardable == kind.isEmpty)
    }

    @Test("Sixteen bytes are an address, any other count is not")
    func bytes() {
        #expect(IPv6Address(bytes: [UInt8](repeating: 1, count: 15)) == nil)
        #expect(IPv6Address(bytes: [UInt8](repeating: 1, count: 17)) == nil)
        #expect(IPv6Address(bytes: 0..<16) == IPv6Address(high: 0x0001_0203_0405_0607, low: 0x0809_0a0b_0c0d_0e0f))
    }

    @Test("Oracle: a million random addresses written and read as the C library does")
    func oracle() {
        var random = RandomSource(seed: RandomSource.seed(for: "IPv6Address against inet_ntop"))
        var failures = 0
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { ours in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { theirs in
                guard let our = ours.baseAddress, let their = theirs.baseAddress else { return }
                for _ in 0..<500_000 where failures < 5 {
                    let address = sparse(&random)
                    let count = address.write(into: ours)
                    var raw = (address.high.bigEndian, address.low.bigEndian)
                    inet_ntop(AF_INET6, &raw, their, 64)
                    // The C library writes the deprecated IPv4-compatible block with a dotted quad; RFC 5952 does not.
                    let isCompatible = address.high == 0 && address.low &>> 32 == 0 && address.low &>> 16 != 0
                    if !isCompatible, memcmp(our, their, count) != 0 || theirs[count] != 0 {
                        failures += 1
                        Issue.record("\(address) is not \(String(cString: their))")
                    }
                    // Their text is read by us: ours is the same but for the compatible block.
                    let length = strlen(their)
                    let text = UnsafeRawBufferPointer(theirs)[..<length]
                    let back = text.withMemoryRebound(to: UInt8.self) { try? IPv6Address(utf8: $0) }
                    if back != address {
                        failures += 1
                        Issue.record("\(address) comes back as \(String(describing: back))")
                    }
                }
            }
        }
    }

    @Test("Oracle: what is read from a damaged text is what inet_pton reads, and what it refuses is refused")
    func damaged() {
        var random = RandomSource(seed: RandomSource.seed(for: "IPv6Address against inet_pton"))
        let alphabet = Array("0123456789abcdefABCDEF::::....%/[] gx-+".utf8)
        var failures = 0
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { text in
            for _ in 0..<150_000 where failures < 5 {
                let address = sparse(&random)
                var count = address.write(into: text)
                for _ in 0...random.below(2) where count > 0 {
                    let place = random.below(count)
                    if random.below(3) == 0 {
                        for index in place..<(count - 1) { text[index] = text[index + 1] }
                        count -= 1
                    } else {
                        text[place] = alphabet[random.below(alphabet.count)]
                    }
                }
                text[count] = 0
                var raw: (UInt64, UInt64) = (0, 0)
                let read = text.withMemoryRebound(to: CChar.self) { inet_pton(AF_INET6, $0.baseAddress, &raw) }
                let theirs =
                    read == 1 ? IPv6Address(high: UInt64(bigEndian: raw.0), low: UInt64(bigEndian: raw.1)) : nil
                let ours = try? IPv6Address(utf8: UnsafeBufferPointer(rebasing: text[..<count]))
                if ours != theirs {
                    failures += 1
                    Issue.record("\(String(decoding: text[..<count], as: UTF8.self)): \(String(describing: ours))")
                }
            }
        }
    }

    /// A random address with many zero groups, so that runs of every place and length occur.
    private func sparse(_ random: inout RandomSource) -> IPv6Address {
        var address = IPv6Address(high: random.next(), low: random.next())
        let zeros = random.next()
        for group in 0..<4 {
            let mask = ~(UInt64(0xffff) &<< UInt64(16 * group))
            if zeros &>> UInt64(group) & 1 == 1 { address.high &= mask }
            if zeros &>> UInt64(group + 4) & 1 == 1 { address.low &= mask }
            if zeros &>> UInt64(group + 8) & 7 == 0 { address.low &= ~(UInt64(0xfff0) &<< UInt64(16 * group)) }
        }
        if zeros &>> 60 == 0 {
            address.high = 0
            address.low = address.low & 0xffff_ffff | 0xffff_0000_0000
        }
        return address
    }
}
