// A name, an id or the beginning of an id.

import JSON
import Testing

@testable import vmesh

@Suite("References")
struct LookupTests {
    private let items: [JSONValue] = [
        ["name": "b.example", "id": .string("abcdef01" + String(repeating: "0", count: 56))],
        ["name": "c.example", "id": .string("abcdef02" + String(repeating: "0", count: 56))],
        ["name": "abcdef0", "id": nil],
    ]

    @Test(
        "what it means",
        arguments: [
            ("abcdef01", "b.example"), ("ABCDEF02", "c.example"), ("B.Example", "b.example"), ("abcdef0", "abcdef0"),
            ("abcdef03", nil), ("abcde", nil), ("nobody", nil),
        ] as [(String, String?)])
    func found(text: String, name: String?) {
        let match = Lookup.find(text, among: items, nameKey: "name")
        if case .one(let item) = match {
            #expect(item.raw("name") == name)
        } else {
            #expect(match == .none && name == nil)
        }
    }

    @Test("the beginning of two ids is ambiguous, and names both")
    func ambiguous() {
        let match = Lookup.find("abcdef", among: items, nameKey: "name")
        #expect(match == .several(["b.example abcdef0100000000", "c.example abcdef0200000000"]))
    }

    @Test(
        "six digits or more, fewer than a whole id, are looked up",
        arguments: [("abcde", false), ("abcdef", true), ("ghijkl", false), ("b.example", false)])
    func parts(text: String, isPart: Bool) {
        #expect(Lookup.isPartOfID(text) == isPart)
        #expect(!Lookup.isPartOfID(String(repeating: "a", count: 64)))
        #expect(Lookup.isWholeID(String(repeating: "a", count: 64)))
    }
}
