// Who a node is on the wire: SHA-256 of its leaf certificate's DER, 32 bytes.

/// A peer id: 32 bytes, kept as four words so that it is compared and hashed without touching the heap.
package struct NodeID: Hashable, Comparable, Sendable {
    package var words: (UInt64, UInt64, UInt64, UInt64)

    /// The id that these 32 bytes spell; nil for any other count.
    package init?(bytes: some Sequence<UInt8>) {
        var words: [UInt64] = [0, 0, 0, 0]
        var count = 0
        for byte in bytes {
            guard count < 32 else { return nil }
            words[count / 8] = words[count / 8] << 8 | UInt64(byte)
            count += 1
        }
        guard count == 32 else { return nil }
        self.words = (words[0], words[1], words[2], words[3])
    }

    /// The 32 bytes, in network order.
    package var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        }
    }

    package static func == (left: NodeID, right: NodeID) -> Bool { left.words == right.words }

    package static func < (left: NodeID, right: NodeID) -> Bool { left.words < right.words }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}
