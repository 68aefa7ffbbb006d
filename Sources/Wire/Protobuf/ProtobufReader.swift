// Protobuf's wire format, field by field, without copying a byte.
//
// What comes often (envelopes, announcements of 65,536 routes) is read through this cursor, so that counts and sizes
// are known before anything is allocated. It takes and refuses exactly what SwiftProtobuf does, which a test holds it
// to: overlong varints up to ten bytes are taken, values wider than their field are cut, groups are skipped but for
// `groupLimit` levels, wire types 6 and 7 and field number 0 are refused.

/// Why bytes are not protobuf.
enum ProtobufDefect: Error {
    case truncated
    case malformed
    case tooDeep
}

struct ProtobufReader {
    enum Value {
        case varint(UInt64)
        /// The place of a length-delimited field's body in the reader's bytes.
        case bytes(Range<Int>)
        /// A fixed-size number or a group: nothing in our schema, skipped already.
        case other
    }

    /// Groups within groups in an outermost message: SwiftProtobuf's limit of 100 messages, less the outermost.
    static let groupLimit = 99

    private let bytes: UnsafeRawBufferPointer
    private var place = 0
    private let groupLimit: Int

    /// - Parameter groupLimit: levels of groups that may be skipped; one less for each message around this one.
    init(_ bytes: UnsafeRawBufferPointer, groupLimit: Int = ProtobufReader.groupLimit) {
        self.bytes = bytes
        self.groupLimit = groupLimit
    }

    /// Where the next field begins.
    var offset: Int { place }

    /// The next field, wholly read; nil at the end.
    mutating func next() throws(ProtobufDefect) -> (number: UInt32, value: Value)? {
        guard place < bytes.count else { return nil }
        let start = place
        let tag = try tag()
        // Only within groups may a tag be longer than the five bytes that 32 bits need.
        guard place - start <= 5 else { throw .malformed }
        let number = tag >> 3
        switch tag & 7 {
        case 0: return (number, .varint(try varint()))
        case 2: return (number, .bytes(try body()))
        default:
            try skip(tag, groups: groupLimit)
            return (number, .other)
        }
    }

    private mutating func varint() throws(ProtobufDefect) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while place < bytes.count {
            guard shift < 64 else { throw .malformed }
            let byte = bytes[place]
            place += 1
            // The tenth byte has one bit's room; the rest is cut off, as everywhere.
            value |= UInt64(byte & 0x7F) &<< shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        throw .truncated
    }

    private mutating func tag() throws(ProtobufDefect) -> UInt32 {
        guard let tag = UInt32(exactly: try varint()), tag >> 3 != 0, tag & 7 < 6 else { throw .malformed }
        return tag
    }

    private mutating func body() throws(ProtobufDefect) -> Range<Int> {
        guard let count = Int(exactly: try varint()), count <= bytes.count - place else { throw .truncated }
        defer { place += count }
        return place..<(place + count)
    }

    private mutating func skip(_ tag: UInt32, groups: Int) throws(ProtobufDefect) {
        switch tag & 7 {
        case 0: _ = try varint()
        case 1: try advance(by: 8)
        case 2: _ = try body()
        case 3:
            guard groups > 0 else { throw .tooDeep }
            while true {
                guard place < bytes.count else { throw .truncated }
                let inner = try self.tag()
                if inner & 7 == 4 {
                    guard inner >> 3 == tag >> 3 else { throw .malformed }
                    return
                }
                try skip(inner, groups: groups - 1)
            }
        case 5: try advance(by: 4)
        // The end of a group that never began.
        default: throw .malformed
        }
    }

    private mutating func advance(by count: Int) throws(ProtobufDefect) {
        guard bytes.count - place >= count else { throw .truncated }
        place += count
    }
}
