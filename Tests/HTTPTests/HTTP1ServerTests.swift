// HTTP/1.1 on a server connection when all goes well, and when it goes slowly.
import Testing

@testable import HTTP

@Suite struct HTTP1ServerTests {
    static let get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test("a request in any slices is the same request", arguments: [Int.max, 1, 3, 10])
    func slices(slice: Int) throws {
        let server = ServerHarness()
        server.feed(
            "PUT /v1/a%2Fb?x=1&x=2 HTTP/1.1\r\nHost: r1.example:80\r\nA:\t b c \r\nContent-Length: 5\r\n\r\nhello"
                + "POST /c HTTP/1.1\r\nhOST: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
                + "3;n=\"v\"\r\nabc\r\n0000A\r\n0123456789\r\n0\r\nT: u\r\n\r\n" + Self.get, slice: slice)
        #expect(server.requests.count == 3)
        let first = try #require(server.requests.first)
        #expect(first.method == "PUT" && first.path == "/v1/a%2Fb" && first.query == "x=1&x=2")
        #expect(first.authority == "r1.example:80" && first.body == Array("hello".utf8) && first.version == .http11)
        #expect(first.headers["a"] == "b c" && !first.isAbsoluteForm)
        #expect(server.requests[1].body == Array("abc0123456789".utf8) && server.requests[1].trailers == ["t": "u"])
        #expect(server.statuses == [200, 200, 200])
        #expect(!server.connection.wantsWriteShutdown)
    }

