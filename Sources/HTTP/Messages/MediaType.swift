// Media types: `application/json; charset=utf-8` taken apart (RFC 9110, 8.3.1).
//
// Strict where an attacker would profit from leniency: a value that does not parse is no media type at all, so a
// request with `text/plain, application/json` is not mistaken for JSON.

/// A parsed media type.
package struct MediaType: Sendable, Equatable {
    /// `type/subtype` in lower case.
    package let essence: String
    /// Parameters in order; names in lower case, values as sent without quotes.
    package let parameters: [HTTPHeaders.Field]

    /// Parses a field value; nil where it is not exactly one media type.
    package init?(parsing text: String) {
        var scanner = FieldScanner(text)
        scanner.skipWhitespace()
        guard let type = scanner.token(), scanner.take(0x2F), let subtype = scanner.token() else { return nil }
        var parameters: [HTTPHeaders.Field] = []
        scanner.skipWhitespace()
        while !scanner.isAtEnd {
            guard scanner.take(0x3B) else { return nil }
            scanner.skipWhitespace()
            if scanner.isAtEnd { break }
            guard let name = scanner.token(), scanner.take(0x3D), let value = scanner.tokenOrQuoted() else {
                return nil
            }
            parameters.append(HTTPHeaders.Field(name, value))
            scanner.skipWhitespace()
        }
        essence = HTTPHeaders.lowercased("\(type)/\(subtype)")
        self.parameters = parameters
    }

    /// The value of the parameter of that name, e.g. `charset`.
    package func parameter(_ name: String) -> String? {
        let wanted = HTTPHeaders.lowercased(name)
        return parameters.first { $0.name == wanted }?.value
    }
}

/// Reads tokens and quoted strings of a field value (RFC 9110, 5.6).
struct FieldScanner {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = Substring(text).utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skipWhitespace() {
        while let byte = rest.first, byte == 0x20 || byte == 0x09 { rest.removeFirst() }
    }

    /// Takes that one byte if it is next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard rest.first == byte else { return false }
        rest.removeFirst()
        return true
    }

    /// A token of one character or more.
    mutating func token() -> String? {
        let token = rest.prefix(while: HTTPSyntax.isToken)
        guard !token.isEmpty else { return nil }
        rest = rest.dropFirst(token.count)
        return String(Substring(token))
    }

    /// A token, or a quoted string without its quotes.
    mutating func tokenOrQuoted() -> String? {
        guard take(0x22) else { return token() }
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == 0x22 { return String(decoding: bytes, as: UTF8.self) }
            if byte != 0x5C {
                bytes.append(byte)
            } else {
                guard let escaped = rest.popFirst() else { return nil }
                bytes.append(escaped)
            }
        }
        return nil
    }
}
