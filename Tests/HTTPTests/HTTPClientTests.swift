// The HTTP/1.1 client: what it sends, what it accepts, what it refuses.
import Testing

@testable import HTTP

@Suite struct HTTPClientTests {
    /// Feeds a response in slices and gives the events, or the error.
    static func exchange(
        _ raw: String, method: String = "GET", slice: Int = .max, maximumBody: Int = 1000, ends: Bool = false
    ) -> Result<[HTTPClientEvent], HTTPError> {
        let client = HTTPClientConnection(maximumHeadBytes: 4096, maximumBodyBytes: maximumBody)
        do throws(HTTPError) {
            try client.send(HTTPRequest(method: method, path: "/"))
            var rest = Array(raw.utf8)[...]
            while !rest.isEmpty {
                try feed(client, Array(rest.prefix(slice)))
                rest = rest.dropFirst(slice)
            }
            if ends { try client.endOfInput() }
        } catch { return .failure(error) }
        var events: [HTTPClientEvent] = []
        while let event = client.nextEvent() {
            // Pieces depend on the slices; together they do not.
            if case .body(let more) = event, case .body(let before) = events.last {
                events[events.count - 1] = .body(before + more)
            } else {
                events.append(event)
            }
        }
        return .success(events)
    }

    static func feed(_ client: HTTPClientConnection, _ bytes: [UInt8]) throws(HTTPError) {
        var failure: HTTPError?
        bytes.withUnsafeBytes { buffer in
            do throws(HTTPError) { try client.receive(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    @Test("the request's bytes")
    func request() throws {
        let client = HTTPClientConnection()
        try client.send(
            HTTPRequest(
                method: "PUT", path: "/a", query: "b=c", authority: "r1:80",
                headers: ["Accept": "*/*", "content-length": "9"],
                body: Array("hi".utf8)))
        #expect(
            String(decoding: client.takeOutput(), as: UTF8.self)
                == "PUT /a?b=c HTTP/1.1\r\nhost: r1:80\r\naccept: */*\r\ncontent-length: 2\r\n\r\nhi")
        #expect(client.takeOutput().isEmpty)
        #expect(throws: HTTPError.sessionClosed) { try client.send(HTTPRequest(method: "GET", path: "/")) }
    }

    @Test(
        "what would break the request is not sent",
        arguments: [
            HTTPRequest(method: "GET", path: "/a b"), HTTPRequest(method: "GET", path: ""),
            HTTPRequest(method: "G T", path: "/"), HTTPRequest(method: "GET", path: "/", authority: "a\r\nb"),
            HTTPRequest(method: "GET", path: "/", headers: ["a": "b\nc"]),
            HTTPRequest(method: "GET", path: "/", headers: ["a b": "c"]),
        ])
    func invalid(request: HTTPRequest) {
        #expect(throws: HTTPError.invalidMessage) { try HTTPClientConnection().send(request) }
    }

    @Test("responses by length, in chunks, until the end, and without a body", arguments: [Int.max, 1, 5])
    func responses(slice: Int) {
        let abc = HTTPClientEvent.body(Array("abc".utf8))
        let rows: [(String, String, Bool, [HTTPClientEvent])] = [
            ("GET", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", false, [abc]),
            ("GET", "HTTP/1.1 200\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n2;x\r\nbc\r\n0\r\n\r\n", false, [abc]),
            ("GET", "HTTP/1.0 200 OK\r\n\r\nabc", true, [abc]),
            ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n", false, []),
            (
                "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\na: b\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
                false, []
            ),
            ("GET", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false, []),
        ]
        for (method, raw, ends, body) in rows {
            guard case .success(let events) = Self.exchange(raw, method: method, slice: slice, ends: ends),
                case .head? = events.first
            else {
                Issue.record("\(raw) was refused")
                continue
            }
            #expect(Array(events.dropFirst()) == body + [.end], "\(raw)")
        }
    }

    @Test(
        "responses that are refused",
        arguments: [
            "HTTP/1.1 200 OK\ncontent-length: 3\r\n\r\nabc", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 999 OK\r\n\r\n", "HTTP/1.1 +20 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
            "HTTP/1.1 101 Switching\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\r\na : b\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        ])
    func malformed(raw: String) {
        guard case .failure(.malformedResponse) = Self.exchange(raw) else {
            Issue.record("accepted")
            return
        }
    }

    @Test("limits and early ends")
    func bounds() {
        let length = "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n"
        let until = "HTTP/1.0 200 OK\r\n\r\n" + String(repeating: "a", count: 1001)
        let head = "HTTP/1.1 200 OK\r\na: " + String(repeating: "a", count: 5000)
        for raw in [length, until, head] { #expect(Self.exchange(raw) == .failure(.responseTooLarge)) }
        for raw in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab"] {
            #expect(Self.exchange(raw, ends: true) == .failure(.truncated))
        }
    }

    @Test("client and server understand each other, over a connection that is kept")
    func together() throws {
        let server = ServerHarness()
        let client = HTTPClientConnection()
        for index in 0..<5 {
            try client.send(
                HTTPRequest(method: "POST", path: "/\(index)", body: Array(repeating: 1, count: 10_000 * index)))
            let before = server.output.count
            server.feed(client.takeOutput(), slice: 777)
            try Self.feed(client, Array(server.output.dropFirst(before)))
            var body: [UInt8] = []
            while let event = client.nextEvent() { if case .body(let piece) = event { body += piece } }
            #expect(String(decoding: body, as: UTF8.self) == "</\(index)>" && client.isReusable)
        }
    }

    @Test("garbage never traps", arguments: 0..<20)
    func garbage(seed: UInt64) {
        var random = SplitMix(seed &+ 9000)
        let pieces = [
            "HTTP/1.1 ", "200 OK", "\r\n", "content-length: ", "5", "transfer-encoding: chunked", "a", "\r", "\n", "0",
            ";",
        ]
        for _ in 0..<100 {
            var text = ""
            for _ in 0..<Int(random.next() % 40) { text += pieces[Int(random.next() % UInt64(pieces.count))] }
            _ = Self.exchange(text, slice: 1 + Int(random.next() % 20), ends: random.next() % 2 == 0)
        }
    }
}
