// Who a node is on the wire: SHA-256 of its leaf certificate's DER, 32 bytes.

/// A peer id: 32 bytes, kept as four words so that it is compared and hashed without touching the heap.
package struct NodeID: Hashable, Comparable, Sendable {
    package var words: (UInt64, UInt64, UInt64, UInt64)

    /// The id that these 32 bytes spell; nil for any other count.
    package init?(bytes: some Sequence<UInt8>) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var count = 0
        for byte in bytes {
            switch count {
            case 0..<8: words.0 = words.0 &<< 8 | UInt64(byte)
            case 8..<16: words.1 = words.1 &<< 8 | UInt64(byte)
            case 16..<24: words.2 = words.2 &<< 8 | UInt64(byte)
            case 24..<32: words.3 = words.3 &<< 8 | UInt64(byte)
            default: return nil
            }
            count += 1
        }
        guard count == 32 else { return nil }
        self.words = words
    }

    /// The id that these 64 hexadecimal digits spell, in either case; nil for any other text.
    package init?(hex: some StringProtocol) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        var upper: UInt64?
        for character in hex.utf8 {
            guard bytes.count < 32, let digit = hexadecimalDigit(character) else { return nil }
            if let first = upper {
                bytes.append(UInt8(truncatingIfNeeded: first &<< 4 | digit))
                upper = nil
            } else {
                upper = digit
            }
        }
        guard upper == nil else { return nil }
        self.init(bytes: bytes)
    }

    /// The 32 bytes, in network order.
    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(32)
        for word in [words.0, words.1, words.2, words.3] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                result.append(UInt8(truncatingIfNeeded: word &>> shift))
            }
        }
        return result
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

extension NodeID: CustomStringConvertible {
    /// 64 lower-case hexadecimal digits.
    package var description: String {
        String(unsafeUninitializedCapacity: 64) { buffer in
            var index = 0
            for word in [words.0, words.1, words.2, words.3] {
                for shift in stride(from: UInt64(60), through: 0, by: -4) {
                    let digit = UInt8(truncatingIfNeeded: word &>> shift & 0xf)
                    buffer[index] = digit < 10 ? 0x30 &+ digit : 0x57 &+ digit
                    index += 1
                }
            }
            return index
        }
    }
}
