// One prefix, many spellings (case C29), and which prefix covers what.

import Routing
import Testing

@Suite struct PrefixTests {
    @Test(
        "C29: equal prefixes are one object with one text",
        arguments: [
            ("2001:0DB8:0:0:0:0:0:0/32", "2001:db8::/32"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("2001:db8:0000::0/32", "2001:db8::/32"),
            ("::ffff:0:0/96", "::ffff:0.0.0.0/96"),
            ("::ffff:10.0.0.0/104", "::ffff:10.0.0.0/104"),
            ("64:ff9b::/96", "64:ff9b::/96"),
            ("::/0", "::/0"),
            ("ff00::/8", "ff00::/8"),
            ("fe80::1/128", "fe80::1/128"),
            ("::/128", "::/128"),
        ])
    func canonical(text: String, canonical: String) throws {
        let prefix = try Prefix(parsing: text)
        #expect(prefix.description == canonical)
        #expect(try Prefix(parsing: canonical) == prefix)
        #expect(try Prefix(parsing: canonical).hashValue == prefix.hashValue)
    }

    @Test(
        "C29: what is no prefix is refused by name",
        arguments: [
            ("2001:db8::/032", .lengthLeadingZero), ("2001:db8::/00", .lengthLeadingZero),
            ("2001:db8::/+48", .lengthNotDecimal), ("2001:db8::/-1", .lengthNotDecimal),
            ("2001:db8::/0x20", .lengthNotDecimal), ("2001:db8::/ffff::", .lengthNotDecimal),
            ("2001:db8::/48/", .extraSlash), ("2001:db8::/", .emptyLength), ("2001:db8::", .missingLength),
            (" 2001:db8::/48", .address(.whiteSpace)), ("2001:db8:: /48", .address(.whiteSpace)),
            ("2001:db8::/ 48", .whiteSpace), ("2001:db8::/48 ", .whiteSpace), ("2001:db8::/48\n", .whiteSpace),
            ("[2001:db8::]/48", .address(.bracket)), ("[2001:db8::]", .address(.bracket)),
            ("fe80::%eth0/64", .address(.zone)), ("fe80::/64%eth0", .lengthNotDecimal), ("::/129", .lengthOutOfRange),
            ("::/99999999999999999999999999", .lengthOutOfRange), ("2001:db8:::/48", .address(.tripleColon)),
            ("2001:db8::%2F64", .address(.zone)), ("10.0.0.0/8", .address(.ipv4)), ("/48", .address(.empty)),
            ("", .address(.empty)), ("2001:db8/32", .address(.tooFewGroups)),
        ] as [(String, PrefixError)])
    func refusal(text: String, error: PrefixError) {
        #expect(throws: error) { try Prefix(parsing: text) }
        #expect(!error.description.isEmpty)
    }

    @Test(
        "C29: host bits are refused and the corrected prefix is offered",
        arguments: [
            ("2001:db8::1/48", "2001:db8::/48"), ("::1/0", "::/0"), ("8000::/0", "::/0"), ("::1/127", "::/127"),
            ("2001:db8:0:0:8000::/64", "2001:db8::/64"), ("2001:db8:0:1::/63", "2001:db8::/63"),
            ("::ffff:10.1.0.0/104", "::ffff:10.0.0.0/104"),
        ])
    func hostBits(text: String, corrected: String) throws {
        let prefix = try Prefix(parsing: corrected)
        let error = #expect(throws: PrefixError.self) { try Prefix(parsing: text) }
        #expect(error == .hostBitsSet(corrected: prefix))
        #expect(error?.description.contains(corrected) == true)
    }

    @Test("A prefix from numbers keeps the same rules")
    func numbers() throws {
        let address = IPv6Address(high: 0x2001_0db8_0000_0000, low: 0)
        #expect(try Prefix(address: address, length: 32).description == "2001:db8::/32")
        #expect(throws: PrefixError.lengthOutOfRange) { try Prefix(address: address, length: 129) }
        #expect(throws: PrefixError.lengthOutOfRange) { try Prefix(address: address, length: -1) }
        #expect(Prefix(masking: address, length: 129) == nil)
        #expect(Prefix(masking: address, length: .min) == nil)
        #expect(Prefix(masking: address, length: 16)?.description == "2001::/16")
    }

    @Test("Containment and covering agree with bit by bit comparison at every length")
    func covering() {
        var random = RandomSource(seed: RandomSource.seed(for: "Prefix covering"))
        for _ in 0..<3_000 {
            let address = IPv6Address(high: random.next(), low: random.next())
            // The same address with one bit changed: the prefix holds it exactly if the bit is beyond its length.
            let bit = random.below(128)
            let other =
                bit < 64
                ? IPv6Address(high: address.high ^ 1 << UInt64(63 - bit), low: address.low)
                : IPv6Address(high: address.high, low: address.low ^ 1 << UInt64(127 - bit))
            for length in [0, 1, 15, 16, 17, 63, 64, 65, 127, 128, random.below(129)] {
                guard let prefix = Prefix(masking: address, length: length),
                    let longer = Prefix(masking: other, length: Swift.min(128, length + random.below(9)))
                else { continue }
                #expect(prefix.contains(address))
                #expect(prefix.contains(other) == (bit >= length))
                #expect(prefix.covers(longer) == (bit >= length))
                #expect(longer.covers(prefix) == (longer == prefix))
                #expect(prefix.contains(prefix.lastAddress) && prefix.lastAddress >= address)
            }
        }
    }
}