    @Test(
        "targets that are allowed, with the authority they name",
        arguments: [
            ("GET http://x/a?b HTTP/1.1\r\nHost: X\r\n\r\n", "/a", "b", "X", true),
            ("GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", "/", nil, "x", true),
            ("GET HTTPS://x?q HTTP/1.1\r\nHost: x\r\n\r\n", "/", "q", "x", true),
            ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "*", nil, "x", false),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "/", nil, "", false),
            ("GET //a/../b? HTTP/1.1\r\nHost: [::1]:5121\r\n\r\n", "//a/../b", "", "[::1]:5121", false),
            ("GET /a HTTP/1.0\r\n\r\n", "/a", nil, nil, false),
            ("GET http://y/a HTTP/1.0\r\n\r\n", "/a", nil, "y", true),
            ("\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n", "/a", nil, "x", false),
        ] as [(String, String, String?, String?, Bool)])
    func targets(_ raw: String, _ path: String, _ query: String?, _ authority: String?, _ isAbsolute: Bool) throws {
        let server = ServerHarness()
        server.feed(raw, slice: 1)
        let request = try #require(server.requests.first)
        #expect(request.path == path && request.query == query && request.authority == authority)
        #expect(request.isAbsoluteForm == isAbsolute)
    }

    @Test(
        "E5: a first line that begins no request is refused when it ends, not when the time for a head is up",
        arguments: [
            ("SSH-2.0-x\r\n", 400), ("HELO x\r\n", 400), ("GET /\r\n", 400), ("GET / HTTP/1.2\r\n", 505),
            ("GET / HTTP/1.1\r\n", nil), ("GET / HTTP/1.1\r\nA", nil), ("SSH-2.0-x\r", nil),
        ] as [(String, Int?)])
    func firstLine(_ raw: String, _ status: Int?) {
        for slice in [1, Int.max] {
            let server = ServerHarness()
            server.feed(raw, slice: slice)
            #expect(server.statuses == (status.map { [$0] } ?? []))
        }
    }

    @Test("keep-alive is the rule in 1.1; close and 1.0 end the connection")
    func persistence() {
        for head in [
            "GET /a HTTP/1.1\r\nHost: x\r\nConnection: te, Close\r\n\r\n",
            "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        ] {
            let server = ServerHarness()
            server.feed(head + Self.get)
            #expect(server.requests.count == 1 && server.statuses == [200])
            #expect(server.text.contains("connection: close\r\n") && server.connection.wantsWriteShutdown)
            server.advance(to: 1_999)
            #expect(!server.connection.wantsClose)
            server.advance(to: 2_000)
            #expect(server.connection.wantsClose)
        }
    }

    @Test("HEAD has the length and no body; 204 and 304 have neither")
    func bodiless() {
        let server = ServerHarness()
        server.feed("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(server.text == "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n")
        for status in [204, 304] {
            let server = ServerHarness()
            server.answers = { _ in HTTPResponse(status: status, headers: ["etag": "\"1\""], body: [1]) }
            server.feed(Self.get)
            #expect(server.text.hasSuffix("etag: \"1\"\r\n\r\n") && !server.text.contains("content-length"))
        }
    }

    @Test("a field of an answer that would end its line is left out, those of the engine are its own")
    func answerFields() {
        let server = ServerHarness()
        server.answers = { _ in
            HTTPResponse(
                status: 200, headers: ["x": "a\r\nset-cookie: b", "content-length": "99", "Connection": "x", "y": "1"])
        }
        server.feed(Self.get)
        #expect(server.text == "HTTP/1.1 200 OK\r\ny: 1\r\ncontent-length: 0\r\n\r\n")
    }

    @Test("100 Continue is sent when the client waits for it, and only then")
    func expectContinue() {
        let head = "PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"
        let waits = ServerHarness()
        waits.feed(head)
        #expect(waits.statuses == [100])
        waits.feed("hi")
        #expect(waits.statuses == [100, 200])
        let sends = ServerHarness()
        sends.feed(head + "hi")
        #expect(sends.statuses == [200])
        let tooMuch = ServerHarness(bodyLimit: { $0.path == "/a" ? 1 : 10 })
        tooMuch.feed(head)
        #expect(tooMuch.statuses == [413])
    }

    @Test("Upgrade: h2c is ignored")
    func upgrade() {
        let server = ServerHarness()
        server.feed(
            "GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
        )
        #expect(server.statuses == [200])
    }

    @Test("pipelined requests wait as bytes, are answered in order, and back-pressure sets in at 64 KiB")
    func pipelining() {
        let server = ServerHarness()
        server.answers = { _ in nil }
        for index in 0..<100 { server.feed("GET /\(index) HTTP/1.1\r\nHost: x\r\n\r\n") }
        #expect(server.requests.count == 1 && server.connection.wantsInput)
        server.feed(Array(repeating: 0x61, count: 65_536))
        #expect(!server.connection.wantsInput)
        for index in 0..<100 {
            server.connection.respond(server.open[index], HTTPResponse(status: 200, body: Array("<\(index)>".utf8)))
            server.turn()
        }
        #expect(server.requests.map(\.path) == (0..<100).map { "/\($0)" })
        #expect(
            server.text.split(separator: "<").dropFirst().map { String($0.prefix { $0 != ">" }) }
                == (0..<100).map(String.init))
    }

    @Test("an owner that reads on in spite of back-pressure loses the connection, not memory")
    func overrun() {
        let server = ServerHarness()
        server.answers = { _ in nil }
        server.feed(Self.get)
        for _ in 0..<40 { server.feed(Array(repeating: 0x61, count: 65_536)) }
        #expect(server.connection.wantsClose)
    }

    @Test("a second answer, or one to a stranger, is ignored")
    func doubleAnswer() {
        let server = ServerHarness()
        server.answers = { _ in nil }
        server.feed(Self.get + Self.get)
        let id = server.open[0]
        server.connection.respond(id, HTTPResponse(status: 200))
        server.connection.respond(id, HTTPResponse(status: 500))
        server.connection.endResponse(id)
        server.turn()
        #expect(server.statuses == [200])
    }

    @Test("a streamed answer is chunked in 1.1 and ends with the connection in 1.0; HEAD gets its head only")
    func streaming() {
        for (version, method) in [("1.1", "GET"), ("1.0", "GET"), ("1.1", "HEAD")] {
            let server = ServerHarness()
            server.answers = { _ in nil }
            server.feed("\(method) /a HTTP/\(version)\r\nHost: x\r\n\r\n")
            let id = server.open[0]
            server.connection.beginResponse(
                id, HTTPResponse(status: 200, headers: ["content-type": "text/event-stream"]))
            server.connection.write(id, Array("abc".utf8))
            server.connection.write(id, [])
            server.turn()
            server.connection.write(id, Array("de".utf8))
            server.connection.endResponse(id)
            server.turn()
            switch (version, method) {
            case ("1.1", "GET"): #expect(server.text.hasSuffix("chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))
            case ("1.0", _):
                #expect(server.text.hasSuffix("connection: close\r\n\r\nabcde") && server.connection.wantsWriteShutdown)
            default: #expect(server.text.hasSuffix("chunked\r\n\r\n"))
            }
        }
    }

    @Test("E13: a client that stops reading is told of at 64 KiB and dropped at 256 KiB")
    func slowReader() {
        let server = ServerHarness()
        server.answers = { _ in nil }
        server.feed(Self.get)
        let id = server.open[0]
        server.connection.beginResponse(id, HTTPResponse(status: 200))
        server.isReading = false
        var buffered = 0
        while buffered <= 65_536 { buffered = server.connection.write(id, Array(repeating: 1, count: 8192)) }
        server.isReading = true
        server.turn()
        #expect(server.events.last == .writable(id))
        server.isReading = false
        var largest = 0
        for _ in 0..<100 { largest = max(largest, server.connection.write(id, Array(repeating: 1, count: 8192))) }
        server.turn()
        #expect(largest <= 256 * 1024 && server.events.last == .cancelled(id) && server.connection.wantsClose)
    }

    @Test("E5: a head that is not whole after 10 s is answered 408, an empty connection is closed")
    func slowHead() {
        let slow = ServerHarness()
        for second in 0..<10 {
            slow.advance(to: UInt64(second) * 1000)
            slow.feed("G")
        }
        #expect(slow.connection.nextDeadlineMilliseconds == 10_000)
        slow.advance(to: 10_000)
        #expect(slow.statuses == [408] && slow.connection.wantsWriteShutdown)
        for first in ["", "P", "PRI * HTTP/2.0\r\n"] {
            let silent = ServerHarness()
            silent.feed(first)
            silent.advance(to: 10_000)
            #expect(silent.connection.wantsClose || silent.connection.wantsWriteShutdown)
        }
    }

    @Test("E5: the head's time runs from its first byte on a connection that is kept")
    func laterHead() {
        let server = ServerHarness()
        server.feed(Self.get)
        #expect(server.connection.nextDeadlineMilliseconds == 120_000)
        server.advance(to: 100_000)
        server.feed("GET")
        #expect(server.connection.nextDeadlineMilliseconds == 110_000)
        server.advance(to: 110_000)
        #expect(server.statuses == [200, 408])
    }

    @Test("an idle connection is closed after 120 s without a word")
    func idle() {
        let server = ServerHarness()
        server.feed(Self.get)
        let before = server.output.count
        server.advance(to: 120_000)
        #expect(server.connection.wantsWriteShutdown && server.output.count == before)
    }

    @Test("E5: a body has 30 s, and 10 s only while it is slower than 1 KiB/s")
    func slowBody() {
        let head = "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
        let slow = ServerHarness()
        slow.feed(head + "abc")
        slow.advance(to: 9_999)
        #expect(slow.statuses.isEmpty)
        slow.advance(to: 10_003)
        #expect(slow.statuses == [408])
        let steady = ServerHarness()
        steady.feed(head)
        for second in 1..<30 {
            steady.advance(to: UInt64(second) * 1000)
            steady.feed(Array(repeating: 0x61, count: 2048))
        }
        #expect(steady.statuses.isEmpty)
        steady.advance(to: 30_000)
        #expect(steady.statuses == [408])
    }

    @Test("E5: output that does not move for 30 s ends the connection; any movement starts the time again")
    func writeStall() {
        let server = ServerHarness()
        server.answers = { _ in HTTPResponse(status: 200, body: Array(repeating: 1, count: 200_000)) }
        server.isReading = false
        server.feed(Self.get)
        server.advance(to: 0)
        #expect(server.connection.nextDeadlineMilliseconds == 30_000)
        server.now = 29_000
        var some: [UInt8] = []
        #expect(server.connection.takeOutput(into: &some, limit: 100, nowMilliseconds: 29_000) == 100)
        server.advance(to: 58_999)
        #expect(!server.connection.wantsClose)
        server.advance(to: 59_000)
        #expect(server.connection.wantsClose)
    }

    @Test("an answer that comes late is not called stalled before it could be sent")
    func lateAnswer() {
        let server = ServerHarness()
        server.answers = { _ in nil }
        server.feed(Self.get)
        server.now = 100_000
        server.connection.respond(server.open[0], HTTPResponse(status: 200))
        server.connection.tick(nowMilliseconds: 100_000)
        server.turn()
        #expect(server.statuses == [200] && !server.connection.wantsClose)
        #expect(server.connection.nextDeadlineMilliseconds == 220_000)
    }

    @Test("what waited behind a slow answer has its own time from then on")
    func waitingRequest() {
        for (part, deadline) in [
            ("GET", 110_000), ("PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", 110_000),
        ] {
            let server = ServerHarness()
            server.answers = { _ in nil }
            server.feed(Self.get + part)
            server.now = 100_000
            server.connection.respond(server.open[0], HTTPResponse(status: 200))
            server.turn()
            #expect(server.connection.nextDeadlineMilliseconds == UInt64(deadline))
        }
    }

    @Test("a client that half-closes after its request is answered; one that does so within it is not")
    func endOfInput() {
        let whole = ServerHarness()
        whole.answers = { _ in nil }
        whole.feed(Self.get)
        whole.end()
        whole.connection.respond(whole.open[0], HTTPResponse(status: 200))
        whole.turn()
        #expect(whole.statuses == [200] && whole.connection.wantsClose)
        for part in ["GET /a", "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", ""] {
            let server = ServerHarness()
            server.feed(part)
            server.end()
            #expect(server.connection.wantsClose && server.output.isEmpty)
        }
    }

    @Test("a lost connection cancels its request")
    func lost() {
        let server = ServerHarness()
        server.answers = { _ in nil }
        server.feed(Self.get)
        server.connection.connectionLost()
        server.turn()
        #expect(server.events.last == .cancelled(server.open[0]) && server.connection.wantsClose)
    }

    @Test("shutdown answers what is in progress, with Connection: close, and nothing behind it")
    func shutdown() {
        let server = ServerHarness()
        server.answers = { _ in nil }
        server.feed(Self.get + Self.get)
        server.connection.shutdown(nowMilliseconds: 0)
        #expect(!server.connection.wantsWriteShutdown)
        server.connection.respond(server.open[0], HTTPResponse(status: 200))
        server.turn()
        #expect(
            server.statuses == [200] && server.text.contains("connection: close")
                && server.connection.wantsWriteShutdown)
        let idle = ServerHarness()
        idle.feed(Self.get)
        idle.connection.shutdown(nowMilliseconds: 0)
        #expect(idle.connection.wantsWriteShutdown)
    }
}
