// An ordered map keyed by prefix: sorted blocks of at most 256 entries, found by two binary searches.
//
// Why not a hash table: the API pages through the table in prefix order while it changes (keyset paging), refreshes walk
// it in order a message at a time, and a million entries must not cost a pointer each. An insertion moves at most one
// block; blocks filled in ascending order stay full, since a split at the end leaves the old block as it is.

/// A map from prefixes to values, in the order of the prefixes.
package struct PrefixTable<Value: Sendable>: Sendable {
    private static var capacity: Int { 256 }

    private struct Block: Sendable {
        var keys: [Prefix]
        var values: [Value]
    }

    /// Never holds an empty block.
    private var blocks: [Block] = []
    /// The number of entries.
    package private(set) var count = 0

    package init() {}

    /// The block that holds `key`, or would.
    private func block(for key: Prefix) -> Int {
        var low = 0
        var high = blocks.count
        while low < high {
            let middle = (low + high) / 2
            if key < blocks[middle].keys[0] { high = middle } else { low = middle + 1 }
        }
        return max(0, low - 1)
    }

    /// The first position in a block whose key is not below `key`.
    private func position(of key: Prefix, in block: Int) -> Int {
        blocks[block].keys.withUnsafeBufferPointer { keys in
            var low = 0
            var high = keys.count
            while low < high {
                let middle = (low + high) / 2
                if keys[middle] < key { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    private func find(_ key: Prefix) -> (block: Int, position: Int)? {
        guard !blocks.isEmpty else { return nil }
        let block = block(for: key)
        let position = position(of: key, in: block)
        guard position < blocks[block].keys.count, blocks[block].keys[position] == key else { return nil }
        return (block, position)
    }

    package subscript(key: Prefix) -> Value? {
        guard let place = find(key) else { return nil }
        return blocks[place.block].values[place.position]
    }

    /// Changes the value of `key` in place; nothing happens if there is none.
    @discardableResult
    package mutating func modify<Result>(_ key: Prefix, _ change: (inout Value) -> Result) -> Result? {
        guard let place = find(key) else { return nil }
        return change(&blocks[place.block].values[place.position])
    }

    /// Changes the value of `key` in place, after putting `initial` there if there is none.
    @discardableResult
    package mutating func modify<Result>(
        _ key: Prefix, default initial: @autoclosure () -> Value, _ change: (inout Value) -> Result
    ) -> Result {
        let place = find(key) ?? insert(key, initial())
        return change(&blocks[place.block].values[place.position])
    }

    private mutating func insert(_ key: Prefix, _ value: Value) -> (block: Int, position: Int) {
        count += 1
        guard !blocks.isEmpty else {
            blocks.append(Block(keys: [key], values: [value]))
            return (0, 0)
        }
        var block = block(for: key)
        var position = position(of: key, in: block)
        let fill = blocks[block].keys.count
        if fill >= Self.capacity {
            if position == fill {
                blocks.insert(Block(keys: [key], values: [value]), at: block + 1)
                return (block + 1, 0)
            }
            let middle = fill / 2
            let upper = Block(
                keys: Array(blocks[block].keys[middle...]), values: Array(blocks[block].values[middle...]))
            blocks[block].keys.removeLast(fill - middle)
            blocks[block].values.removeLast(fill - middle)
            blocks.insert(upper, at: block + 1)
            if position > middle {
                block += 1
                position -= middle
            }
        }
        blocks[block].keys.insert(key, at: position)
        blocks[block].values.insert(value, at: position)
        return (block, position)
    }

    /// Removes the entry of `key`, if there is one.
    package mutating func remove(_ key: Prefix) {
        guard let place = find(key) else { return }
        count -= 1
        blocks[place.block].keys.remove(at: place.position)
        blocks[place.block].values.remove(at: place.position)
        if blocks[place.block].keys.isEmpty { blocks.remove(at: place.block) }
    }

    /// Visits the entries after `after` in order, until `body` answers false.
    package func forEach(after: Prefix? = nil, _ body: (Prefix, Value) -> Bool) {
        guard !blocks.isEmpty else { return }
        var block = 0
        var position = 0
        if let after {
            block = self.block(for: after)
            position = self.position(of: after, in: block)
            if position < blocks[block].keys.count, blocks[block].keys[position] == after { position += 1 }
        }
        while block < blocks.count {
            while position < blocks[block].keys.count {
                guard body(blocks[block].keys[position], blocks[block].values[position]) else { return }
                position += 1
            }
            block += 1
            position = 0
        }
    }

    /// Visits every entry in order and lets `body` change the value in place.
    package mutating func modifyAll(_ body: (Prefix, inout Value) -> Void) {
        for block in blocks.indices {
            for position in blocks[block].keys.indices {
                body(blocks[block].keys[position], &blocks[block].values[position])
            }
        }
    }
}
