// ETag, If-Match and If-None-Match (RFC 9110 sections 8.8.3 and 13): no writer undoes another's change unknowingly
// (fault E12). An item's ETag is the hash of its canonical JSON, so that the same content always has the same one.

import HTTP
import JSON
import ManagementAPI

enum Preconditions {
    /// Strong: the first 16 hex digits of SHA-256 over the canonical JSON, in quotes.
    static func etag(of value: JSONValue, sha256: ([UInt8]) -> [UInt8]) -> String {
        "\"\(Hex.text(sha256(value.canonicalized()).prefix(8)))\""
    }

    /// Checks a write against the item as it is; `current` is nil where there is none.
    static func check(_ headers: HTTPHeaders, current: String?) throws(Problem) {
        if let wanted = try tags(headers, "if-match") {
            // RFC 9110, 13.1.1: strong comparison, and `*` means "there is one".
            let isMet = wanted.isAny ? current != nil : current.map { wanted.strong.contains($0) } ?? false
            guard isMet else {
                let detail = current == nil ? "there is no such item" : "If-Match names another state"
                throw Problem(.preconditionFailed, detail, currentETag: current)
            }
        }
        if let unwanted = try tags(headers, "if-none-match") {
            let isMet = unwanted.isAny ? current == nil : current.map { !unwanted.opaque.contains($0) } ?? true
            guard isMet else {
                throw Problem(.preconditionFailed, "the item exists (If-None-Match)", currentETag: current)
            }
        }
    }

    /// True where a GET is answered 304 (RFC 9110, 13.1.2: weak comparison); If-Match may refuse it.
    static func isNotModified(_ headers: HTTPHeaders, current: String) throws(Problem) -> Bool {
        if let wanted = try tags(headers, "if-match"), !wanted.isAny, !wanted.strong.contains(current) {
            throw Problem(.preconditionFailed, "If-Match names another state", currentETag: current)
        }
        guard let known = try tags(headers, "if-none-match") else { return false }
        return known.isAny || known.opaque.contains(current)
    }

    private struct Tags {
        var isAny = false
        /// Strong tags with their quotes.
        var strong: [String] = []
        /// All tags with quotes and without `W/`.
        var opaque: [String] = []
    }

    /// The list in the fields of that name; nil without one; malformed: 400. At most 64 tags count.
    private static func tags(_ headers: HTTPHeaders, _ name: String) throws(Problem) -> Tags? {
        let fields = headers.all(name)
        guard !fields.isEmpty else { return nil }
        var tags = Tags()
        if fields == ["*"] {
            tags.isAny = true
            return tags
        }
        for field in fields {
            var rest = Substring(field).utf8
            while !rest.isEmpty {
                while let byte = rest.first, byte == 0x20 || byte == 0x09 || byte == 0x2C { rest.removeFirst() }
                if rest.isEmpty { break }
                let isWeak = rest.starts(with: "W/".utf8)
                if isWeak { rest.removeFirst(2) }
                guard rest.first == 0x22, let end = rest.dropFirst().firstIndex(of: 0x22) else {
                    throw .parameter(name, "must be * or a list of entity tags in double quotes")
                }
                let tag = String(Substring(rest[...end]))
                rest = rest[rest.index(after: end)...]
                guard tags.opaque.count < 64 else { continue }
                tags.opaque.append(tag)
                if !isWeak { tags.strong.append(tag) }
            }
        }
        return tags
    }
}
