// Reads an object member by member and keeps a list of all that is wrong with it.
//
// A client that sends five mistakes is told of five, each with the pointer to its place. A getter answers nil where
// the member is missing or wrong, and has noted the issue by then; the caller goes on with a stand-in and looks at
// `finish()` once, at the end. Members nobody asked for are issues too (`unknown_field`), unless the reader is
// tolerant.

/// One thing wrong with a document.
package struct JSONIssue: Error, Sendable, Equatable, CustomStringConvertible {
    /// RFC 6901 pointer to the member that is wrong, or that is missing.
    package let pointer: String
    /// For programs: `required`, `wrong_type`, `out_of_range`, `too_long`, `not_allowed`, `unknown_field`, or the
    /// caller's own.
    package let code: String
    /// For people.
    package let detail: String

    package init(pointer: String, code: String, detail: String) {
        self.pointer = pointer
        self.code = code
        self.detail = detail
    }

    package var description: String { pointer.isEmpty ? detail : "\(pointer): \(detail)" }
}

/// A strict reader of one object. Not for use after `finish()`.
package struct JSONObjectReader {
    /// What a member may be besides a value of its type.
    package enum Need: Sendable {
        /// It must be there and not be null.
        case required
        /// It may be missing, but not be null.
        case optional
        /// It may be missing or null.
        case nullable
    }

    package enum UnknownMembers: Sendable {
        case refused
        /// Kept apart: see `unknownMembers`.
        case kept
    }

    /// The object that is read; empty where the document had something else.
    package let object: JSONObject
    /// Where it stands in the document.
    package let pointer: JSONPointer
    /// What was found wrong so far: at most `maximumIssues`.
    package private(set) var issues: [JSONIssue] = []
    private let unknown: UnknownMembers
    private var known: Set<ByteKey> = []

    /// More than anybody reads; the rest of a hostile document's issues is not noted.
    package static let maximumIssues = 100

    package init(object: JSONObject, at pointer: JSONPointer = .root, unknown: UnknownMembers = .refused) {
        self.object = object
        self.pointer = pointer
        self.unknown = unknown
    }

    /// Reads any value; anything but an object is an issue.
    package init(_ value: JSONValue, at pointer: JSONPointer = .root, unknown: UnknownMembers = .refused) {
        self.init(object: value.objectValue ?? JSONObject(), at: pointer, unknown: unknown)
        if value.objectValue == nil {
            report(pointer, code: "wrong_type", detail: "must be an object, is \(value.typeName)")
        }
    }

    // MARK: Members of any type

    /// The member as it stands, null included. The name counts as known from now on.
    package mutating func value(_ key: String) -> JSONValue? {
        known.insert(ByteKey(key))
        return object[key]
    }

    /// True if the member is there, null or not.
    package func isPresent(_ key: String) -> Bool { object.contains(key) }

    /// True if the member is there and null.
    package func isNull(_ key: String) -> Bool { object[key]?.isNull == true }

    /// Names that are accepted and not read.
    package mutating func ignore(_ keys: String...) { known.formUnion(keys.map(ByteKey.init)) }

    // MARK: Members of a type

    /// A string whose length in UTF-8 bytes lies in `length`.
    package mutating func string(
        _ key: String, _ need: Need = .required, length: ClosedRange<Int> = 0...4096
    ) -> String? {
        guard let text = typed(key, need, "a string", \.stringValue) else { return nil }
        guard length.contains(text.utf8.count) else {
            let bound = length.contains(max(text.utf8.count, length.lowerBound)) ? "too_short" : "too_long"
            report(key, code: bound, detail: "must have \(length.lowerBound) to \(length.upperBound) bytes")
            return nil
        }
        return text
    }

    /// One of a few words, compared exactly.
    package mutating func choice(_ key: String, _ need: Need = .required, among words: [String]) -> String? {
        guard let text = typed(key, need, "a string", \.stringValue) else { return nil }
        guard words.contains(text) else {
            report(key, code: "not_allowed", detail: "must be one of: \(words.joined(separator: ", "))")
            return nil
        }
        return text
    }

    /// An integer in `range`. 5.0 and "5" are not integers.
    package mutating func int(
        _ key: String, _ need: Need = .required, in range: ClosedRange<Int64> = Int64.min...Int64.max
    ) -> Int64? {
        guard let number = typed(key, need, "an integer", \.integerValue) else { return nil }
        guard range.contains(number) else {
            report(key, code: "out_of_range", detail: "must be \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    package mutating func bool(_ key: String, _ need: Need = .required) -> Bool? {
        typed(key, need, "a boolean", \.boolValue)
    }

    /// An array of at most `maximumCount` elements.
    package mutating func array(_ key: String, _ need: Need = .required, maximumCount: Int = 65_536) -> [JSONValue]? {
        guard let array = typed(key, need, "an array", \.arrayValue) else { return nil }
        guard array.count <= maximumCount else {
            report(key, code: "too_long", detail: "must have at most \(maximumCount) elements")
            return nil
        }
        return array
    }

    /// An array of strings; every element that is none is an issue of its own, and then the answer is nil.
    package mutating func strings(_ key: String, _ need: Need = .required, maximumCount: Int = 65_536) -> [String]? {
        guard let array = array(key, need, maximumCount: maximumCount) else { return nil }
        var isGood = true
        for (index, element) in array.enumerated() where element.stringValue == nil {
            isGood = false
            let place = pointer(to: key).appending(index)
            report(place, code: "wrong_type", detail: "must be a string, is \(element.typeName)")
        }
        return isGood ? array.compactMap(\.stringValue) : nil
    }

    package mutating func object(_ key: String, _ need: Need = .required) -> JSONObject? {
        typed(key, need, "an object", \.objectValue)
    }

    /// A reader of the object in a member. Give it back by `absorb`, or its issues are lost.
    package mutating func reader(
        _ key: String, _ need: Need = .required, unknown: UnknownMembers = .refused
    ) -> JSONObjectReader? {
        object(key, need).map { JSONObjectReader(object: $0, at: pointer(to: key), unknown: unknown) }
    }

    // MARK: Issues

    /// Where a member stands.
    package func pointer(to key: String) -> JSONPointer { pointer.appending(key) }

    /// Notes that a member's value does not please the caller.
    package mutating func report(_ key: String, code: String, detail: String) {
        report(pointer(to: key), code: code, detail: detail)
    }

    /// Notes an issue anywhere in the document.
    package mutating func report(_ pointer: JSONPointer, code: String, detail: String) {
        note(JSONIssue(pointer: "\(pointer)", code: code, detail: detail))
    }

    /// Finishes a reader of a part and takes over its issues.
    package mutating func absorb(_ part: JSONObjectReader) {
        var part = part
        for issue in part.finish() { note(issue) }
    }

    /// Takes over issues found elsewhere.
    package mutating func absorb(_ issues: [JSONIssue]) {
        for issue in issues { note(issue) }
    }

    /// The members nobody has asked for yet, in order.
    package var unknownMembers: [JSONObject.Member] { object.members.filter { !known.contains(ByteKey($0.key)) } }

    /// All issues, those about unknown members last. Empty: the object is good.
    package mutating func finish() -> [JSONIssue] {
        if unknown == .refused {
            for member in unknownMembers {
                report(member.key, code: "unknown_field", detail: "there is no such member")
            }
        }
        return issues
    }

    private mutating func note(_ issue: JSONIssue) {
        if issues.count < Self.maximumIssues { issues.append(issue) }
    }

    private mutating func typed<Value>(
        _ key: String, _ need: Need, _ type: String, _ get: (JSONValue) -> Value?
    ) -> Value? {
        guard let value = value(key) else {
            if need == .required { report(key, code: "required", detail: "is missing") }
            return nil
        }
        if value.isNull, need == .nullable { return nil }
        guard let typed = get(value) else {
            report(key, code: "wrong_type", detail: "must be \(type), is \(value.typeName)")
            return nil
        }
        return typed
    }
}
