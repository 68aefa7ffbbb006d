// HTTP/2 sessions against each other: requests, bodies, trailers, flow control, resets, the graceful end.
import Testing

@testable import HTTP

@Suite struct HTTP2SessionTests {
    static let request: HTTPHeaders = [":method": "POST", ":scheme": "https", ":path": "/a", ":authority": "x"]

    @Test("a request and its answer, whole and byte by byte", arguments: [Int.max, 1, 7])
    func roundTrip(slice: Int) throws {
        let pair = try SessionPair(slice: slice)
        let body = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let stream = try pair.client.submitRequest(Self.request, body: MemorySource(body))
        try pair.pump()
        let atServer = pair.server.drainEvents()
        #expect(atServer.contains(.headers(stream, Self.request, endsStream: false)))
        #expect(atServer.body(stream) == body)
        #expect(atServer.last == .endOfStream(stream))
        try pair.server.submitResponse(
            stream, [":status": "200"], body: MemorySource([1, 2, 3], trailers: ["grpc-status": "0"]))
        try pair.pump()
        let atClient = pair.client.drainEvents()
        #expect(atClient.contains(.headers(stream, [":status": "200"], endsStream: false)))
        #expect(atClient.body(stream) == [1, 2, 3])
        #expect(
            Array(atClient.suffix(2)) == [.trailers(stream, ["grpc-status": "0"]), .streamClosed(stream, .noError)])
        #expect(pair.client.openStreamCount == 0 && pair.server.openStreamCount == 0)
    }

    @Test("a megabyte each way passes with automatic windows")
    func largeBodies() throws {
        let pair = try SessionPair()
        let body = (0..<1_200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let stream = try pair.client.submitRequest(Self.request, body: MemorySource(body))
        try pair.pump()
        #expect(pair.server.drainEvents().body(stream) == body)
        try pair.server.submitResponse(stream, [":status": "200"], body: MemorySource(body))
        try pair.pump()
        #expect(pair.client.drainEvents().body(stream) == body)
    }

    @Test("manual consumption holds the sender at the window until bytes are given back")
    func manualWindows() throws {
        var limits = HTTP2Limits()
        limits.consumesManually = true
        limits.streamWindow = 70_000
        limits.connectionWindow = 100_000
        let pair = try SessionPair(serverLimits: limits)
        try pair.pump()
        let stream = try pair.client.submitRequest(
            Self.request, body: MemorySource(Array(repeating: 5, count: 200_000)))
        try pair.pump()
        var received = pair.server.drainEvents().body(stream).count
        #expect(received == 70_000)
        while received < 200_000 {
            pair.server.consume(stream, bytes: 50_000)
            try pair.pump()
            let more = pair.server.drainEvents().body(stream).count
            #expect(more <= 70_000)
            if more == 0 { break }
            received += more
        }
        #expect(received == 200_000)
    }

    @Test("E8: with a window of 0 nothing is asked of the source; it goes on when the window opens")
    func windowZero() throws {
        let server = try HTTP2Session.readyServer()
        try server.feed(RawFrame.setting(4, 0) + RawFrame.headers(1))
        let source = MemorySource([1, 2, 3, 4])
        try server.submitResponse(1, [":status": "200"], body: source)
        let before = RawFrame.parse(server.output())
        #expect(before.contains { $0.type == 1 } && !before.contains { $0.type == 0 })
        #expect(source.reads == 0 && !server.hasOutput)
        try server.feed(RawFrame.windowUpdate(1, 2))
        #expect(RawFrame.parse(server.output()).first { $0.type == 0 }?.payload == [1, 2])
        try server.feed(RawFrame.windowUpdate(1, 100))
        #expect(RawFrame.parse(server.output()).filter { $0.type == 0 }.flatMap(\.payload) == [3, 4])
    }

    @Test("a deferred source is silent until it is resumed")
    func deferral() throws {
        let pair = try SessionPair()
        let source = MemorySource([], isEnded: false)
        let stream = try pair.client.submitRequest(Self.request, body: source)
        try pair.pump()
        #expect(pair.server.drainEvents().last == .headers(stream, Self.request, endsStream: false))
        #expect(!pair.client.hasOutput)
        source.bytes = [9]
        #expect(pair.client.output().isEmpty)
        pair.client.resume(stream)
        try pair.pump()
        #expect(pair.server.drainEvents() == [.data(stream, [9])])
    }

    @Test("A27: with a small limit at most one DATA frame precedes a PING's acknowledgement")
    func controlFirst() throws {
        let server = try HTTP2Session.readyServer()
        try server.feed(RawFrame.headers(1))
        try server.submitResponse(1, [":status": "200"], body: MemorySource(Array(repeating: 1, count: 60_000)))
        let first = server.output(limit: 16_500)
        #expect(first.count <= 16_500)
        #expect(RawFrame.parse(first).filter { $0.type == 0 }.count == 1)
        try server.feed(RawFrame.ping())
        #expect(RawFrame.parse(server.output(limit: 16_500)).first?.type == 6)
    }

    @Test("the limit of takeOutput is exact", arguments: [1, 9, 10, 100, 16_392, 16_393, 20_000])
    func outputLimit(limit: Int) throws {
        let server = try HTTP2Session.readyServer()
        try server.feed(RawFrame.headers(1))
        let body = Array(repeating: UInt8(3), count: 50_000)
        try server.submitResponse(1, [":status": "200"], body: MemorySource(body))
        var all: [UInt8] = []
        while server.hasOutput {
            let piece = server.output(limit: limit)
            #expect(piece.count <= limit && !piece.isEmpty)
            if piece.isEmpty { break }
            all += piece
        }
        #expect(RawFrame.parse(all).filter { $0.type == 0 }.flatMap(\.payload) == body)
    }

    @Test("resets travel both ways and end the stream with their code")
    func resets() throws {
        let pair = try SessionPair()
        let first = try pair.client.submitRequest(Self.request, body: MemorySource([], isEnded: false))
        let second = try pair.client.submitRequest(Self.request, body: MemorySource([], isEnded: false))
        try pair.pump()
        pair.client.reset(first, .cancel)
        pair.server.reset(second, .internalError)
        try pair.pump()
        #expect(pair.server.drainEvents().contains(.streamClosed(first, .cancel)))
        #expect(pair.client.drainEvents().contains(.streamClosed(second, .internalError)))
    }

    @Test("a source that fails resets its stream and no other")
    func failingSource() throws {
        let pair = try SessionPair()
        let source = MemorySource()
        source.failure = .internalError
        let stream = try pair.client.submitRequest(Self.request, body: source)
        let other = try pair.client.submitRequest(Self.request, body: MemorySource([1]))
        try pair.pump()
        let events = pair.server.drainEvents()
        #expect(events.contains(.streamClosed(stream, .internalError)))
        #expect(events.body(other) == [1])
        #expect(pair.client.failure == nil && pair.server.failure == nil)
    }

    @Test("a PING comes back as a pong with its number")
    func ping() throws {
        let pair = try SessionPair()
        try pair.client.ping(0x0102_0304_0506_0708)
        try pair.pump()
        #expect(pair.client.drainEvents().contains(.pong(0x0102_0304_0506_0708)))
    }

    @Test("shutdown lets open streams run out, takes no new one, then finishes")
    func gracefulShutdown() throws {
        let pair = try SessionPair()
        let stream = try pair.client.submitRequest(Self.request, body: nil)
        try pair.pump()
        pair.server.shutdown()
        try pair.pump()
        #expect(pair.client.drainEvents().contains(.goAway(lastStream: stream, .noError)))
        #expect(!pair.server.isFinished)
        #expect(throws: HTTPError.self) { try pair.client.submitRequest(Self.request, body: nil) }
        try pair.server.submitResponse(stream, [":status": "204"], body: nil)
        try pair.pump()
        #expect(pair.server.isFinished && pair.client.isFinished)
    }

    @Test("terminate leaves one GOAWAY with its code and takes nothing more")
    func terminate() throws {
        let server = try HTTP2Session.readyServer()
        server.terminate(.http11Required)
        #expect(throws: HTTPError.sessionClosed) { try server.feed(RawFrame.ping()) }
        #expect(RawFrame.goAwayCode(server.output()) == .http11Required)
        #expect(server.isFinished)
    }

    @Test(
        "fields that would break a message elsewhere are not sent",
        arguments: [Character("\r"), "\n", "\0"].map { "a\($0)b" })
    func outgoingFields(value: String) throws {
        let client = try HTTP2Session(role: .client, nowMilliseconds: 0)
        var headers = Self.request
        headers["x"] = value
        #expect(throws: HTTPError.invalidMessage) { try client.submitRequest(headers, body: nil) }
        headers["x"] = nil
        headers.append("x y", "1")
        #expect(throws: HTTPError.invalidMessage) { try client.submitRequest(headers, body: nil) }
    }

    @Test("interim responses are swallowed, the final one counts")
    func interimResponses() throws {
        let client = try HTTP2Session(role: .client, nowMilliseconds: 0)
        let stream = try client.submitRequest(Self.request, body: nil)
        _ = client.output()
        let status = { (code: String) in RawFrame.literal(":status", code) }
        try client.feed(
            RawFrame.emptySettings + RawFrame.headers(1, status("103"), endStream: false)
                + RawFrame.headers(1, status("200")))
        let events = client.drainEvents()
        #expect(events.filter { if case .headers = $0 { true } else { false } }.count == 1)
        #expect(events.contains(.headers(stream, [":status": "200"], endsStream: true)))
    }
}
