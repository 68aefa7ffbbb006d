// The reader of RFC 8259, and of nothing else: no comments, trailing commas, byte order mark, duplicate members,
// control characters in strings, leading zeros or lone surrogates. Policy and configuration come through here, and
// what two parsers read differently is how a policy fails open.
//
// One pass by recursive descent over an array of bytes. Recursion is bounded by the depth that the caller allows, and
// that by `depthLimit`; work and memory by the size, which is checked before anything else.

extension JSONValue {
    /// Reads one JSON text.
    /// - Parameters:
    ///   - maximumDepth: containers within containers; `[]` is 1. Never more than 512, whatever is asked for.
    ///   - maximumBytes: size of the text; 1 MiB unless said.
    package init(
        parsing bytes: some Collection<UInt8>, maximumDepth: Int = 32, maximumBytes: Int = 1 << 20
    ) throws(JSONError) {
        guard bytes.count <= maximumBytes else {
            throw JSONError(
                kind: .tooLarge, line: 1, column: 1, offset: 0,
                message: "the text has \(bytes.count) bytes, at most \(maximumBytes) are allowed")
        }
        var parser = JSONParser(bytes: Array(bytes), depth: min(maximumDepth, JSONParser.depthLimit))
        self = try parser.text()
    }

    /// Reads one JSON text out of a string.
    package init(
        parsing text: String, maximumDepth: Int = 32, maximumBytes: Int = 1 << 20
    ) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), maximumDepth: maximumDepth, maximumBytes: maximumBytes)
    }
}

struct JSONParser {
    /// Deepest nesting at all: what the stack of the smallest thread bears many times over.
    static let depthLimit = 512

    let bytes: [UInt8]
    var place = 0
    /// Containers that may still be opened.
    private var depth: Int

    init(bytes: [UInt8], depth: Int) {
        self.bytes = bytes
        self.depth = depth
    }

    /// JSON-text = ws value ws
    mutating func text() throws(JSONError) -> JSONValue {
        skipSpace()
        let value = try value()
        skipSpace()
        guard place == bytes.count else { throw error("nothing may follow the value") }
        return value
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        switch peek() {
        case UInt8(ascii: "{"): return try nested { parser throws(JSONError) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(JSONError) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case let byte? where byte == UInt8(ascii: "-") || Self.isDigit(byte): return try number()
        case nil: throw error("the text ends where a value must stand")
        default: throw error("a value must stand here")
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONError) -> JSONValue
    ) throws(JSONError) -> JSONValue {
        guard depth > 0 else { throw error("nested too deep", .tooDeep) }
        depth -= 1
        let value = try body(&self)
        depth += 1
        return value
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        place += 1
        var object = JSONObject()
        skipSpace()
        if take("}") { return .object(object) }
        while true {
            let start = place
            guard peek() == UInt8(ascii: "\"") else { throw error("a member's name in quotes must stand here") }
            let key = try string()
            // Refused before the value is read, so that the error stands at the second name.
            guard !object.contains(key) else {
                throw error("the member \(Self.quoted(key)) stands here a second time", .duplicateKey, at: start)
            }
            skipSpace()
            guard take(":") else { throw error("':' must follow a member's name") }
            skipSpace()
            _ = object.appendIfAbsent(key, try value())
            skipSpace()
            if take("}") { return .object(object) }
            guard take(",") else { throw error("',' or '}' must follow a member") }
            skipSpace()
        }
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        place += 1
        var array: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(array) }
        while true {
            array.append(try value())
            skipSpace()
            if take("]") { return .array(array) }
            guard take(",") else { throw error("',' or ']' must follow an element") }
            skipSpace()
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let length = word.utf8CodeUnitCount
        let matches = word.withUTF8Buffer { bytes.dropFirst(place).prefix(length).elementsEqual($0) }
        guard matches else { throw error("a value must stand here; is \(word) meant?") }
        place += length
        return value
    }

    /// number = [ "-" ] int [ frac ] [ exp ]
    private mutating func number() throws(JSONError) -> JSONValue {
        let start = place
        _ = take("-")
        if take("0") {
            if let next = peek(), Self.isDigit(next) { throw error("a number has no leading zeros", at: start) }
        } else if !digits() {
            throw error("a digit must stand here")
        }
        var isInteger = true
        if take(".") {
            isInteger = false
            guard digits() else { throw error("a digit must follow the decimal point") }
        }
        if take("e") || take("E") {
            isInteger = false
            _ = take("+") || take("-")
            guard digits() else { throw error("a digit must stand in the exponent") }
        }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else { throw error("the number is too large", at: start) }
        return .number(number)
    }

    /// Skips digits; false if there was none.
    private mutating func digits() -> Bool {
        let start = place
        while let next = peek(), Self.isDigit(next) { place += 1 }
        return place > start
    }

    // MARK: Bytes

    func peek() -> UInt8? { place < bytes.count ? bytes[place] : nil }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(truncatingIfNeeded: character.value) else { return false }
        place += 1
        return true
    }

    /// ws = *( space / tab / line feed / carriage return )
    private mutating func skipSpace() {
        while let next = peek(), next == 0x20 || next == 0x09 || next == 0x0A || next == 0x0D { place += 1 }
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    func error(_ message: String, _ kind: JSONError.Kind = .syntax, at offset: Int? = nil) -> JSONError {
        JSONError(kind, at: offset ?? place, in: bytes, message)
    }

    /// A member's name for an error: escaped, and cut after 64 characters.
    private static func quoted(_ key: String) -> String {
        let cut = key.count > 64 ? key.prefix(64) + "…" : key[...]
        return String(decoding: JSONValue.string(String(cut)).serialized(), as: UTF8.self)
    }
}
