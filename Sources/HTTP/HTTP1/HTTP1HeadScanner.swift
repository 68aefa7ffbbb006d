// Finds where a head ends, byte by byte, and refuses what no head may hold as soon as it comes.
//
// Only CRLF ends a line. RFC 9112 (2.2) lets a recipient take a lone LF; a proxy before us may not have, and then the
// two would see different messages, so it is refused here, as are a lone CR and NUL (fault E7).

/// The scanner of one head; it remembers how far it has looked.
struct HTTP1HeadScanner {
    private var position = 0
    private var lineStart = 0
    private var lines = 0
    private var previous: UInt8 = 0
    /// The length of the first line with its CRLF, once it is there.
    private(set) var firstLineLength: Int?

    /// Looks at the rest of `bytes` (always the same head, grown). The length of the head with its empty line, or nil
    /// while that has not come.
    mutating func scan(_ bytes: ArraySlice<UInt8>, limits: HTTP1HeadLimits) throws(HTTP1Fault) -> Int? {
        // Room for the longest target with a method and a version around it.
        let firstLineBytes = limits.target + 64
        while position < bytes.count {
            let byte = bytes[bytes.startIndex + position]
            position += 1
            if previous == 0x0D, byte != 0x0A { throw .bad("a CR stands without its LF") }
            switch byte {
            case 0x0A:
                if previous != 0x0D { throw .bad("a LF stands without its CR") }
                if position - lineStart == 2, lines > 0 { return position }
                lines += 1
                if lines == 1 { firstLineLength = position }
                lineStart = position
            case 0x00: throw .bad("a NUL stands in the head")
            default: break
            }
            previous = byte
            if lines == 0, position > firstLineBytes { throw .status(414, "the target is too long") }
            if position >= limits.bytes { throw .status(431, "the head may have \(limits.bytes) bytes at most") }
        }
        return nil
    }
}
