// Header and trailer fields of one message, in the order in which they came.
//
// Both protocol versions and gRPC use this one list. Names are stored in lower case (RFC 9110, 5.1: names are
// case-insensitive; RFC 9113, 8.2: on HTTP/2 they must be lower case anyway), so a look-up is a plain comparison.
// Repeated fields stay apart: whoever reads a field that must be single asks for `all` and sees the duplicate.
// The list is bounded by the parser that fills it (16 KiB and 64 fields by default), not here.

/// An ordered list of fields with case-insensitive look-up.
package struct HTTPHeaders: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// One field; the name is in lower case, the value has no white space at its ends.
    package struct Field: Sendable, Equatable {
        /// Lower-case field name; HTTP/2 pseudo fields begin with a colon.
        package let name: String
        /// Field value as text.
        package let value: String

        /// A field; the name is folded to lower case (ASCII only).
        package init(_ name: String, _ value: String) {
            self.name = HTTPHeaders.lowercased(name)
            self.value = value
        }
    }

    /// All fields in order.
    package private(set) var fields: [Field]

    /// An empty list.
    package init() { fields = [] }

    /// A list of the given fields in the given order.
    package init(_ fields: [Field]) { self.fields = fields }

    /// `["content-type": "text/plain"]`; duplicates stay.
    package init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field($0.0, $0.1) }
    }

    /// The number of fields.
    package var count: Int { fields.count }

    /// Whether there is no field.
    package var isEmpty: Bool { fields.isEmpty }

    /// The value of the first field of that name, nil without one. Setting replaces all fields of the name by one;
    /// setting nil removes them.
    package subscript(name: String) -> String? {
        get {
            let wanted = HTTPHeaders.lowercased(name)
            return fields.first { $0.name == wanted }?.value
        }
        set {
            let wanted = HTTPHeaders.lowercased(name)
            guard let newValue else {
                fields.removeAll { $0.name == wanted }
                return
            }
            let field = Field(wanted, newValue)
            if let index = fields.firstIndex(where: { $0.name == wanted }) {
                fields[index] = field
                var position = 0
                fields.removeAll { other in
                    defer { position += 1 }
                    return position > index && other.name == wanted
                }
            } else {
                fields.append(field)
            }
        }
    }

    /// The values of all fields of that name, in order.
    package func all(_ name: String) -> [String] {
        let wanted = HTTPHeaders.lowercased(name)
        return fields.filter { $0.name == wanted }.map(\.value)
    }

    /// Adds a field at the end; an equal name stays beside it.
    package mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name, value))
    }

    /// Whether the comma-separated list in the fields of that name holds the token (compared case-insensitively),
    /// as `Connection: keep-alive, Upgrade` does (RFC 9110, 5.6.1).
    package func listContains(_ name: String, token: String) -> Bool {
        let wanted = HTTPHeaders.lowercased(token)
        return all(name).contains { value in
            value.split(separator: ",").contains { HTTPHeaders.lowercased(HTTPHeaders.trimmed(String($0))) == wanted }
        }
    }

    /// The size of this list as HTTP/2 counts it: name + value + 32 a field (RFC 9113, 6.5.2).
    package var listSize: Int {
        fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 32 }
    }

    /// ASCII lower case; nothing outside A–Z changes, so no locale and no Unicode folding can make two names equal.
    package static func lowercased(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 0x41 && $0 <= 0x5A }) else { return text }
        return String(decoding: text.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// The text without spaces and tabs at its ends (OWS, RFC 9110, 5.6.3).
    package static func trimmed(_ text: String) -> String {
        var view = Substring(text).utf8
        while let first = view.first, first == 0x20 || first == 0x09 { view.removeFirst() }
        while let last = view.last, last == 0x20 || last == 0x09 { view.removeLast() }
        return String(Substring(view))
    }
}
