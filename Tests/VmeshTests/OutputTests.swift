// Numbers, times, odd characters, tables.

import JSON
import Testing

@testable import vmesh

@Suite("Output")
struct OutputTests {
    @Test(
        "bytes",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (10_240, "10 KiB"), (1_048_575, "1 MiB"),
            (1_288_490_188, "1.2 GiB"), (.max, "8 EiB"), (-5, "0 B"),
        ] as [(Int64, String)])
    func bytes(count: Int64, text: String) { #expect(Units.bytes(count) == text) }

    @Test(
        "spans of time",
        arguments: [
            (-3, "0s"), (0, "0s"), (59, "59s"), (102, "1m 42s"), (240, "4m"), (720, "12m"), (7800, "2h 10m"),
            (7200, "2h"), (273_600, "3d 4h"), (18_144_000, "210d"), (224_000_000, "7y"), (.max, "292471208677y"),
        ] as [(Int64, String)])
    func durations(seconds: Int64, text: String) { #expect(Units.duration(seconds: seconds) == text) }

    @Test(
        "latencies",
        arguments: [
            (0.25, "0.25 ms"), (12.4, "12.4 ms"), (48, "48.0 ms"), (140.4, "140 ms"), (1400, "1.4 s"), (.nan, "- s"),
        ] as [(Double, String)])
    func latencies(value: Double, text: String) { #expect(Units.latency(milliseconds: value) == text) }

    @Test("shares", arguments: [(0, "0 %"), (0.004, "<1 %"), (0.012, "1 %"), (1, "100 %")] as [(Double, String)])
    func shares(ratio: Double, text: String) { #expect(Units.share(ratio) == text) }

    @Test(
        "spans as flags take them",
        arguments: [
            ("10s", 10_000), ("500ms", 500), ("7", 7000), ("2m", 120_000), ("30d", 2_592_000_000), ("", nil),
            ("s", nil),
            ("1.5s", nil), ("-1s", nil), ("10 s", nil), ("99999999999999999999s", nil), ("9999999999999999y", nil),
        ] as [(String, Int64?)])
    func spans(text: String, milliseconds: Int64?) { #expect(Units.milliseconds(parsing: text) == milliseconds) }

    @Test(
        "RFC 3339 as the API writes it",
        arguments: [
            ("1970-01-01T00:00:00.000Z", 0), ("2026-11-22T14:10:00.000Z", now),
            ("2024-02-29T12:00:00.250Z", 1_709_208_000_250),
            ("2026-11-22T14:10:00Z", now), ("2026-13-22T14:10:00Z", nil), ("yesterday", nil), ("", nil),
            ("2026-11-22T14:10:00.000+01:00", nil), ("éééé-11-22T14:10:00Z", nil),
        ] as [(String, Int64?)])
    func times(text: String, milliseconds: Int64?) { #expect(Moment.milliseconds(text) == milliseconds) }

    @Test(
        "characters that a terminal would act upon",
        arguments: [
            ("plain ünïcödé 日本", "plain ünïcödé 日本"), ("a\u{1B}]0;x\u{7}", #"a\u{1b}]0;x\u{7}"#),
            ("a\r\nb\t", #"a\u{d}\u{a}b\u{9}"#),
            ("\u{9B}31m", #"\u{9b}31m"#), ("\u{202E}abc\u{2066}", #"\u{202e}abc\u{2066}"#),
            ("a\u{200B}b\u{FEFF}", #"a\u{200b}b\u{feff}"#),
            ("\u{2028}", #"\u{2028}"#), ("\u{E0001}", #"\u{e0001}"#), ("\u{7F}", #"\u{7f}"#),
        ])
    func escaping(text: String, shown: String) { #expect(Escaping.line(text) == shown) }

    @Test("JSON for a terminal keeps its value")
    func escapedJSON() throws {
        let value: JSONValue = ["name": "a\u{202E}\u{7F}\u{E0001}é"]
        let shown = Escaping.json(value.text(pretty: true))
        #expect(shown.unicodeScalars.allSatisfy { Escaping.isPlain($0) || $0 == "\n" })
        #expect(try json(shown) == value)
    }

    @Test("columns are as wide as what they hold, double-width signs counted twice, no space at the end")
    func table() {
        var table = Table(["A", "B"])
        table.add(nil, ["日本", "x"])
        table.add(nil, ["longer", ""])
        #expect(table.text(plain) == "A       B\n日本    x\nlonger\n")
        #expect(Table(["A", "B"]).text(plain) == "A  B\n")
        #expect(Table().text(plain).isEmpty)
    }

    @Test(
        "the terminal's width cuts the last column first",
        arguments: [(30, "0123456789012…"), (40, "012345678901234567890123")])
    func cut(width: Int, last: String) {
        var table = Table()
        table.add(nil, ["abcdefghijklmn", "012345678901234567890123"])
        #expect(table.text(Style(width: width, now: 0)) == "abcdefghijklmn  \(last)\n")
    }

    @Test("-v shows no token, wherever it stands")
    func masking() {
        #expect(
            Trace.withoutTokens(#"{"token":"vmt_aB-9_x","n":"vmt_"} vmt_z"#)
                == #"{"token":"vmt_***","n":"vmt_***"} vmt_***"#)
        #expect(Trace.withoutTokens("") == "" && Trace.withoutTokens("vm") == "vm")
    }
}
