// Where a packet goes: what the FIB keeps for a prefix, in 32 bits.

/// A next hop: a local interface, a peer's link, or nowhere on purpose. Two bits say which, thirty say who.
package struct NextHop: Hashable, Sendable {
    /// Kind (1 vif, 2 link, 3 discard) in the upper two bits, index or link number below; never 0, which means "none".
    package let raw: UInt32

    /// What a next hop can be.
    package enum Kind: Hashable, Sendable {
        /// Index of a local virtual interface.
        case vif(Int)
        /// Number of a peer's link; never used twice in a process, so a late packet cannot reach another peer.
        case link(UInt32)
        /// Announced without an interface: packets are refused here.
        case discard
    }

    /// The largest index and link number that fits.
    package static var largestValue: UInt32 { 0x3fff_ffff }

    /// The next hop of a raw value; nil where its kind bits are 0 ("none").
    @inline(__always)
    package init?(raw: UInt32) {
        guard raw &>> 30 != 0 else { return nil }
        self.raw = raw
    }

    @inline(__always)
    private init(kind: UInt32, value: UInt32) {
        raw = kind &<< 30 | value & Self.largestValue
    }

    /// A local interface; `index` in 0…`largestValue`.
    package static func vif(_ index: Int) -> NextHop { NextHop(kind: 1, value: UInt32(truncatingIfNeeded: index)) }

    /// A peer's link; `number` in 0…`largestValue`.
    package static func link(_ number: UInt32) -> NextHop { NextHop(kind: 2, value: number) }

    /// The discard route.
    package static var discard: NextHop { NextHop(kind: 3, value: 0) }

    @inline(__always)
    package var kind: Kind {
        switch raw &>> 30 {
        case 1: .vif(Int(raw & Self.largestValue))
        case 2: .link(raw & Self.largestValue)
        default: .discard
        }
    }
}
