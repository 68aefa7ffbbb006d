// Pointers, merge patches and the member reader.

import JSON
import Testing

@Suite("JSON: pointer and merge patch")
struct JSONPointerTests {
    static let document: JSONValue = [
        "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8,
    ]

    @Test(
        "RFC 6901 section 5: the examples",
        arguments: [
            ("", document), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2),
            ("/e^f", 3),
            ("/g|h", 4), ("/i\\j", 5), ("/k\"l", 6), ("/ ", 7), ("/m~0n", 8), ("/foo/2", nil), ("/foo/-", nil),
            ("/foo/00", nil), ("/foo/+1", nil), ("/foo/bar", nil), ("/nothing", nil), ("/m~0n/x", nil),
        ] as [(String, JSONValue?)])
    func lookUp(text: String, value: JSONValue?) throws {
        let pointer = try #require(JSONPointer(parsing: text))
        #expect(Self.document.value(at: pointer) == value)
        #expect(pointer.description == text)
    }

    @Test("no pointers", arguments: ["a", "a/b", "/~", "/~2", "/a~"])
    func refused(text: String) { #expect(JSONPointer(parsing: text) == nil) }

    @Test("a prefix as a member's name is escaped: the slash is ~1, the tilde ~0")
    func escapes() {
        #expect(JSONPointer.root.appending("2001:db8::/32").appending(3).description == "/2001:db8::~132/3")
        #expect(JSONPointer.root.appending("~1").description == "/~01")
    }

    @Test(
        "RFC 7396 appendix A: the examples",
        arguments: [
            (["a": "b"], ["a": "c"], ["a": "c"]), (["a": "b"], ["b": "c"], ["a": "b", "b": "c"]),
            (["a": "b"], ["a": nil], [:]), (["a": "b", "b": "c"], ["a": nil], ["b": "c"]),
            (["a": ["b"]], ["a": "c"], ["a": "c"]), (["a": "c"], ["a": ["b"]], ["a": ["b"]]),
            (["a": ["b": "c"]], ["a": ["b": "d", "c": nil]], ["a": ["b": "d"]]),
            (["a": [["b": "c"]]], ["a": [1]], ["a": [1]]), (["a", "b"], ["c", "d"], ["c", "d"]),
            (["a": "b"], ["c"], ["c"]), (["a": "foo"], nil, nil), (["a": "foo"], "bar", "bar"),
            (["e": nil], ["a": 1], ["e": nil, "a": 1]), ([1, 2], ["a": "b", "c": nil], ["a": "b"]),
            ([:], ["a": ["bb": ["ccc": nil]]], ["a": ["bb": [:]]]),
        ] as [(JSONValue, JSONValue, JSONValue)])
    func merge(target: JSONValue, patch: JSONValue, result: JSONValue) { #expect(target.merging(patch) == result) }

    @Test("a patch keeps the order of what was there and puts what is new last")
    func mergeOrder() {
        let merged = (["c": 1, "a": 2, "b": 3] as JSONValue).merging(["z": 0, "b": 4, "c": nil])
        #expect(merged.text() == #"{"a":2,"b":4,"z":0}"#)
    }

    @Test("an object past eight members loses, replaces and finds members as a small one does")
    func bigObject() {
        var object = JSONObject()
        for number in 0..<20 { object["k\(number)"] = .integer(Int64(number)) }
        for number in stride(from: 0, to: 20, by: 2) { object["k\(number)"] = nil }
        object["k1"] = "one"
        object["new"] = true
        #expect(object.keys == ["k1", "k3", "k5", "k7", "k9", "k11", "k13", "k15", "k17", "k19", "new"])
        #expect(object["k1"] == "one")
        #expect(object["k2"] == nil)
        #expect(object["k19"] == 19)
        for number in stride(from: 3, to: 20, by: 2) { object["k\(number)"] = nil }
        #expect(object == ["new": true, "k1": "one"])
    }
}

@Suite("JSON: member reader")
struct JSONReaderTests {
    @Test("all that is wrong is told at once, each with its pointer")
    func issues() {
        let value: JSONValue = [
            "name": 5, "port": 70_000, "up": "yes", "list": ["a", 1, nil], "word": "c", "long": "xxxxx", "short": "",
            "gone": nil, "inner": ["a/b": 1, "x": true], "more": 0,
        ]
        var reader = JSONObjectReader(value, at: JSONPointer.root.appending("peers").appending(0))
        #expect(reader.string("name") == nil)
        #expect(reader.int("port", in: 1...65_535) == nil)
        #expect(reader.bool("up") == nil)
        #expect(reader.strings("list") == nil)
        #expect(reader.choice("word", among: ["a", "b"]) == nil)
        #expect(reader.string("long", length: 1...4) == nil)
        #expect(reader.string("short", length: 1...4) == nil)
        #expect(reader.string("gone", .optional) == nil)
        #expect(reader.array("absent") == nil)
        var inner = reader.reader("inner")
        #expect(inner?.int("x") == nil)
        if let inner { reader.absorb(inner) }
        #expect(
            reader.finish().map { "\($0.pointer) \($0.code)" } == [
                "/peers/0/name wrong_type", "/peers/0/port out_of_range", "/peers/0/up wrong_type",
                "/peers/0/list/1 wrong_type", "/peers/0/list/2 wrong_type", "/peers/0/word not_allowed",
                "/peers/0/long too_long", "/peers/0/short too_short", "/peers/0/gone wrong_type",
                "/peers/0/absent required", "/peers/0/inner/x wrong_type", "/peers/0/inner/a~1b unknown_field",
                "/peers/0/more unknown_field",
            ])
    }

    @Test("what is right is handed over, what may be missing or null is nil without an issue")
    func values() {
        var reader = JSONObjectReader(["s": "a", "i": -5, "b": false, "n": nil, "l": ["x"], "o": ["k": 1], "w": "up"])
        #expect(reader.string("s") == "a")
        #expect(reader.int("i", in: -5...5) == -5)
        #expect(reader.bool("b") == false)
        #expect(reader.string("n", .nullable) == nil)
        #expect(reader.string("absent", .optional) == nil)
        #expect(reader.string("absent", .nullable) == nil)
        #expect(reader.strings("l") == ["x"])
        #expect(reader.object("o") == ["k": 1])
        #expect(reader.choice("w", among: ["up", "down"]) == "up")
        #expect(reader.isNull("n"))
        #expect(!reader.isPresent("absent"))
        #expect(reader.finish() == [])
    }

    @Test(
        "a number with a fraction, a number past 2^63 and a string are no integers",
        arguments: [5.0, 1e30, "5"] as [JSONValue])
    func integers(value: JSONValue) {
        var reader = JSONObjectReader(["i": value])
        #expect(reader.int("i") == nil)
        #expect(reader.finish().map(\.code) == ["wrong_type"])
    }

    @Test("a document that is no object is one issue; a tolerant reader keeps what it does not know")
    func documents() {
        var wrong = JSONObjectReader([1, 2])
        #expect(wrong.finish().map { "\($0.pointer) \($0.code)" } == [" wrong_type"])
        var tolerant = JSONObjectReader(["a": 1, "b": 2], unknown: .kept)
        #expect(tolerant.int("a") == 1)
        #expect(tolerant.unknownMembers.map(\.key) == ["b"])
        #expect(tolerant.finish() == [])
    }

    @Test("the list of issues is bounded")
    func bounded() {
        let members = (0..<1000).map { ("k\($0)", JSONValue.integer(0)) }
        var reader = JSONObjectReader(object: JSONObject(members))
        #expect(reader.finish().count == JSONObjectReader.maximumIssues)
    }
}
