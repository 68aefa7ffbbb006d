// The signed policy's whitelist: which prefixes a neighbour may announce.
//
// v1's rule: a name without an entry is not filtered; one with an empty list may announce nothing; a prefix passes if
// some entry covers it and its length does not exceed that entry's maximum. Names are compared without regard to case,
// as v1's JSON reader compares them.

/// One entry of a whitelist.
package struct PolicyEntry: Hashable, Sendable {
    package var prefix: Prefix
    /// 0…128; the longest prefix that the entry admits.
    package var maximumLength: Int

    package init(prefix: Prefix, maximumLength: Int = 128) {
        self.prefix = prefix
        self.maximumLength = maximumLength
    }
}

/// Which prefixes which neighbour may announce.
package struct PrefixPolicy: Sendable, Equatable {
    /// What a policy says about a prefix.
    package enum Verdict: Hashable, Sendable {
        case allowed
        case notWhitelisted
        case maximumLengthExceeded
    }

    private var lists: [String: [PolicyEntry]] = [:]

    /// A policy that has no entry for anybody.
    package init() {}

    /// Names that differ in case only are one name; their lists add up.
    package init(_ lists: [String: [PolicyEntry]]) {
        for name in lists.keys.sorted() {
            self.lists[name.lowercased(), default: []] += lists[name] ?? []
        }
    }

    /// The list of a name (or of a "sha256:…" key); nil: not filtered.
    package func entries(for name: String) -> [PolicyEntry]? { lists[name.lowercased()] }

    /// The names that have an entry, lower-case, sorted.
    package var names: [String] { lists.keys.sorted() }

    /// What a list says about a prefix.
    package static func verdict(_ prefix: Prefix, in entries: [PolicyEntry]) -> Verdict {
        var isCovered = false
        for entry in entries where entry.prefix.includes(prefix) {
            if prefix.length <= entry.maximumLength { return .allowed }
            isCovered = true
        }
        return isCovered ? .maximumLengthExceeded : .notWhitelisted
    }
}

extension Prefix {
    /// True if every address of `other` is one of this prefix.
    func includes(_ other: Prefix) -> Bool {
        other.length >= length && Prefix(masking: other.address, length: length) == self
    }
}
