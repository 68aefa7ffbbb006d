// What the parser takes and what it refuses, as two tables: each row is a rule of RFC 8259 or of this house.

import JSON
import Testing

@Suite("JSON: parser")
struct JSONParserTests {
    @Test(
        "a text is read as the value that it says",
        arguments: [
            ("null", .null),
            ("true", true),
            (" \t\r\nfalse \n", false),
            ("0", 0),
            ("-0", 0),
            ("-1", -1),
            ("9223372036854775807", .integer(.max)),
            ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(0x1p63)),
            ("-9223372036854775809", .number(-0x1p63)),
            ("1.0", .number(1)),
            ("1e2", .number(100)),
            ("1E+2", .number(100)),
            ("25e-1", .number(2.5)),
            ("-0.5", .number(-0.5)),
            ("1e-400", .number(0)),
            ("\"\"", ""),
            ("\"a/b\\/c\"", "a/b/c"),
            (#""\"\\\b\f\n\r\t""#, "\"\\\u{8}\u{C}\n\r\t"),
            (#""\u0041\u00e9\u20AC""#, "Aé€"),
            (#""\ud83d\ude00""#, "😀"),
            (#""\u0000""#, "\u{0}"),
            (
                "\"\u{7F}\u{80}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFF}\u{10000}\u{10FFFF}\"",
                "\u{7F}\u{80}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFF}\u{10000}\u{10FFFF}"
            ),
            ("[]", []),
            ("[ ]", []),
            ("[1,\"a\",[null]]", [1, "a", [nil]]),
            ("{}", [:]),
            ("{ }", [:]),
            (#"{"a":1,"b":{"a":2}}"#, ["a": 1, "b": ["a": 2]]),
            // Two different names, whatever Unicode says about how they look.
            ("{\"\u{E9}\":1,\"e\u{301}\":2}", ["\u{E9}": 1, "e\u{301}": 2]),
        ] as [(String, JSONValue)])
    func accepts(text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: text) == value)
    }

    @Test(
        "a text that is not JSON is refused, and the place named",
        arguments: [
            ("", .syntax, 1, 1),
            ("   ", .syntax, 1, 4),
            ("nul", .syntax, 1, 1),
            ("True", .syntax, 1, 1),
            ("NaN", .syntax, 1, 1),
            ("Infinity", .syntax, 1, 1),
            ("'a'", .syntax, 1, 1),
            ("01", .syntax, 1, 1),
            ("-01", .syntax, 1, 1),
            ("+1", .syntax, 1, 1),
            (".5", .syntax, 1, 1),
            ("5.", .syntax, 1, 3),
            ("-", .syntax, 1, 2),
            ("1e", .syntax, 1, 3),
            ("1e+", .syntax, 1, 4),
            ("0x10", .syntax, 1, 2),
            ("1e999", .syntax, 1, 1),
            ("1 2", .syntax, 1, 3),
            ("[1,]", .syntax, 1, 4),
            ("[,1]", .syntax, 1, 2),
            ("[1 2]", .syntax, 1, 4),
            ("[1", .syntax, 1, 3),
            ("]", .syntax, 1, 1),
            ("[1}", .syntax, 1, 3),
            ("{\"a\":1,}", .syntax, 1, 8),
            ("{a:1}", .syntax, 1, 2),
            ("{1:1}", .syntax, 1, 2),
            ("{\"a\" 1}", .syntax, 1, 6),
            ("{\"a\":}", .syntax, 1, 6),
            ("{\"a\":1 \"b\":2}", .syntax, 1, 8),
            ("{\"a\"", .syntax, 1, 5),
            ("// c\n1", .syntax, 1, 1),
            ("1 /* c */", .syntax, 1, 3),
            ("# c\n1", .syntax, 1, 1),
            ("\u{FEFF}1", .syntax, 1, 1),
            ("\u{A0}1", .syntax, 1, 1),
            ("1\u{C}", .syntax, 1, 2),
            ("\"a", .syntax, 1, 3),
            ("\"\t\"", .syntax, 1, 2),
            ("\"\n\"", .syntax, 1, 2),
            ("\"\u{0}\"", .syntax, 1, 2),
            (#""\x41""#, .syntax, 1, 2),
            (#""\u12""#, .syntax, 1, 6),
            (#""\u12g4""#, .syntax, 1, 6),
            (#""\u+123""#, .syntax, 1, 4),
            ("\"\\", .syntax, 1, 2),
            (#""\ud800""#, .notUTF8, 1, 2),
            (#""\udc00""#, .notUTF8, 1, 2),
            (#""\ud800\ud800""#, .notUTF8, 1, 2),
            (#""\ud800A""#, .notUTF8, 1, 2),
            (#""\ud800\n""#, .notUTF8, 1, 2),
            (#"{"a":1,"a":1}"#, .duplicateKey, 1, 8),
            (#"{"a":1,"\u0061":2}"#, .duplicateKey, 1, 8),
            (#"{"b":{"a":1,"c":2,"a":3}}"#, .duplicateKey, 1, 19),
            ("{\n  \"é\": 1,\n  \"é€😀\": ?\n}", .syntax, 3, 10),
        ] as [(String, JSONError.Kind, Int, Int)])
    func refuses(text: String, kind: JSONError.Kind, line: Int, column: Int) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        #expect(error?.kind == kind)
        #expect(error?.line == line)
        #expect(error?.column == column)
    }

    @Test(
        "bytes that are not UTF-8 are refused in a string",
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x9F, 0xBF], [0xE2, 0x82],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98],
            [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xFF],
        ] as [[UInt8]])
    func notUTF8(bytes: [UInt8]) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
        #expect(error?.kind == .notUTF8)
    }

    @Test("a duplicate is found among thousands of members, where the place is looked up")
    func duplicateInBigObject() {
        let members = (0..<50_000).map { "\"k\($0)\":\($0)" }
        let text = "{" + members.joined(separator: ",")
        #expect(throws: Never.self) { try JSONValue(parsing: text + "}") }
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text + ",\"k777\":0}") }
        #expect(error?.kind == .duplicateKey)
        #expect(error?.offset == text.utf8.count + 1)
    }

    @Test("names that only look alike are different, in a big object too")
    func lookAlikes() throws {
        let members = (0..<10).map { "\"k\($0)\":0" } + ["\"\u{E9}\":1", "\"e\u{301}\":2"]
        let value = try JSONValue(parsing: "{" + members.joined(separator: ",") + "}")
        #expect(value["\u{E9}"] == 1)
        #expect(value["e\u{301}"] == 2)
    }

    @Test("depth and size are bounded, exactly")
    func bounds() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONValue(parsing: nested(32))
        _ = try JSONValue(parsing: nested(512), maximumDepth: .max)
        for (depth, allowed) in [(33, 32), (513, Int.max), (100_000, Int.max), (1, 0), (1, -1)] {
            let error = #expect(throws: JSONError.self) { try JSONValue(parsing: nested(depth), maximumDepth: allowed) }
            #expect(error?.kind == .tooDeep)
        }
        // Width is not depth: closing gives back.
        _ = try JSONValue(
            parsing: "[" + Array(repeating: "[[]]", count: 1000).joined(separator: ",") + "]", maximumDepth: 3)

        _ = try JSONValue(parsing: "1234", maximumBytes: 4)
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "12345", maximumBytes: 4) }
        #expect(error?.kind == .tooLarge)
    }

    @Test("an error quotes a member's name escaped and cut, and no value")
    func errorText() {
        let long = String(repeating: "x", count: 100)
        let error = #expect(throws: JSONError.self) {
            try JSONValue(parsing: "{\"\\n\(long)\":\"secret\",\"\\n\(long)\":1}")
        }
        #expect(error?.description.hasPrefix("line 1, column 116: the member \"\\nxxx") == true)
        #expect(error?.description.contains("secret") == false)
        #expect((error?.description.utf8.count ?? 0) < 150)
    }
}
