// Fields, media types and percent-coding.
import Testing

@testable import HTTP

@Suite struct MessageTests {
    @Test("fields keep their order and their duplicates; names compare without case")
    func headers() {
        var headers: HTTPHeaders = ["A": "1", "b": "2", "a": "3"]
        #expect(headers["a"] == "1" && headers.all("A") == ["1", "3"] && headers["c"] == nil)
        headers["A"] = "4"
        #expect(headers.fields.map(\.name) == ["a", "b"] && headers["a"] == "4")
        headers["b"] = nil
        headers.append("C", "x")
        #expect(headers == ["a": "4", "c": "x"] && headers.count == 2)
        // Kelvin sign folds to k in Unicode, not here.
        headers.append("\u{212A}", "y")
        #expect(headers["k"] == nil)
        #expect((["connection": "a, Close ,b"] as HTTPHeaders).listContains("Connection", token: "close"))
        #expect(!(["connection": "closed"] as HTTPHeaders).listContains("connection", token: "close"))
        #expect((["ab": "cde"] as HTTPHeaders).listSize == 37)
    }

    @Test(
        "media types",
        arguments: [
            ("application/json", "application/json", nil),
            ("Application/JSON ; Charset=UTF-8", "application/json", "UTF-8"),
            ("a/b;charset=\"u\\\"8\"", "a/b", "u\"8"), ("a/b;", "a/b", nil), (" a/b\t", "a/b", nil),
            ("", nil, nil), ("json", nil, nil), ("a/", nil, nil), ("/b", nil, nil), ("a/b c", nil, nil),
            ("text/plain, application/json", nil, nil), ("a/b;c", nil, nil), ("a/b;c=\"", nil, nil), ("a /b", nil, nil),
        ] as [(String, String?, String?)])
    func mediaTypes(_ text: String, _ essence: String?, _ charset: String?) {
        let type = MediaType(parsing: text)
        #expect(type?.essence == essence && type?.parameter("charset") == charset)
    }

    @Test(
        "E9: path segments are split before they are decoded",
        arguments: [
            ("/a/b", ["a", "b"]), ("/", [""]), ("/a/", ["a", ""]), ("//a", ["", "a"]), ("/a%2Fb", ["a/b"]),
            ("/%2e%2E/x", ["..", "x"]),
            ("/2001:db8::%2F32", ["2001:db8::/32"]), ("/a+b%20c", ["a+b c"]), ("/%C3%A4", ["ä"]), ("/%252F", ["%2F"]),
            ("*", ["*"]),
        ])
    func segments(_ path: String, _ expected: [String]) throws {
        #expect(try PercentCoding.pathSegments(path) == expected)
    }

    @Test(
        "what does not decode is an error",
        arguments: [
            ("/%", PercentCodingError.malformedEscape), ("/%2", .malformedEscape), ("/%zz", .malformedEscape),
            ("/%2/", .malformedEscape), ("/%+1", .malformedEscape), ("/%00", .nul), ("/a%00b", .nul),
            ("/%FF", .notUTF8),
            ("/%C0%AF", .notUTF8), ("/%ED%A0%80", .notUTF8),
        ])
    func undecodable(_ path: String, _ error: PercentCodingError) {
        #expect(throws: error) { try PercentCoding.pathSegments(path) }
        #expect(throws: error) { try PercentCoding.queryParameters("a=\(path.dropFirst())") }
    }

    @Test("queries keep order, duplicates and the difference between no value and an empty one")
    func queries() throws {
        #expect(
            try PercentCoding.queryParameters("a=1&b&a=2&&c=&%64=e%3Df=g+h") == [
                .init("a", "1"), .init("b", nil), .init("a", "2"), .init("c", ""), .init("d", "e=f=g+h"),
            ])
        #expect(try PercentCoding.queryParameters(nil).isEmpty && PercentCoding.queryParameters("").isEmpty)
    }

    @Test("encoding and decoding are each other's inverse")
    func inverse() throws {
        let text = "a/b c?d=ä&%+~.-_\u{1F600}"
        #expect(PercentCoding.encode(text) == "a%2Fb%20c%3Fd%3D%C3%A4%26%25%2B~.-_%F0%9F%98%80")
        #expect(try PercentCoding.decode(PercentCoding.encode(text)) == text)
    }

    @Test("the queue gives back what it was given, against a plain array", arguments: 0..<10)
    func queue(seed: UInt64) {
        var random = SplitMix(seed)
        var queue = FIFO<Int>()
        var oracle: [Int] = []
        for step in 0..<2000 {
            switch random.next() % 4 {
            case 0, 1:
                queue.append(step)
                oracle.append(step)
            case 2: #expect(queue.popFirst() == (oracle.isEmpty ? nil : oracle.removeFirst()), "seed \(seed)")
            default:
                let number = Int(random.next() % 5)
                queue.dropFirst(number)
                oracle.removeFirst(min(number, oracle.count))
            }
            #expect(queue.count == oracle.count && queue.first == oracle.first)
        }
        #expect(Array(queue.elements) == oracle, "seed \(seed)")
    }
}
