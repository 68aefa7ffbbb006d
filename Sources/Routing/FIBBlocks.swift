// How the FIB's blocks are laid out. All are native 64-bit words; references are addresses with bit 0 set for a leaf.
//
//   table   256 entries of { reference, meta }         the direct table's first half (root) and second halves (pages)
//   leaf    { high, meta [, low if length > 64] }      one prefix alone in its part of the trie
//   node    { children, shorter, exact,                six bits of the address
//             a reference a child, a UInt32 a value }
//
// A meta word is value << 32 | length << 8 | fresh bit. A node at level n looks at the six bits from bit 16 + 6n on
// and keeps the prefixes that end within them, in a heap's numbering: a prefix that takes k of the six bits (1…6) and
// has the value v there is number 1 << k | v. Numbers 2…63 are bits of `shorter`, 64…127 are bits of `exact`; a set
// bit's rank is the place of its next hop among the values. `children` has a bit for each of the 64 ways on.

/// A word that keeps a next hop and the length of the prefix it came from.
enum FIBMeta {
    @inline(__always)
    static func word(value: UInt32, length: Int, keeping old: UInt64 = 1) -> UInt64 {
        UInt64(value) &<< 32 | UInt64(truncatingIfNeeded: length) &<< 8 | old & 1
    }
    @inline(__always)
    static func value(_ word: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: word &>> 32) }
    @inline(__always)
    static func length(_ word: UInt64) -> Int { Int(truncatingIfNeeded: word &>> 8 & 0xff) }
}

/// A block of 256 entries.
struct FIBTable {
    static var words: Int { 512 }
    let base: UnsafeMutableRawPointer

    func reference(_ index: Int) -> UInt { base.load(fromByteOffset: index &* 16, as: UInt.self) }
    func meta(_ index: Int) -> UInt64 { base.load(fromByteOffset: index &* 16 &+ 8, as: UInt64.self) }

    func setReference(_ index: Int, _ reference: UInt) {
        base.storeBytes(of: reference, toByteOffset: index &* 16, as: UInt.self)
    }
    func setMeta(_ index: Int, value: UInt32, length: Int) {
        let word = FIBMeta.word(value: value, length: length, keeping: meta(index))
        base.storeBytes(of: word, toByteOffset: index &* 16 &+ 8, as: UInt64.self)
    }
}

/// One prefix alone.
struct FIBLeaf {
    let base: UnsafeMutableRawPointer

    static func words(length: Int) -> Int { length > 64 ? 3 : 2 }

    var meta: UInt64 { base.load(fromByteOffset: 8, as: UInt64.self) }

    var prefix: Prefix {
        let length = FIBMeta.length(meta)
        let low = length > 64 ? base.load(fromByteOffset: 16, as: UInt64.self) : 0
        return Prefix(unchecked: IPv6Address(high: base.load(as: UInt64.self), low: low), length: length)
    }

    func fill(_ prefix: Prefix, value: UInt32) {
        base.storeBytes(of: prefix.address.high, as: UInt64.self)
        base.storeBytes(of: FIBMeta.word(value: value, length: prefix.length), toByteOffset: 8, as: UInt64.self)
        if prefix.length > 64 { base.storeBytes(of: prefix.address.low, toByteOffset: 16, as: UInt64.self) }
    }
}

/// Six bits of the trie.
struct FIBNode {
    static var headerBytes: Int { 24 }
    let base: UnsafeMutableRawPointer

    static func words(children: Int, values: Int) -> Int { 3 &+ children &+ (values &+ 1) / 2 }

    var children: UInt64 { base.load(as: UInt64.self) }
    var shorter: UInt64 { base.load(fromByteOffset: 8, as: UInt64.self) & ~1 }
    var exact: UInt64 { base.load(fromByteOffset: 16, as: UInt64.self) }

    var childCount: Int { children.nonzeroBitCount }
    var valueCount: Int { shorter.nonzeroBitCount &+ exact.nonzeroBitCount }
    var words: Int { Self.words(children: childCount, values: valueCount) }

    /// Writes the bitmaps of a fresh node.
    func fill(children: UInt64, shorter: UInt64, exact: UInt64) {
        base.storeBytes(of: children, as: UInt64.self)
        base.storeBytes(of: shorter | 1, toByteOffset: 8, as: UInt64.self)
        base.storeBytes(of: exact, toByteOffset: 16, as: UInt64.self)
    }

    var references: UnsafeMutableRawPointer { base + Self.headerBytes }
    var values: UnsafeMutableRawPointer { base + (Self.headerBytes &+ 8 &* childCount) }

    func childRank(_ slot: Int) -> Int { (children & (FIBNode.bit(slot) &- 1)).nonzeroBitCount }

    func valueRank(_ number: Int) -> Int {
        if number < 64 { return (shorter & (FIBNode.bit(number) &- 1)).nonzeroBitCount }
        return shorter.nonzeroBitCount &+ (exact & (FIBNode.bit(number &- 64) &- 1)).nonzeroBitCount
    }

    func hasValue(_ number: Int) -> Bool {
        number < 64 ? shorter & FIBNode.bit(number) != 0 : exact & FIBNode.bit(number &- 64) != 0
    }

    /// The reference below `slot`, 0 if there is none.
    func child(_ slot: Int) -> UInt {
        guard children & FIBNode.bit(slot) != 0 else { return 0 }
        return references.load(fromByteOffset: 8 &* childRank(slot), as: UInt.self)
    }

    func value(rank: Int) -> UInt32 { values.load(fromByteOffset: 4 &* rank, as: UInt32.self) }

    @inline(__always)
    static func bit(_ index: Int) -> UInt64 { 1 &<< UInt64(truncatingIfNeeded: index) }

    // MARK: Where a prefix stands

    /// Bits of the address before the six of `level`.
    static func start(level: Int) -> Int { 16 &+ 6 &* level }

    /// The six bits of `address` that `level` (0…18) looks at. Level 8 starts at bit 64 exactly, and the last level
    /// has four bits of the address and two zeros.
    static func slot(_ address: IPv6Address, level: Int) -> Int {
        let key =
            level < 8
            ? address.high &<< UInt64(truncatingIfNeeded: 16 &+ 6 &* level)
            : address.low &<< UInt64(truncatingIfNeeded: 6 &* (level &- 8))
        return Int(truncatingIfNeeded: key &>> 58)
    }

    /// The number of a prefix that ends within the six bits of `level`.
    static func number(_ prefix: Prefix, level: Int) -> Int {
        let taken = prefix.length &- start(level: level)
        return 1 &<< taken | slot(prefix.address, level: level) &>> (6 &- taken)
    }

    /// The prefix of a number in a node of `level` on the way to `address`.
    static func prefix(number: Int, level: Int, under address: IPv6Address) -> Prefix {
        let taken = 63 &- UInt64(truncatingIfNeeded: number).leadingZeroBitCount
        let start = start(level: level)
        let bits = UInt64(truncatingIfNeeded: number ^ 1 &<< taken) &<< UInt64(truncatingIfNeeded: 64 &- taken)
        var address = Prefix(unchecked: address, length: start).address
        if level < 8 {
            address.high |= bits &>> UInt64(truncatingIfNeeded: start)
        } else {
            address.low |= bits &>> UInt64(truncatingIfNeeded: start &- 64)
        }
        return Prefix(unchecked: address, length: start &+ taken)
    }
}
