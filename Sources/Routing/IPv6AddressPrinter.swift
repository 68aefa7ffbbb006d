// Writing an IPv6 address: the one text that RFC 5952 asks for.
//
// Lower case, no leading zeros, the longest run of two or more zero groups as `::` and the first of equals (section 4),
// and the IPv4-mapped block with its dotted quad (section 5: the well-known prefix itself says that an IPv4 address
// follows). The RFC 6052 block `64:ff9b::/96` stays hexadecimal, as every inet_ntop writes it.

extension IPv6Address: CustomStringConvertible {
    /// RFC 5952's text.
    package var description: String {
        String(unsafeUninitializedCapacity: Self.longestText) { write(into: $0) }
    }

    /// Bytes that the longest text takes.
    package static var longestText: Int { 39 }

    /// Writes the text's ASCII bytes to the front of `buffer`, which must hold `longestText` bytes; the count written.
    package func write(into buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var writer = TextWriter(buffer: buffer)
        if isV4Mapped {
            // "::ffff:" and the quad.
            writer.put(UInt8(ascii: ":"))
            writer.put(UInt8(ascii: ":"))
            writer.putHexadecimal(0xffff)
            for shift in stride(from: UInt64(24), through: 0, by: -8) {
                writer.put(shift == 24 ? UInt8(ascii: ":") : UInt8(ascii: "."))
                writer.putDecimal(low &>> shift & 0xff)
            }
            return writer.count
        }
        let gap = longestZeroRun
        var index = 0
        while index < 8 {
            if index == gap.start {
                writer.put(UInt8(ascii: ":"))
                writer.put(UInt8(ascii: ":"))
                index &+= gap.count
                continue
            }
            if index > 0 && index != gap.start &+ gap.count { writer.put(UInt8(ascii: ":")) }
            writer.putHexadecimal(group(index))
            index &+= 1
        }
        return writer.count
    }

    /// The `index`th group of 16 bits, 0…7.
    @inline(__always)
    private func group(_ index: Int) -> UInt64 {
        let word = index < 4 ? high : low
        return word &>> UInt64(truncatingIfNeeded: 48 &- 16 &* (index & 3)) & 0xffff
    }

    /// The run that `::` replaces: the longest of at least two groups, the first of equals; start 8 if there is none.
    private var longestZeroRun: (start: Int, count: Int) {
        var best = (start: 8, count: 1)
        var start = 0
        var index = 0
        while index < 8 {
            if group(index) != 0 {
                start = index &+ 1
            } else if index &+ 1 &- start > best.count {
                best = (start, index &+ 1 &- start)
            }
            index &+= 1
        }
        return best.start == 8 ? (8, 0) : best
    }
}

/// ASCII into a buffer that is known to be long enough.
private struct TextWriter {
    let buffer: UnsafeMutableBufferPointer<UInt8>
    var count = 0

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        buffer[count] = byte
        count &+= 1
    }

    mutating func putHexadecimal(_ group: UInt64) {
        var shift: UInt64 = group > 0xfff ? 12 : group > 0xff ? 8 : group > 0xf ? 4 : 0
        while true {
            let digit = UInt8(truncatingIfNeeded: group &>> shift & 0xf)
            put(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
            if shift == 0 { return }
            shift &-= 4
        }
    }

    mutating func putDecimal(_ octet: UInt64) {
        let value = UInt8(truncatingIfNeeded: octet)
        if value >= 100 { put(0x30 &+ value / 100) }
        if value >= 10 { put(0x30 &+ value / 10 % 10) }
        put(0x30 &+ value % 10)
    }
}
