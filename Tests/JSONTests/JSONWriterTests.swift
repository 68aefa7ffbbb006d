// What is written can be read back, by us and by everybody.

import JSON
import Testing

@Suite("JSON: writer")
struct JSONWriterTests {
    @Test(
        "golden texts",
        arguments: [
            (nil, "null"), (true, "true"), (.integer(.min), "-9223372036854775808"), (.number(1), "1.0"),
            (.number(1e21), "1e+21"), (.number(.nan), "null"), (.number(.infinity), "null"),
            ("a/b", "\"a/b\""), ("\"\\\u{8}\t\n\u{C}\r\u{1}\u{1F}\u{7F}", #""\"\\\b\t\n\f\r\u0001\u001f\u007f""#),
            ("é€😀\u{2028}", "\"é€😀\u{2028}\""), ([], "[]"), ([:], "{}"),
            (["b": 1, "a": [2, nil]], #"{"b":1,"a":[2,null]}"#),
        ] as [(JSONValue, String)])
    func golden(value: JSONValue, text: String) { #expect(value.text() == text) }

    @Test("pretty text is indented by two")
    func pretty() {
        let value: JSONValue = ["b": 1, "a": [2, [:], []], "c": ["d": nil]]
        #expect(
            value.text(pretty: true) == """
                {
                  "b": 1,
                  "a": [
                    2,
                    {},
                    []
                  ],
                  "c": {
                    "d": null
                  }
                }
                """)
    }

    @Test("equal values have equal canonical bytes, whatever the order of their members")
    func canonical() {
        let left: JSONValue = ["b": ["y": 1, "x": 2], "a": 3, "é": 4, "z": 5]
        let right: JSONValue = ["é": 4, "a": 3, "z": 5, "b": ["x": 2, "y": 1]]
        #expect(left == right)
        #expect(left.canonicalized() == right.canonicalized())
        #expect(String(decoding: left.canonicalized(), as: UTF8.self) == #"{"a":3,"b":{"x":2,"y":1},"z":5,"é":4}"#)
    }

    @Test("property: what is written, compact or pretty, reads back as the same value with the same order")
    func roundTrip() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<3000 {
            let value = generator.json(depth: 4)
            for isPretty in [false, true] {
                let again = try JSONValue(parsing: value.serialized(pretty: isPretty))
                #expect(again == value, "seed \(seed)")
                #expect(again.serialized() == value.serialized(), "seed \(seed)")
                #expect(again.canonicalized() == value.canonicalized(), "seed \(seed)")
            }
        }
    }

    @Test("property: damaged texts never trap, and what is accepted is written as JSON again")
    func damage() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = generator.json(depth: 2).serialized()
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.removeSubrange(place...)
                default: bytes.insert(Array("{}[],:\"\\u0-e.".utf8).randomElement(using: &generator) ?? 0, at: place)
                }
            }
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            accepted += 1
            #expect(try JSONValue(parsing: value.serialized()) == value, "seed \(seed)")
        }
        #expect(accepted > 0)
    }
}
