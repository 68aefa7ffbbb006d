// Text from a router is text from strangers: a peer chooses its name, an error quotes what it sent.
//
// What a terminal would act upon instead of showing it (control characters, and the marks that turn the direction of
// writing round or take no room) is printed as `\u{1b}`.

enum Escaping {
    /// Whether a terminal shows the scalar as a sign of its own.
    static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 0x20 && scalar.value != 0x7F }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: return false
        default: return true
        }
    }

    /// One line of text that is safe to print.
    static func line(_ text: String) -> String { escaped(text, keeping: []) { "\\u{\(String($0, radix: 16))}" } }

    /// The same for text of several lines: newlines and tabs stay.
    static func block(_ text: String) -> String {
        escaped(text, keeping: ["\n", "\t"]) { "\\u{\(String($0, radix: 16))}" }
    }

    /// JSON text with its odd characters written as `\u001b`. They can stand in strings only, so the value is the same.
    static func json(_ text: String) -> String {
        escaped(text, keeping: ["\n", "\t", "\r"]) { value in
            guard value > 0xFFFF else { return unit(value) }
            // RFC 8259, 7: beyond the basic plane a surrogate pair.
            return unit(0xD800 + (value - 0x10000) >> 10) + unit(0xDC00 + (value - 0x10000) & 0x3FF)
        }
    }

    private static func unit(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private static func escaped(
        _ text: String, keeping: Set<Unicode.Scalar>, _ escape: (UInt32) -> String
    ) -> String {
        if text.unicodeScalars.allSatisfy({ isPlain($0) || keeping.contains($0) }) { return text }
        var safe = ""
        for scalar in text.unicodeScalars {
            if isPlain(scalar) || keeping.contains(scalar) {
                safe.unicodeScalars.append(scalar)
            } else {
                safe += escape(scalar.value)
            }
        }
        return safe
    }
}
