// What no HTTP/1.1 request may be (faults E4 and E7, case C33). Each row is followed on the connection by a second,
// marked request, which must never run: whoever disagrees with a proxy about where a message ends must stop there.
import Testing

@testable import HTTP

@Suite struct SmugglingTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let rule: String
        let raw: String
        let status: Int

        init(_ rule: String, _ raw: String, _ status: Int = 400) {
            self.rule = rule
            self.raw = raw
            self.status = status
        }

        var testDescription: String { rule }
    }

    static let marked = "GET /marked HTTP/1.1\r\nHost: x\r\n\r\n"

    /// A POST with those field lines and that body.
    static func post(_ fields: String, _ body: String = "") -> String {
        "POST /a HTTP/1.1\r\nHost: x\r\n\(fields)\r\n\r\n\(body)"
    }

    static func chunked(_ body: String) -> String { post("Transfer-Encoding: chunked", body) }

    static let requestLines: [Row] = [
        Row("two spaces after the method", "GET  /a HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("two spaces before the version", "GET /a  HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("a tab instead of a space", "GET\t/a HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("a leading space", " GET /a HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("a trailing space", "GET /a HTTP/1.1 \r\nHost: x\r\n\r\n"),
        Row("a space in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("no version (HTTP/0.9)", "GET /a\r\nHost: x\r\n\r\n"),
        Row("no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("method is no token", "GE(T /a HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("method of 33 characters", String(repeating: "M", count: 33) + " /a HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("lower-case version", "GET /a http/1.1\r\nHost: x\r\n\r\n"),
        Row("version HTTP/1.10", "GET /a HTTP/1.10\r\nHost: x\r\n\r\n"),
        Row("version HTTP/1.2", "GET /a HTTP/1.2\r\nHost: x\r\n\r\n", 505),
        Row("version HTTP/2.0", "GET /a HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        Row("version HTTP/9.9", "GET /a HTTP/9.9\r\nHost: x\r\n\r\n", 505),
        Row("no slash", "GET a HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("asterisk but not OPTIONS", "GET * HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("authority form", "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"),
        Row("fragment in the target", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("byte above 0x7F in the target", "GET /ä HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("NUL in the target", "GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("DEL in the target", "GET /a\u{7F} HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("foreign scheme", "GET ftp://x/a HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("absolute target with another authority (C31 i)", "GET http://evil/a HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("absolute target without authority", "GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("absolute target with user information", "GET http://u@x/a HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("target over 8 KiB", "GET /\(String(repeating: "a", count: 8192)) HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        Row("two empty lines before the request", "\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("a lone LF before the request", "\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n"),
        Row("HTTP/2's preface in part", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 505),
    ]

    static let fields: [Row] = [
        Row("lone LF ends the request line (C33 i)", "GET /a HTTP/1.1\nHost: x\r\n\r\n"),
        Row("lone LF ends a field line", "GET /a HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"),
        Row("lone LF as the empty line", "GET /a HTTP/1.1\r\nHost: x\r\n\n"),
        Row("lone CR in a value", "GET /a HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n"),
        Row("lone CR ends a line", "GET /a HTTP/1.1\r\nHost: x\rA: b\r\n\r\n"),
        Row("CR CR LF", "GET /a HTTP/1.1\r\nHost: x\r\r\n\r\n"),
        Row("NUL in a value (C33 k)", "GET /a HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"),
        Row("NUL in a name", "GET /a HTTP/1.1\r\nHost: x\r\nA\0: b\r\n\r\n"),
        Row("control character in a value", "GET /a HTTP/1.1\r\nHost: x\r\nA: b\u{01}\r\n\r\n"),
        Row("DEL in a value", "GET /a HTTP/1.1\r\nHost: x\r\nA: \u{7F}\r\n\r\n"),
        Row("space before the colon (C33 c)", "GET /a HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n"),
        Row("tab before the colon", "GET /a HTTP/1.1\r\nHost: x\r\nA\t: b\r\n\r\n"),
        Row("space in a name", "GET /a HTTP/1.1\r\nHost: x\r\nA B: b\r\n\r\n"),
        Row("empty name", "GET /a HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n"),
        Row("no colon", "GET /a HTTP/1.1\r\nHost: x\r\nAB\r\n\r\n"),
        Row("folded line (C33 h)", "GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"),
        Row("folded line with a tab", "GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\n\r\n"),
        Row("first field line is folded", "GET /a HTTP/1.1\r\n Host: x\r\nHost: x\r\n\r\n"),
        Row("name is no token", "GET /a HTTP/1.1\r\nHost: x\r\nA(): b\r\n\r\n"),
        Row("no Host", "GET /a HTTP/1.1\r\nA: b\r\n\r\n"),
        Row("two Hosts (C31 d)", "GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"),
        Row("two equal Hosts", "GET /a HTTP/1.1\r\nHost: x\r\nhost: x\r\n\r\n"),
        Row("Host with a path", "GET /a HTTP/1.1\r\nHost: x/y\r\n\r\n"),
        Row("Host with user information", "GET /a HTTP/1.1\r\nHost: a@x\r\n\r\n"),
        Row("two Hosts in HTTP/1.0", "GET /a HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n"),
        Row("65 fields", "GET /a HTTP/1.1\r\nHost: x\r\n\(String(repeating: "a: b\r\n", count: 64))\r\n", 431),
        Row(
            "head over 16 KiB (C33 j)",
            "GET /a HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "b", count: 17_000))\r\n\r\n", 431),
        Row("unknown expectation", post("Expect: a-miracle"), 417),
    ]

    static let lengths: [Row] = [
        Row("two lengths (C33 a)", post("Content-Length: 47\r\nContent-Length: 0")),
        Row("two equal lengths", post("Content-Length: 3\r\nContent-Length: 3", "abc")),
        Row("a list of equal lengths", post("Content-Length: 3, 3", "abc")),
        Row("plus sign (C33 g)", post("Content-Length: +5", "abcde")),
        Row("minus sign (E4)", post("Content-Length: -5", "abcde")),
        Row("hexadecimal", post("Content-Length: 0x5", "abcde")),
        Row("space inside", post("Content-Length: 5 5", "abcde")),
        Row("underscore", post("Content-Length: 1_0", "abcde")),
        Row("decimal point", post("Content-Length: 5.0", "abcde")),
        Row("empty", post("Content-Length:")),
        Row("letters", post("Content-Length: five", "abcde")),
        Row("Arabic digits", post("Content-Length: ٥", "abcde")),
        Row("vertical tab before", post("Content-Length: \u{0B}5", "abcde")),
        Row("10^30 overflows", post("Content-Length: 1\(String(repeating: "0", count: 30))")),
        Row("10^18 (E4)", post("Content-Length: 1000000000000000000"), 413),
        Row("one more than the limit", post("Content-Length: 1048577"), 413),
        Row("a length in HTTP/1.0, twice", "POST /a HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na"),
    ]

    static let codings: [Row] = [
        Row("with Content-Length (C33 b)", post("Transfer-Encoding: chunked\r\nContent-Length: 6", "0\r\n\r\n")),
        Row("Content-Length first", post("Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\n")),
        Row("space before the colon", post("Transfer-Encoding : chunked", "0\r\n\r\n")),
        Row("xchunked (C33 d)", post("Transfer-Encoding: xchunked", "0\r\n\r\n")),
        Row("identity", post("Transfer-Encoding: identity", "0\r\n\r\n")),
        Row("gzip, chunked", post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n")),
        Row("chunked, gzip", post("Transfer-Encoding: chunked, gzip", "0\r\n\r\n")),
        Row("chunked, chunked", post("Transfer-Encoding: chunked, chunked", "0\r\n\r\n")),
        Row("two fields", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n")),
        Row("two fields, one identity", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n")),
        Row("quoted", post("Transfer-Encoding: \"chunked\"", "0\r\n\r\n")),
        Row("a parameter", post("Transfer-Encoding: chunked;a=b", "0\r\n\r\n")),
        Row("empty", post("Transfer-Encoding:", "0\r\n\r\n")),
        Row("a leading comma", post("Transfer-Encoding: ,chunked", "0\r\n\r\n")),
        Row("in HTTP/1.0", "POST /a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ]

    static let chunks: [Row] = [
        Row("size of 17 digits (C33 e)", chunked("10000000000000000\r\na")),
        Row("size of 16 digits", chunked("FFFFFFFFFFFFFFFF\r\na")),
        Row("size above the limit", chunked("100001\r\na"), 413),
        Row("sizes above the limit together", chunked("1\r\na\r\n100000\r\na"), 413),
        Row("plus sign", chunked("+1\r\na\r\n0\r\n\r\n")),
        Row("0x", chunked("0x1\r\na\r\n0\r\n\r\n")),
        Row("space after the size", chunked("1 \r\na\r\n0\r\n\r\n")),
        Row("space before the size", chunked(" 1\r\na\r\n0\r\n\r\n")),
        Row("no size", chunked("\r\na\r\n0\r\n\r\n")),
        Row("not hexadecimal", chunked("g\r\na\r\n0\r\n\r\n")),
        Row("lone LF behind the size", chunked("1\na\r\n0\r\n\r\n")),
        Row("lone CR behind the size", chunked("1\ra\r\n0\r\n\r\n")),
        Row("extension with a lone LF (C33 f)", chunked("1;a\nb\r\na\r\n0\r\n\r\n")),
        Row("extension with a NUL", chunked("1;a\0\r\na\r\n0\r\n\r\n")),
        Row("extensions of 20 KB", chunked("1;\(String(repeating: "a", count: 20_000))\r\na\r\n0\r\n\r\n")),
        Row("data longer than the size", chunked("1\r\nab\r\n0\r\n\r\n")),
        Row("data followed by a lone LF", chunked("1\r\na\n0\r\n\r\n")),
        Row("folded trailer", chunked("0\r\nA: b\r\n c\r\n\r\n")),
        Row("trailer with a lone LF", chunked("0\r\nA: b\n\r\n")),
        Row("trailer without colon", chunked("0\r\nAB\r\n\r\n")),
        Row("65 trailers", chunked("0\r\n\(String(repeating: "a: b\r\n", count: 65))\r\n"), 431),
        Row("trailers of 17 KB", chunked("0\r\nA: \(String(repeating: "b", count: 17_000))\r\n\r\n"), 431),
    ]

    static let all = requestLines + fields + lengths + codings + chunks

    @Test("E7: refused by one answer and the end, the marked request never runs", arguments: all)
    func refused(_ row: Row) {
        for slice in [Int.max, 1, 13] {
            let server = ServerHarness()
            server.feed(row.raw + Self.marked, slice: slice)
            #expect(server.requests.isEmpty, "slice \(slice)")
            #expect(server.statuses == [row.status], "slice \(slice)")
            #expect(server.text.contains("connection: close\r\n"))
            #expect(server.text.contains("content-type: application/problem+json\r\n"))
            #expect(server.connection.wantsWriteShutdown && !server.connection.hasOutput)
            // Whatever else comes is swallowed.
            server.feed(Self.marked)
            #expect(server.requests.isEmpty && server.statuses.count == 1)
            server.end()
            #expect(server.connection.wantsClose)
        }
    }

    @Test("the table is as long as it should be, and its second request runs after a good first one")
    func control() {
        #expect(Self.all.count >= 80)
        let server = ServerHarness()
        server.feed(Self.post("Content-Length: 3", "abc") + Self.marked)
        #expect(server.requests.map(\.path) == ["/a", "/marked"])
        #expect(server.statuses == [200, 200])
    }

    @Test("E4: a body of 10^18 bytes is refused before anything of it is read")
    func hugeLength() {
        let server = ServerHarness()
        server.feed(Self.post("Content-Length: 1000000000000000000\r\nExpect: 100-continue"))
        #expect(server.statuses == [413])
        for _ in 0..<128 { server.feed(Array(repeating: 0x61, count: 65_536)) }
        #expect(server.statuses == [413] && server.requests.isEmpty && !server.connection.wantsClose)
        // The grace that lets the answer arrive is bounded in bytes as well.
        server.feed([0x61])
        #expect(server.connection.wantsClose)
    }

    @Test("garbage never traps, and gives one answer at most beside those of whole requests", arguments: 0..<40)
    func garbage(seed: UInt64) {
        var random = SplitMix(seed &+ 1000)
        let pieces = [
            "GET ", "POST ", "/", " HTTP/1.1", "\r\n", "\r\n\r\n", "Host: x", "Content-Length: ", "5", "0", "\n", "\r",
            "Transfer-Encoding: chunked", ";", ":", " ", "a", "\0", "Expect: 100-continue", "ffff",
            "PRI * HTTP/2.0\r\n\r\n",
        ]
        for _ in 0..<50 {
            let server = ServerHarness()
            var bytes: [UInt8] = []
            for _ in 0..<Int(random.next() % 60) {
                if random.next() % 10 == 0 {
                    bytes.append(UInt8(truncatingIfNeeded: random.next()))
                } else {
                    bytes += Array(pieces[Int(random.next() % UInt64(pieces.count))].utf8)
                }
            }
            server.feed(bytes, slice: 1 + Int(random.next() % 30))
            #expect(server.statuses.filter { $0 >= 400 }.count <= 1, "seed \(seed)")
        }
    }
}
