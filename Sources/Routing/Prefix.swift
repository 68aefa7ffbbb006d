// A prefix: an address whose bits beyond a length are zero, and that length.
//
// There is one value a prefix, so that tables can be keyed by it: host bits are refused where people write them (with
// the corrected prefix in the error, to be offered to them) and cleared only where a caller asks for it by name.

/// An IPv6 prefix. The address never has host bits set, so equal prefixes are equal values.
package struct Prefix: Hashable, Comparable, Sendable, BitwiseCopyable {
    package let address: IPv6Address
    /// 0…128.
    package let length: Int

    /// The prefix that covers `address` at `length`; bits beyond it are cleared. Nil if `length` is not in 0…128.
    package init?(masking address: IPv6Address, length: Int) {
        guard length >= 0 && length <= 128 else { return nil }
        self.init(unchecked: address, length: length)
    }

    /// The prefix of exactly these bits: a length out of 0…128 and host bits are errors.
    package init(address: IPv6Address, length: Int) throws(PrefixError) {
        guard let prefix = Prefix(masking: address, length: length) else { throw .lengthOutOfRange }
        guard prefix.address == address else { throw .hostBitsSet(corrected: prefix) }
        self = prefix
    }

    /// Clears host bits; `length` is known to be in 0…128.
    init(unchecked address: IPv6Address, length: Int) {
        let mask = Self.mask(length)
        self.address = IPv6Address(high: address.high & mask.high, low: address.low & mask.low)
        self.length = length
    }

    /// `length` ones, then zeros.
    @inline(__always)
    static func mask(_ length: Int) -> (high: UInt64, low: UInt64) {
        if length >= 128 { return (.max, .max) }
        if length <= 0 { return (0, 0) }
        // Masked shifts see only the low six bits of their count, hence the cases at the word's edges.
        if length < 64 { return (.max &<< UInt64(truncatingIfNeeded: 64 &- length), 0) }
        return (.max, length == 64 ? 0 : .max &<< UInt64(truncatingIfNeeded: 128 &- length))
    }

    package static func < (left: Prefix, right: Prefix) -> Bool {
        left.address != right.address ? left.address < right.address : left.length < right.length
    }

    /// Whether `address` lies within.
    package func contains(_ address: IPv6Address) -> Bool {
        let mask = Self.mask(length)
        return (address.high ^ self.address.high) & mask.high | (address.low ^ self.address.low) & mask.low == 0
    }

    /// Whether every address of `other` lies within; a prefix covers itself.
    package func covers(_ other: Prefix) -> Bool {
        length <= other.length && contains(other.address)
    }

    /// The highest address within.
    package var lastAddress: IPv6Address {
        let mask = Self.mask(length)
        return IPv6Address(high: address.high | ~mask.high, low: address.low | ~mask.low)
    }
}
