// A prefix: an address whose bits beyond a length are zero, and that length.

/// An IPv6 prefix. The address never has host bits set, so equal prefixes are equal values.
package struct Prefix: Hashable, Comparable, Sendable {
    package let address: IPv6Address
    /// 0…128.
    package let length: Int

    /// The prefix that covers `address` at `length`; bits beyond it are cleared. Nil if `length` is not in 0…128.
    package init?(masking address: IPv6Address, length: Int) {
        guard (0...128).contains(length) else { return nil }
        let high: UInt64 = length >= 64 ? .max : length == 0 ? 0 : .max << UInt64(64 - length)
        let low: UInt64 = length <= 64 ? 0 : .max << UInt64(128 - length)
        self.address = IPv6Address(high: address.high & high, low: address.low & low)
        self.length = length
    }

    package static func < (left: Prefix, right: Prefix) -> Bool {
        left.address != right.address ? left.address < right.address : left.length < right.length
    }
}
