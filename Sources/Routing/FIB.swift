// The forwarding information base: longest-prefix match over flat memory, changed by one writer, read by any number of
// workers.
//
// The shape is a poptrie's: the first sixteen bits index a direct table, then each node looks at six bits and finds its
// way by bitmap and rank. It differs in three places, each so that a change costs what changed:
//   - the direct table is in two halves of eight bits, so that a publish copies the 4 KiB pages that were touched
//     instead of the whole table, and a default route fills 256 entries;
//   - next hops are not pushed down into the leaves: a node keeps its own prefixes exactly, and a look-up remembers the
//     last that matched. So there is no second table for the writer, and removing needs no search for what was covered;
//   - a prefix that is alone in its part of the trie is one leaf, however long it is.
// The shape depends on the set of prefixes only, not on the order in which they came.
//
// The writer copies the blocks on the way to a change unless they are fresh (see FIBArena.swift), `publish` hands out
// an immutable snapshot, and blocks that it replaced are used again once no snapshot can see them.

/// The writer's side. One owner; all calls from one thread.
package struct FIB: ~Copyable {
    var arena = FIBArena()
    private let masks = FIBMasks()
    private var root: FIBTable
    /// What stands in each page: its references and its prefixes of 9…16 bits. A page with nothing in it is given up.
    private var pageUse = [Int](repeating: 0, count: 256)
    /// Prefixes of 0…16 bits, by heap number: what to put back when one that covered another goes.
    private var short: [UInt32: UInt32] = [:]
    /// Snapshots that readers may hold, oldest first; the newest is kept although nobody may hold it.
    private var live: [FIBSnapshot] = []
    /// Prefixes in the table.
    package internal(set) var count = 0
    /// The version published last; 0 before the first.
    package private(set) var version: UInt64 = 0

    package init() {
        root = FIBTable(base: arena.allocate(words: FIBTable.words))
        Self.clear(root)
    }

    /// Bytes of blocks in use, among them those that wait for a snapshot to die.
    package var bytesInUse: Int { arena.bytesInUse }

    /// Bytes taken from the system.
    package var bytesReserved: Int { arena.chunks.bytes }

    /// Replaced blocks that wait for a snapshot to die.
    package var retiredBlocks: Int { arena.retiredCount }

    /// Puts `prefix` into the table, or changes its next hop.
    package mutating func insert(_ prefix: Prefix, _ nextHop: NextHop) {
        let high = prefix.address.high
        if prefix.length <= 16 {
            let number = Self.number(prefix)
            let old = short.updateValue(nextHop.raw, forKey: number)
            if old == nextHop.raw { return }
            if old == nil { count += 1 }
            if prefix.length > 8, old == nil { _ = writablePage(high, adding: 1) }
            paint(prefix, over: prefix.length, value: nextHop.raw, length: prefix.length)
            return
        }
        let index = Int(truncatingIfNeeded: high &>> 48 & 0xff)
        let old = page(high)?.reference(index) ?? 0
        let new = inserting(prefix, nextHop.raw, at: old, level: 0)
        if new != old { writablePage(high, adding: old == 0 ? 1 : 0).setReference(index, new) }
    }

    /// Takes `prefix` out; whether it was there.
    @discardableResult
    package mutating func remove(_ prefix: Prefix) -> Bool {
        let high = prefix.address.high
        if prefix.length <= 16 {
            guard short.removeValue(forKey: Self.number(prefix)) != nil else { return false }
            count -= 1
            // What it covered comes out again. Pages hold 9…16 bits only: below them shows through what the root says.
            var length = prefix.length - 1
            var value: UInt32 = 0
            while length >= (prefix.length > 8 ? 9 : 0) {
                value = short[Self.number(Prefix(unchecked: prefix.address, length: length))] ?? 0
                if value != 0 { break }
                length -= 1
            }
            paint(prefix, over: prefix.length, value: value, length: value == 0 ? 0 : length)
            if prefix.length > 8 { dropFromPage(high) }
            return true
        }
        let before = count
        let index = Int(truncatingIfNeeded: high &>> 48 & 0xff)
        guard let old = page(high)?.reference(index) else { return false }
        let new = removing(prefix, at: old, level: 0)
        if new != old {
            writablePage(high, adding: 0).setReference(index, new)
            if new == 0 { dropFromPage(high) }
        }
        return count < before
    }

    /// Makes what the table holds now visible: a snapshot that never changes.
    package mutating func publish() -> FIBSnapshot {
        arena.settle()
        version += 1
        let snapshot = FIBSnapshot(
            version: version, count: count, root: UnsafeRawPointer(root.base), chunks: arena.chunks, masks: masks)
        live.append(snapshot)
        reclaim()
        return snapshot
    }

    /// Frees the blocks that no snapshot can see any more; how many there were. A snapshot counts as dead when nobody
    /// else holds it *and* its version is below `limit`, so a caller whose readers hold none of them by reference
    /// passes the oldest version that one of them still reads. `publish` calls it.
    @discardableResult
    package mutating func reclaim(olderThan limit: UInt64 = .max) -> Int {
        var index = 0
        while index + 1 < live.count {
            if live[index].version < limit, isKnownUniquelyReferenced(&live[index]) {
                live.remove(at: index)
            } else {
                index += 1
            }
        }
        return arena.reclaim(oldestLive: live.first?.version ?? .max)
    }

    // MARK: The direct table

    private static func number(_ prefix: Prefix) -> UInt32 {
        let bits = prefix.length == 0 ? 0 : prefix.address.high &>> UInt64(truncatingIfNeeded: 64 - prefix.length)
        return 1 &<< UInt32(truncatingIfNeeded: prefix.length) | UInt32(truncatingIfNeeded: bits)
    }

    private static func clear(_ table: FIBTable) {
        table.base.initializeMemory(as: UInt64.self, repeating: 0, count: FIBTable.words)
        table.base.storeBytes(of: 1, toByteOffset: 8, as: UInt64.self)
    }

    /// Writes `value` over the entries of `prefix` that no longer prefix than `bound` has written.
    private mutating func paint(_ prefix: Prefix, over bound: Int, value: UInt32, length: Int) {
        let high = prefix.address.high
        let table = prefix.length > 8 ? writablePage(high, adding: 0) : writableRoot()
        let free = (prefix.length > 8 ? 16 : 8) - prefix.length
        let first = Int(truncatingIfNeeded: high &>> (prefix.length > 8 ? 48 : 56) & 0xff)
        for index in first..<(first + 1 << free) {
            let meta = table.meta(index)
            guard FIBMeta.value(meta) == 0 || FIBMeta.length(meta) <= bound else { continue }
            table.setMeta(index, value: value, length: length)
        }
    }

    private func page(_ high: UInt64) -> FIBTable? {
        UnsafeMutableRawPointer(bitPattern: root.reference(Int(truncatingIfNeeded: high &>> 56)))
            .map(FIBTable.init(base:))
    }

    private mutating func writableRoot() -> FIBTable {
        root = writable(root)
        return root
    }

    /// The page that `high` falls into, made or copied as needed; `adding` is what will stand in it more than before.
    private mutating func writablePage(_ high: UInt64, adding: Int) -> FIBTable {
        let index = Int(truncatingIfNeeded: high &>> 56)
        pageUse[index] += adding
        guard let old = page(high) else {
            let table = FIBTable(base: arena.allocate(words: FIBTable.words))
            Self.clear(table)
            writableRoot().setReference(index, UInt(bitPattern: table.base))
            return table
        }
        let table = writable(old)
        if table.base != old.base { writableRoot().setReference(index, UInt(bitPattern: table.base)) }
        return table
    }

    private mutating func dropFromPage(_ high: UInt64) {
        let index = Int(truncatingIfNeeded: high &>> 56)
        pageUse[index] -= 1
        guard pageUse[index] == 0, let table = page(high) else { return }
        arena.release(table.base, words: FIBTable.words, version: version)
        writableRoot().setReference(index, 0)
    }

    private mutating func writable(_ table: FIBTable) -> FIBTable {
        if FIBArena.isFresh(table.base) { return table }
        let copy = arena.allocate(words: FIBTable.words)
        copy.copyMemory(from: table.base, byteCount: FIBTable.words * 8)
        let word = copy.load(fromByteOffset: 8, as: UInt64.self)
        copy.storeBytes(of: word | 1, toByteOffset: 8, as: UInt64.self)
        arena.release(table.base, words: FIBTable.words, version: version)
        return FIBTable(base: copy)
    }
}
