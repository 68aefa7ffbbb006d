// Strings: the part of a JSON text where most parsers disagree.
//
// RFC 8259 section 7: no control characters, eight short escapes and \u. Section 8.1 asks for UTF-8, so every byte
// sequence is held against Unicode's table 3-7 (no overlong forms, no surrogates, nothing past U+10FFFF), and an
// escaped surrogate must come as a whole pair: Swift's String could not hold half of one unchanged.

extension JSONParser {
    /// Reads from the opening quotation mark past the closing one.
    mutating func string() throws(JSONError) -> String {
        place += 1
        // What was read before the last escape; most strings have none and are copied once, at the end.
        var read: [UInt8] = []
        var start = place
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                defer { place += 1 }
                if read.isEmpty { return String(decoding: bytes[start..<place], as: UTF8.self) }
                read += bytes[start..<place]
                return String(decoding: read, as: UTF8.self)
            case UInt8(ascii: "\\"):
                read += bytes[start..<place]
                let scalar = try escape()
                read += Array(String(Character(scalar)).utf8)
                start = place
            case 0..<0x20:
                throw error("a control character in a string must be escaped")
            case 0..<0x80:
                place += 1
            default:
                place += try sequenceLength()
            }
        }
        throw error("the text ends within a string")
    }

    /// Bytes of the UTF-8 sequence at `place`, which begins with 0x80 or above (Unicode, table 3-7).
    private func sequenceLength() throws(JSONError) -> Int {
        let second: ClosedRange<UInt8>
        let length: Int
        switch bytes[place] {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: throw error("the string is not UTF-8", .notUTF8)
        }
        guard bytes.count - place >= length, second.contains(bytes[place + 1]),
            bytes[(place + 2)..<(place + length)].allSatisfy({ $0 & 0xC0 == 0x80 })
        else { throw error("the string is not UTF-8", .notUTF8) }
        return length
    }

    /// Reads an escape sequence, from the backslash on.
    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let start = place
        place += 1
        let byte = peek()
        place += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape(from: start)
        default: throw error("no such escape", at: start)
        }
    }

    /// Reads the digits after `\u`, and the second half of a surrogate pair.
    private mutating func unicodeEscape(from start: Int) throws(JSONError) -> Unicode.Scalar {
        let unit = try codeUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, take("\\"), take("u") else {
            throw error("an escape is half a surrogate pair", .notUTF8, at: start)
        }
        let second = try codeUnit()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (second - 0xDC00))
        else { throw error("an escape is half a surrogate pair", .notUTF8, at: start) }
        return scalar
    }

    /// 4HEXDIG
    private mutating func codeUnit() throws(JSONError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = Self.hexDigit(byte) else {
                throw error("four hexadecimal digits must follow \\u")
            }
            unit = unit << 4 | digit
            place += 1
        }
        return unit
    }

    private static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}
