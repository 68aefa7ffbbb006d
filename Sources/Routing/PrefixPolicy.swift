// The signed policy's whitelist: which prefixes a neighbour may announce.
//
// v1's rule: a name without an entry is not filtered; one with an empty list may announce nothing; a prefix passes if
// some entry covers it and its length does not exceed that entry's maximum. Names are compared without regard to case,
// as v1's JSON reader compares them.

/// Which prefixes which neighbour may announce.
package struct PrefixPolicy: Sendable, Equatable {
    /// One entry of a list.
    package struct Entry: Hashable, Sendable {
        package var prefix: Prefix
        /// 0…128; the longest prefix that the entry admits.
        package var maximumLength: Int

        package init(prefix: Prefix, maximumLength: Int = 128) {
            self.prefix = prefix
            self.maximumLength = maximumLength
        }
    }

    /// What a policy says about a prefix.
    package enum Verdict: Hashable, Sendable {
        case allowed
        case notWhitelisted
        case maximumLengthExceeded
    }

    private var lists: [String: [Entry]] = [:]

    /// A policy that has no entry for anybody.
    package init() {}

    /// Names that differ in case only are one name; their lists add up.
    package init(_ lists: [String: [Entry]]) {
        for name in lists.keys.sorted() {
            self.lists[name.lowercased(), default: []] += lists[name] ?? []
        }
    }

    /// The list of a name (or of a "sha256:…" key); nil: not filtered.
    package func entries(for name: String) -> [Entry]? { lists[name.lowercased()] }

    /// The names that have an entry, lower-case, sorted.
    package var names: [String] { lists.keys.sorted() }

    /// What a list says about a prefix.
    package static func verdict(_ prefix: Prefix, in entries: [Entry]) -> Verdict {
        var isCovered = false
        for entry in entries where entry.prefix.covers(prefix) {
            if prefix.length <= entry.maximumLength { return .allowed }
            isCovered = true
        }
        return isCovered ? .maximumLengthExceeded : .notWhitelisted
    }
}
