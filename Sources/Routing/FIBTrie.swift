// The part of the FIB below the direct table: how prefixes of 17…128 bits come and go.
//
// Both ways are a descent that returns the reference to put into the parent: the same one if nothing above must
// change. Depth is at most nineteen levels. A node never holds a single prefix alone: it is made when a second one
// comes below the same slot and gives way to a leaf when the second last goes.

extension FIB {
    /// `prefix` put below `reference`, which hangs at `level`.
    mutating func inserting(_ prefix: Prefix, _ value: UInt32, at reference: UInt, level: Int) -> UInt {
        guard let address = UnsafeMutableRawPointer(bitPattern: reference & ~1) else {
            count += 1
            return leaf(prefix, value)
        }
        if reference & 1 == 1 {
            let old = FIBLeaf(base: address)
            let present = old.prefix
            if present == prefix {
                if FIBMeta.value(old.meta) == value { return reference }
                if FIBArena.isFresh(address) {
                    old.fill(prefix, value: value)
                    return reference
                }
                release(old)
                return leaf(prefix, value)
            }
            let node = FIBNode(base: arena.allocate(words: FIBNode.words(children: 0, values: 0)))
            node.fill(children: 0, shorter: 0, exact: 0)
            return inserting(prefix, value, at: placing(old, present, in: node, level: level), level: level)
        }
        let node = FIBNode(base: address)
        if prefix.length <= FIBNode.start(level: level + 1) {
            return setting(value, number: FIBNode.number(prefix, level: level), in: node)
        }
        let slot = FIBNode.slot(prefix.address, level: level)
        let old = node.child(slot)
        let new = inserting(prefix, value, at: old, level: level + 1)
        return new == old ? reference : setting(child: new, slot: slot, in: node)
    }

    /// `prefix` taken from below `reference`.
    mutating func removing(_ prefix: Prefix, at reference: UInt, level: Int) -> UInt {
        guard let address = UnsafeMutableRawPointer(bitPattern: reference & ~1) else { return 0 }
        if reference & 1 == 1 {
            guard FIBLeaf(base: address).prefix == prefix else { return reference }
            release(FIBLeaf(base: address))
            count -= 1
            return 0
        }
        let node = FIBNode(base: address)
        if prefix.length <= FIBNode.start(level: level + 1) {
            let number = FIBNode.number(prefix, level: level)
            guard node.hasValue(number) else { return reference }
            count -= 1
            return condensed(dropping(number: number, from: node), level: level, under: prefix.address)
        }
        let slot = FIBNode.slot(prefix.address, level: level)
        let old = node.child(slot)
        let new = removing(prefix, at: old, level: level + 1)
        if new == old { return reference }
        let changed = new == 0 ? dropping(slot: slot, from: node) : setting(child: new, slot: slot, in: node)
        return condensed(changed, level: level, under: prefix.address)
    }

    private mutating func leaf(_ prefix: Prefix, _ value: UInt32) -> UInt {
        let block = arena.allocate(words: FIBLeaf.words(length: prefix.length))
        FIBLeaf(base: block).fill(prefix, value: value)
        return UInt(bitPattern: block) | 1
    }

    private mutating func release(_ leaf: FIBLeaf) {
        arena.release(leaf.base, words: FIBLeaf.words(length: FIBMeta.length(leaf.meta)), version: version)
    }

    /// A leaf moved into a node that takes its place: as the node's own prefix, or as a child.
    private mutating func placing(_ leaf: FIBLeaf, _ prefix: Prefix, in node: FIBNode, level: Int) -> UInt {
        guard prefix.length <= FIBNode.start(level: level + 1) else {
            let reference = UInt(bitPattern: leaf.base) | 1
            return setting(child: reference, slot: FIBNode.slot(prefix.address, level: level), in: node)
        }
        let value = FIBMeta.value(leaf.meta)
        release(leaf)
        // It is counted already.
        count -= 1
        return setting(value, number: FIBNode.number(prefix, level: level), in: node)
    }

    /// A leaf instead of a node that holds one prefix, the node's own or its only child's.
    private mutating func condensed(_ reference: UInt, level: Int, under address: IPv6Address) -> UInt {
        guard let base = UnsafeMutableRawPointer(bitPattern: reference) else { return 0 }
        let node = FIBNode(base: base)
        let values = node.valueCount
        let children = node.childCount
        guard values + children == 1 else { return reference }
        if children == 1 {
            let child = node.references.load(as: UInt.self)
            guard child & 1 == 1 else { return reference }
            arena.release(node.base, words: node.words, version: version)
            return child
        }
        let number =
            node.shorter != 0 ? node.shorter.trailingZeroBitCount : 64 + node.exact.trailingZeroBitCount
        let prefix = FIBNode.prefix(number: number, level: level, under: address)
        let value = node.value(rank: 0)
        arena.release(node.base, words: node.words, version: version)
        return leaf(prefix, value)
    }

