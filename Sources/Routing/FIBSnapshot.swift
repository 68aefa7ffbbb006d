// What a forwarding worker reads: one version of the FIB, never changed in place.
//
// A look-up is a walk over raw memory: the direct table's two halves by the first sixteen bits, then six bits a node.
// On the way it remembers the last place that held a matching prefix, and reads that one's next hop at the end. There
// is no allocation, no lock and no reference count on this path, provided that the worker takes the `view` once a batch
// and holds the snapshot meanwhile.

/// A borrowed look at a snapshot: two pointers, copied freely, valid only while the snapshot is held.
package struct FIBView: @unchecked Sendable {
    // Unchecked: the memory behind both pointers is never written while a snapshot can reach it.
    let root: UnsafeRawPointer
    let masks: UnsafePointer<UInt64>

    /// The raw next hop of the longest prefix that holds the address; 0 if there is none.
    @inline(__always)
    package func lookupRaw(high: UInt64, low: UInt64) -> UInt32 {
        let rootEntry = root + Int(truncatingIfNeeded: (high &>> 56) &<< 4)
        var best = FIBMeta.value(rootEntry.load(fromByteOffset: 8, as: UInt64.self))
        guard let page = UnsafeRawPointer(bitPattern: rootEntry.load(as: UInt.self)) else { return best }
        let entry = page + Int(truncatingIfNeeded: high &>> 44 & 0xff0)
        let value = FIBMeta.value(entry.load(fromByteOffset: 8, as: UInt64.self))
        if value != 0 { best = value }

        var reference = entry.load(as: UInt.self)
        var key = high &<< 16
        var level = 0
        var hit: UnsafeRawPointer?
        var hitSlot: UInt64 = 0
        while let node = UnsafeRawPointer(bitPattern: reference) {
            if reference & 1 == 1 {
                let leaf = node - 1
                let meta = leaf.load(fromByteOffset: 8, as: UInt64.self)
                if Self.matches(leaf, length: FIBMeta.length(meta), high: high, low: low) {
                    return FIBMeta.value(meta)
                }
                break
            }
            let slot = key &>> 58
            let shorter = node.load(fromByteOffset: 8, as: UInt64.self) & masks[Int(truncatingIfNeeded: slot &>> 1)]
            let exact = node.load(fromByteOffset: 16, as: UInt64.self) &>> slot & 1
            if shorter | exact != 0 {
                hit = node
                hitSlot = slot
            }
            let children = node.load(as: UInt64.self)
            guard children &>> slot & 1 == 1 else { break }
            // Counting bits is a dozen instructions where the processor's own is not used, and the upper levels of a mesh
            // that lives in one /32 have one way on each.
            let before = children & (1 &<< slot &- 1)
            if before == 0 {
                reference = node.load(fromByteOffset: FIBNode.headerBytes, as: UInt.self)
            } else {
                let offset = FIBNode.headerBytes &+ 8 &* before.nonzeroBitCount
                reference = node.load(fromByteOffset: offset, as: UInt.self)
            }
            level &+= 1
            key = level == 8 ? low : key &<< 6
        }
        guard let hit else { return best }
        return Self.longest(in: hit, slot: hitSlot, mask: masks[Int(truncatingIfNeeded: hitSlot &>> 1)])
    }

    /// The next hop of the longest prefix that holds the address.
    @inline(__always)
    package func lookup(_ address: IPv6Address) -> NextHop? {
        NextHop(raw: lookupRaw(high: address.high, low: address.low))
    }

    /// The same for 16 bytes in network order, at any alignment.
    @inline(__always)
    package func lookup(bytes: UnsafeRawPointer) -> NextHop? {
        NextHop(
            raw: lookupRaw(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))))
    }

    /// The next hop of the longest of a node's prefixes that `slot` lies in; there is one.
    @inline(__always)
    private static func longest(in node: UnsafeRawPointer, slot: UInt64, mask: UInt64) -> UInt32 {
        let shorter = node.load(fromByteOffset: 8, as: UInt64.self)
        let exact = node.load(fromByteOffset: 16, as: UInt64.self)
        let rank: Int
        if exact &>> slot & 1 == 1 {
            rank = shorter.nonzeroBitCount &+ (exact & (1 &<< slot &- 1)).nonzeroBitCount
        } else {
            let top = UInt64(truncatingIfNeeded: 63 &- (shorter & mask).leadingZeroBitCount)
            rank = (shorter & (1 &<< top &- 1)).nonzeroBitCount
        }
        let children = node.load(as: UInt64.self).nonzeroBitCount
        return node.load(fromByteOffset: FIBNode.headerBytes &+ 8 &* children &+ 4 &* rank, as: UInt32.self)
    }

    /// Whether a leaf's prefix, of 17…128 bits, holds the address.
    @inline(__always)
    private static func matches(_ leaf: UnsafeRawPointer, length: Int, high: UInt64, low: UInt64) -> Bool {
        let difference = leaf.load(as: UInt64.self) ^ high
        if length <= 64 { return difference &>> UInt64(truncatingIfNeeded: 64 &- length) == 0 }
        guard difference == 0 else { return false }
        let rest = leaf.load(fromByteOffset: 16, as: UInt64.self) ^ low
        return rest &>> UInt64(truncatingIfNeeded: 128 &- length) == 0
    }
}

/// One version of the FIB. Holding it keeps every block that it can see; it stays what it was while the writer goes on.
package final class FIBSnapshot: @unchecked Sendable {
    // Unchecked: all is constant, and the blocks behind `view` are not written before this object is gone.

    /// Counts publishes from 1 on.
    package let version: UInt64
    /// Prefixes in it.
    package let count: Int
    /// For look-ups without a reference count; see there.
    package let view: FIBView
    private let chunks: FIBChunks
    private let masks: FIBMasks

    init(version: UInt64, count: Int, root: UnsafeRawPointer, chunks: FIBChunks, masks: FIBMasks) {
        self.version = version
        self.count = count
        self.chunks = chunks
        self.masks = masks
        view = FIBView(root: root, masks: UnsafePointer(masks.words))
    }

    /// The next hop of the longest prefix that holds the address.
    package func lookup(_ address: IPv6Address) -> NextHop? { view.lookup(address) }
}

/// For each pair of slots (they differ in the last bit only), the numbers 2…63 of the prefixes that hold them.
final class FIBMasks {
    let words: UnsafeMutablePointer<UInt64>

    init() {
        words = .allocate(capacity: 32)
        for pair in 0..<32 {
            var mask: UInt64 = 0
            for taken in 1...5 { mask |= FIBNode.bit(1 << taken | pair >> (5 - taken)) }
            words[pair] = mask
        }
    }

    deinit { words.deallocate() }
}
