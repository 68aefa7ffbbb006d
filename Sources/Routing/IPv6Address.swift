// An IPv6 address as two 64-bit words: the value that every table of the router is keyed by.
//
// Here stands what an address is; how it is read from text stands in IPv6AddressParser.swift and how it is written
// in IPv6AddressPrinter.swift. Nothing here touches the heap, because the forwarding workers ask the same questions
// of every packet.

/// A 128-bit IPv6 address. Ordered as the unsigned number that its 16 bytes spell in network order.
package struct IPv6Address: Hashable, Comparable, Sendable, BitwiseCopyable {
    /// Bytes 0–7, most significant first.
    package var high: UInt64
    /// Bytes 8–15.
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The address that these 16 bytes spell in network order; nil for any other count.
    package init?(bytes: some Sequence<UInt8>) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var count = 0
        for byte in bytes {
            guard count < 16 else { return nil }
            if count < 8 { high = high &<< 8 | UInt64(byte) } else { low = low &<< 8 | UInt64(byte) }
            count += 1
        }
        guard count == 16 else { return nil }
        self.init(high: high, low: low)
    }

    /// The 16 bytes in network order.
    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(16)
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            result.append(UInt8(truncatingIfNeeded: high &>> shift))
        }
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            result.append(UInt8(truncatingIfNeeded: low &>> shift))
        }
        return result
    }

    // By hand, since what the compiler derives is called through a witness table from other modules, per packet.

    package static func == (left: IPv6Address, right: IPv6Address) -> Bool {
        (left.high ^ right.high) | (left.low ^ right.low) == 0
    }

    package static func != (left: IPv6Address, right: IPv6Address) -> Bool { !(left == right) }

    package static func < (left: IPv6Address, right: IPv6Address) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }
}

/// What kind of address it is (RFC 4291 section 2.4).
extension IPv6Address {
    /// `::`.
    @inline(__always) package var isUnspecified: Bool { high | low == 0 }

    /// `::1`.
    @inline(__always) package var isLoopback: Bool { high == 0 && low == 1 }

    /// `ff00::/8`.
    @inline(__always) package var isMulticast: Bool { high &>> 56 == 0xff }

    /// `fe80::/10`.
    @inline(__always) package var isLinkLocal: Bool { high &>> 54 == 0xfe80 &>> 6 }

    /// `::ffff:0:0/96`, an IPv4 address in IPv6's clothes (RFC 4291 section 2.5.5.2).
    @inline(__always) package var isV4Mapped: Bool { high == 0 && low &>> 32 == 0xffff }

    /// Whether a router may carry packets from and to it: a unicast address that means the same on every link.
    @inline(__always) package var isForwardable: Bool {
        // The four that lie in ::/64 first, since one comparison clears nearly every address of them.
        if high == 0 && (low <= 1 || low &>> 32 == 0xffff) { return false }
        return !isMulticast && !isLinkLocal
    }
}
