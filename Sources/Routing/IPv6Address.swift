// An IPv6 address as two 64-bit words: the value that every table of the router is keyed by.
//
// Text is read in every spelling that RFC 4291 section 2.2 allows and written in the one that RFC 5952 asks for.
// Zones, brackets, ports and white space are not part of an address and are refused.

/// A 128-bit IPv6 address. Ordered as the unsigned number that its 16 bytes spell in network order.
package struct IPv6Address: Hashable, Comparable, Sendable {
    /// Bytes 0–7, most significant first.
    package var high: UInt64
    /// Bytes 8–15.
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func < (left: IPv6Address, right: IPv6Address) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }
}
