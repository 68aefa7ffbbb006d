// Values to text: compact for the wire, indented by two for people, sorted for hashes.

extension JSONValue {
    /// The text in UTF-8. Pretty text is indented by two spaces and ends without a line break.
    ///
    /// A slash is not escaped; control characters, `"` and `\` are. U+2028 and U+2029 stay: JSON allows them.
    package func serialized(pretty: Bool = false) -> [UInt8] {
        var writer = JSONWriter(isPretty: pretty, isSorted: false)
        writer.write(self)
        return writer.output
    }

    /// The compact text with every object's members in the order of their UTF-8 bytes: equal values, equal bytes.
    /// For ETags and hashes.
    package func canonicalized() -> [UInt8] {
        var writer = JSONWriter(isPretty: false, isSorted: true)
        writer.write(self)
        return writer.output
    }

    /// `serialized` as a string.
    package func text(pretty: Bool = false) -> String { String(decoding: serialized(pretty: pretty), as: UTF8.self) }
}

private struct JSONWriter {
    let isPretty: Bool
    let isSorted: Bool
    var output: [UInt8] = []
    private var indentation = 0

    init(isPretty: Bool, isSorted: Bool) {
        self.isPretty = isPretty
        self.isSorted = isSorted
    }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: put("null")
        case .bool(let value): put(value ? "true" : "false")
        case .integer(let value): put(String(value))
        // Swift's shortest text that reads back as the same number is within JSON's grammar when it is finite.
        case .number(let value): put(value.isFinite ? value.description : "null")
        case .string(let value): string(value)
        case .array(let elements):
            list(elements, open: "[", close: "]") { writer, element in writer.write(element) }
        case .object(let object):
            let members =
                isSorted
                ? object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } : object.members
            list(members, open: "{", close: "}") { writer, member in
                writer.string(member.key)
                writer.put(writer.isPretty ? ": " : ":")
                writer.write(member.value)
            }
        }
    }

    private mutating func list<Element>(
        _ elements: [Element], open: String, close: String, _ body: (inout JSONWriter, Element) -> Void
    ) {
        put(open)
        indentation += 1
        for (place, element) in elements.enumerated() {
            if place > 0 { put(",") }
            breakLine()
            body(&self, element)
        }
        indentation -= 1
        if !elements.isEmpty { breakLine() }
        put(close)
    }

    private mutating func breakLine() {
        guard isPretty else { return }
        output.append(UInt8(ascii: "\n"))
        output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * indentation))
    }

    private mutating func put(_ text: String) { output.append(contentsOf: text.utf8) }

    private mutating func string(_ text: String) {
        output.append(UInt8(ascii: "\""))
        // A Swift String is always well-formed Unicode, so its UTF-8 is valid.
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): put("\\\"")
            case UInt8(ascii: "\\"): put("\\\\")
            case 0x08: put("\\b")
            case 0x09: put("\\t")
            case 0x0A: put("\\n")
            case 0x0C: put("\\f")
            case 0x0D: put("\\r")
            case 0..<0x20, 0x7F:
                put("\\u00")
                output.append(Self.hex(byte >> 4))
                output.append(Self.hex(byte & 15))
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    private static func hex(_ digit: UInt8) -> UInt8 { digit < 10 ? 48 + digit : 87 + digit }
}