    // MARK: Changing one node

    private mutating func setting(_ value: UInt32, number: Int, in node: FIBNode) -> UInt {
        let rank = node.valueRank(number)
        if node.hasValue(number) {
            if node.value(rank: rank) == value { return UInt(bitPattern: node.base) }
            let copy = writable(node)
            copy.values.storeBytes(of: value, toByteOffset: 4 * rank, as: UInt32.self)
            return UInt(bitPattern: copy.base)
        }
        count += 1
        let changed = reshaped(
            node, children: node.children,
            shorter: node.shorter | (number < 64 ? FIBNode.bit(number) : 0),
            exact: node.exact | (number < 64 ? 0 : FIBNode.bit(number - 64)),
            reference: nil, value: Gap(index: rank, delta: 1))
        changed.values.storeBytes(of: value, toByteOffset: 4 * rank, as: UInt32.self)
        return UInt(bitPattern: changed.base)
    }

    private mutating func setting(child: UInt, slot: Int, in node: FIBNode) -> UInt {
        let rank = node.childRank(slot)
        let changed =
            node.children & FIBNode.bit(slot) != 0
            ? writable(node)
            : reshaped(
                node, children: node.children | FIBNode.bit(slot), shorter: node.shorter, exact: node.exact,
                reference: Gap(index: rank, delta: 1), value: nil)
        changed.references.storeBytes(of: child, toByteOffset: 8 * rank, as: UInt.self)
        return UInt(bitPattern: changed.base)
    }

    private mutating func dropping(number: Int, from node: FIBNode) -> UInt {
        let changed = reshaped(
            node, children: node.children,
            shorter: node.shorter & ~(number < 64 ? FIBNode.bit(number) : 0),
            exact: node.exact & ~(number < 64 ? 0 : FIBNode.bit(number - 64)),
            reference: nil, value: Gap(index: node.valueRank(number), delta: -1))
        return UInt(bitPattern: changed.base)
    }

    private mutating func dropping(slot: Int, from node: FIBNode) -> UInt {
        let changed = reshaped(
            node, children: node.children & ~FIBNode.bit(slot), shorter: node.shorter, exact: node.exact,
            reference: Gap(index: node.childRank(slot), delta: -1), value: nil)
        return UInt(bitPattern: changed.base)
    }

    private mutating func writable(_ node: FIBNode) -> FIBNode {
        if FIBArena.isFresh(node.base) { return node }
        return reshaped(
            node, children: node.children, shorter: node.shorter, exact: node.exact, reference: nil, value: nil)
    }

    /// A fresh node with these bitmaps in place of `node`, its arrays with a hole more (delta 1) or an item less (-1).
    private mutating func reshaped(
        _ node: FIBNode, children: UInt64, shorter: UInt64, exact: UInt64, reference: Gap?, value: Gap?
    ) -> FIBNode {
        let words = FIBNode.words(
            children: children.nonzeroBitCount, values: shorter.nonzeroBitCount + exact.nonzeroBitCount)
        let new = FIBNode(base: arena.allocate(words: words))
        new.fill(children: children, shorter: shorter, exact: exact)
        Gap.copy(node.references, to: new.references, count: node.childCount, stride: 8, gap: reference)
        Gap.copy(node.values, to: new.values, count: node.valueCount, stride: 4, gap: value)
        arena.release(node.base, words: node.words, version: version)
        return new
    }
}

/// Where an array gets a hole or loses an item while it is copied.
private struct Gap {
    let index: Int
    let delta: Int

    static func copy(
        _ source: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer, count: Int, stride: Int, gap: Gap?
    ) {
        guard let gap else {
            target.copyMemory(from: source, byteCount: count * stride)
            return
        }
        let from = gap.index + (gap.delta < 0 ? 1 : 0)
        let to = gap.index + (gap.delta > 0 ? 1 : 0)
        target.copyMemory(from: source, byteCount: gap.index * stride)
        (target + to * stride).copyMemory(from: source + from * stride, byteCount: (count - from) * stride)
    }
}
