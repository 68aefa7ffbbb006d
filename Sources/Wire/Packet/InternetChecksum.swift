// The checksum of the Internet protocols (RFC 1071) with IPv6's pseudo-header (RFC 8200 section 8.1).

import Routing

/// The one's complement sum of 16-bit words, collected piece by piece.
package struct InternetChecksum {
    // Each addition brings at most 2^32, so 64 bits hold four billion of them: far beyond any packet.
    private var sum: UInt64 = 0

    package init() {}

    /// Adds bytes. A piece of odd length counts as followed by a zero, so only the last may be odd.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while offset &+ 4 <= bytes.count {
            sum &+= UInt64(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            offset &+= 4
        }
        if offset &+ 2 <= bytes.count {
            sum &+= UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
            offset &+= 2
        }
        if offset < bytes.count { sum &+= UInt64(bytes[offset]) &<< 8 }
    }

    /// Adds the pseudo-header of an upper-layer packet of `length` bytes.
    package mutating func addPseudoHeader(
        source: IPv6Address, destination: IPv6Address, length: Int, nextHeader: UInt8
    ) {
        addWord(source.high)
        addWord(source.low)
        addWord(destination.high)
        addWord(destination.low)
        sum &+= UInt64(truncatingIfNeeded: length) & 0xffff_ffff
        sum &+= UInt64(nextHeader)
    }

    private mutating func addWord(_ word: UInt64) {
        sum &+= word &>> 32
        sum &+= word & 0xffff_ffff
    }

    /// The field's value: the complement of the sum. Over a packet whose field is right it is 0.
    package var value: UInt16 {
        var folded = sum
        while folded > 0xffff { folded = folded & 0xffff &+ folded &>> 16 }
        return ~UInt16(truncatingIfNeeded: folded)
    }
}
