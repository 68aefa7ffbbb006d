// Where in a document something stands (RFC 6901): how every complaint of the API names its place.

/// A list of reference tokens. Its text is "" for the whole document, else `/` and an escaped token for each step.
package struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
    /// The steps, unescaped.
    package private(set) var tokens: [String]

    /// The whole document.
    package static let root = JSONPointer(tokens: [])

    package init(tokens: [String]) { self.tokens = tokens }

    /// Reads a pointer's text; nil if it does not begin with `/` (and is not empty) or has a `~` that is no escape.
    package init?(parsing text: String) {
        guard !text.isEmpty else {
            self = .root
            return
        }
        guard text.utf8.first == UInt8(ascii: "/") else { return nil }
        var tokens: [String] = []
        for part in text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let token = Self.unescape(part) else { return nil }
            tokens.append(token)
        }
        self.tokens = tokens
    }

    package func appending(_ member: String) -> JSONPointer { JSONPointer(tokens: tokens + [member]) }

    package func appending(_ index: Int) -> JSONPointer { appending(String(index)) }

    package var description: String { tokens.map { "/" + Self.escape($0) }.joined() }

    /// RFC 6901 section 3: `~` is written ~0 and `/` ~1.
    private static func escape(_ token: String) -> String {
        var result: [UInt8] = []
        for byte in token.utf8 {
            switch byte {
            case UInt8(ascii: "~"): result += Array("~0".utf8)
            case UInt8(ascii: "/"): result += Array("~1".utf8)
            default: result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func unescape(_ token: Substring.UTF8View) -> String? {
        var result: [UInt8] = []
        var rest = token.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "~") else {
                result.append(byte)
                continue
            }
            switch rest.next() {
            case UInt8(ascii: "0"): result.append(UInt8(ascii: "~"))
            case UInt8(ascii: "1"): result.append(UInt8(ascii: "/"))
            default: return nil
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

extension JSONValue {
    /// What the pointer points at; nil where nothing stands there.
    package func value(at pointer: JSONPointer) -> JSONValue? {
        var value = self
        for token in pointer.tokens {
            let next: JSONValue?
            switch value {
            case .object(let object): next = object[token]
            // RFC 6901 section 4: digits without leading zeros; "-", the element after the last, is never there.
            case .array(let array):
                guard let index = Int(token), String(index) == token, array.indices.contains(index) else { return nil }
                next = array[index]
            default: next = nil
            }
            guard let next else { return nil }
            value = next
        }
        return value
    }
}
