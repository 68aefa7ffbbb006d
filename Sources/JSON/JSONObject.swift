// The members of a JSON object in the order in which they were written.
//
// Small objects, which is nearly all of them, are searched from the front. Past eight members a table of places is
// kept beside the list, so that neither look-up nor the search for duplicates is quadratic in what a client sends.

/// An object: unique keys, in order. A look-up costs O(1); removing costs O(n), for many at once use `filter`.
package struct JSONObject: Sendable {
    package typealias Member = (key: String, value: JSONValue)

    /// The members in order.
    package private(set) var members: [Member] = []
    /// Place of each key in `members`; kept only past `indexThreshold`.
    private var places: [ByteKey: Int] = [:]

    private static let indexThreshold = 8

    package init() {}

    /// The members in order; of several with one key the last one counts, in the place of the first.
    package init(_ members: some Sequence<(String, JSONValue)>) {
        for (key, value) in members { self[key] = value }
    }

    package var count: Int { members.count }
    package var isEmpty: Bool { members.isEmpty }
    package var keys: [String] { members.map(\.key) }

    /// The value of a member. Setting nil removes the member; setting a new key puts it last.
    package subscript(key: String) -> JSONValue? {
        get { place(of: key).map { members[$0].value } }
        set {
            switch (place(of: key), newValue) {
            case (let place?, let value?): members[place].value = value
            case (nil, let value?): append(key, value)
            case (let place?, nil):
                members.remove(at: place)
                rebuildPlaces()
            case (nil, nil): break
            }
        }
    }

    /// Puts a new member last. False, and no change, if the key is there already.
    package mutating func appendIfAbsent(_ key: String, _ value: JSONValue) -> Bool {
        guard place(of: key) == nil else { return false }
        append(key, value)
        return true
    }

    package func contains(_ key: String) -> Bool { place(of: key) != nil }

    /// The object with the members for which `isIncluded` holds, in order.
    package func filter(_ isIncluded: (Member) -> Bool) -> JSONObject {
        var result = JSONObject()
        result.members = members.filter(isIncluded)
        result.rebuildPlaces()
        return result
    }

    private func place(of key: String) -> Int? {
        guard members.count <= Self.indexThreshold else { return places[ByteKey(key)] }
        return members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
    }

    /// `key` must not be there yet.
    private mutating func append(_ key: String, _ value: JSONValue) {
        members.append((key, value))
        if members.count == Self.indexThreshold + 1 {
            rebuildPlaces()
        } else if members.count > Self.indexThreshold {
            places[ByteKey(key)] = members.count - 1
        }
    }

    private mutating func rebuildPlaces() {
        places.removeAll()
        guard members.count > Self.indexThreshold else { return }
        for (place, member) in members.enumerated() { places[ByteKey(member.key)] = place }
    }
}

extension JSONObject: Equatable, ExpressibleByDictionaryLiteral {
    /// The same members with the same values, in any order.
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }

    package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}

/// A key that is compared by its bytes; `String` itself would take "é" and "e" + accent for one key.
struct ByteKey: Hashable, Sendable {
    private var text: String

    init(_ text: String) {
        self.text = text
        self.text.makeContiguousUTF8()
    }

    static func == (left: ByteKey, right: ByteKey) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    func hash(into hasher: inout Hasher) {
        // Always contiguous: `init` saw to it.
        text.utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
