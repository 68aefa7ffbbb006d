// The memory that the FIB lives in: blocks of whole words cut from chunks that never move and are never given back
// before the last snapshot is gone.
//
// A block is *fresh* from its allocation to the next publish: no reader can see it, so the writer may change it in
// place and may free it at once. A published block is never written again. Replacing one *retires* it, together with
// the newest version that can still see it; it becomes free when no snapshot of that version or an older one lives.
// Freshness is bit 0 of every block's second word, so blocks are at least two words and nobody else uses that bit.

/// The chunks, kept alive by the writer and by every snapshot that points into them.
final class FIBChunks {
    /// Bytes of a chunk: small enough for a router with three routes, large enough that a million cost few of them.
    static let chunkBytes = 64 << 10
    private var chunks: [UnsafeMutableRawPointer] = []

    /// A new chunk. Called by the writer only; readers follow pointers and never look at the list.
    func grow() -> UnsafeMutableRawPointer {
        let chunk = UnsafeMutableRawPointer.allocate(byteCount: Self.chunkBytes, alignment: 64)
        chunks.append(chunk)
        return chunk
    }

    var bytes: Int { chunks.count * Self.chunkBytes }

    deinit {
        for chunk in chunks { chunk.deallocate() }
    }
}

/// Allocation, retirement and reuse of blocks; belongs to one writer.
struct FIBArena: ~Copyable {
    /// Words of the largest block: the two halves of the direct table.
    static var largestWords: Int { 512 }

    let chunks = FIBChunks()
    private var unused: UnsafeMutableRawPointer
    private var unusedWords = 0
    /// The head of a list of free blocks a size; each free block's first word points to the next.
    private let free: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private var fresh: [UnsafeMutableRawPointer] = []
    /// In order of `lastVersion`.
    private var retired: [Retired] = []
    /// Bytes of blocks in use, retired ones among them.
    private(set) var bytesInUse = 0

    private struct Retired {
        var block: UnsafeMutableRawPointer
        var words: Int32
        var lastVersion: UInt64
    }

    init() {
        free = .allocate(capacity: Self.largestWords + 1)
        free.initialize(repeating: nil, count: Self.largestWords + 1)
        unused = chunks.grow()
        unusedWords = FIBChunks.chunkBytes / 8
    }

    deinit { free.deallocate() }

    /// Blocks that wait for a snapshot to die.
    var retiredCount: Int { retired.count }

    /// A fresh block of `words` (2…`largestWords`), its second word 1 and the others undefined.
    mutating func allocate(words: Int) -> UnsafeMutableRawPointer {
        bytesInUse += words * 8
        let block: UnsafeMutableRawPointer
        if let reused = free[words] {
            free[words] = reused.load(as: UnsafeMutableRawPointer?.self)
            block = reused
        } else {
            if unusedWords < words {
                // What is left of the chunk serves a smaller block later.
                if unusedWords >= 2 { push(unused, words: unusedWords) }
                unused = chunks.grow()
                unusedWords = FIBChunks.chunkBytes / 8
            }
            block = unused
            unused += words * 8
            unusedWords -= words
        }
        block.storeBytes(of: 1, toByteOffset: 8, as: UInt64.self)
        fresh.append(block)
        return block
    }

    /// Whether no snapshot can see `block`.
    @inline(__always)
    static func isFresh(_ block: UnsafeMutableRawPointer) -> Bool {
        block.load(fromByteOffset: 8, as: UInt64.self) & 1 == 1
    }

    /// Gives a block up: at once if it is fresh, else when no snapshot up to `version` lives.
    mutating func release(_ block: UnsafeMutableRawPointer, words: Int, version: UInt64) {
        if Self.isFresh(block) {
            bytesInUse -= words * 8
            push(block, words: words)
        } else {
            retired.append(Retired(block: block, words: Int32(truncatingIfNeeded: words), lastVersion: version))
        }
    }

    /// Ends the freshness of all blocks: from here on readers see them.
    mutating func settle() {
        for block in fresh {
            // A block that was released again may have been handed out anew, as any kind: the bit means the same in
            // all of them, and a free block's second word means nothing.
            let word = block.load(fromByteOffset: 8, as: UInt64.self)
            block.storeBytes(of: word & ~1, toByteOffset: 8, as: UInt64.self)
        }
        // The list is as long as what changed since the last publish; a first load's length is not kept for ever.
        fresh.removeAll(keepingCapacity: fresh.count < 4096)
    }

    /// Frees what only versions before `oldest` could see; the number of blocks freed.
    mutating func reclaim(oldestLive oldest: UInt64) -> Int {
        var count = 0
        while count < retired.count, retired[count].lastVersion < oldest {
            bytesInUse -= Int(retired[count].words) * 8
            push(retired[count].block, words: Int(retired[count].words))
            count += 1
        }
        if count == retired.count {
            retired.removeAll(keepingCapacity: count < 4096)
        } else if count > 0 {
            retired.removeFirst(count)
        }
        return count
    }

    private func push(_ block: UnsafeMutableRawPointer, words: Int) {
        block.storeBytes(of: free[words], as: UnsafeMutableRawPointer?.self)
        free[words] = block
    }
}
