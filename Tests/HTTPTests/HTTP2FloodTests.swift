// Abuse of HTTP/2 (faults A23 and E8, case C34), with raw frames, and what of it must not be taken for abuse.
import Testing

@testable import HTTP

@Suite struct HTTP2FloodTests {
    /// One attack: frames repeated until the session is gone.
    struct Flood: Sendable, CustomTestStringConvertible {
        let name: String
        let fault: HTTP2Fault
        /// The most rounds the server may take.
        let tolerated: Int
        /// The rounds that must pass without harm.
        let harmless: Int
        let round: @Sendable (_ index: Int) -> [UInt8]

        var testDescription: String { name }
    }

    static func stream(_ index: Int) -> UInt32 { UInt32(2 * index + 1) }

    static let floods: [Flood] = [
        Flood(name: "rapid reset (CVE-2023-44487)", fault: .resetFlood, tolerated: 101, harmless: 99) {
            RawFrame.headers(stream($0), endStream: false) + RawFrame.reset(stream($0))
        },
        // A window above 2^31-1 makes the server send RST_STREAM (RFC 9113, 6.9.1).
        Flood(name: "made you reset (CVE-2025-8671)", fault: .resetFlood, tolerated: 101, harmless: 99) {
            RawFrame.headers(stream($0)) + RawFrame.windowUpdate(stream($0), 0x7FFF_FFFF)
        },
        Flood(name: "client's and server's resets share the bucket", fault: .resetFlood, tolerated: 51, harmless: 49) {
            RawFrame.headers(stream(2 * $0), endStream: false) + RawFrame.reset(stream(2 * $0))
                + RawFrame.headers(stream(2 * $0 + 1)) + RawFrame.windowUpdate(stream(2 * $0 + 1), 0x7FFF_FFFF)
        },
        Flood(name: "malformed heads are resets of ours", fault: .resetFlood, tolerated: 101, harmless: 99) {
            RawFrame.headers(stream($0), RawFrame.getBlock + RawFrame.literal("BAD", "1"))
        },
        Flood(name: "PING", fault: .pingFlood, tolerated: 201, harmless: 198) { _ in RawFrame.ping() },
        Flood(name: "unasked PING acknowledgements", fault: .controlFlood, tolerated: 201, harmless: 198) { _ in
            RawFrame.ping(acknowledges: true)
        },
        Flood(name: "empty SETTINGS", fault: .settingsFlood, tolerated: 32, harmless: 30) { _ in RawFrame.emptySettings
        },
        Flood(name: "PRIORITY", fault: .controlFlood, tolerated: 201, harmless: 198) {
            RawFrame.frame(2, 0, stream($0 % 1000), [0, 0, 0, 0, 16])
        },
        Flood(name: "WINDOW_UPDATE", fault: .windowUpdateFlood, tolerated: 2001, harmless: 2000) { _ in
            RawFrame.windowUpdate(0, 1)
        },
        Flood(name: "empty DATA", fault: .emptyFrameFlood, tolerated: 101, harmless: 100) {
            ($0 == 0 ? RawFrame.headers(1, endStream: false) : []) + RawFrame.data(1, [])
        },
        Flood(name: "DATA of padding alone", fault: .emptyFrameFlood, tolerated: 101, harmless: 100) {
            ($0 == 0 ? RawFrame.headers(1, endStream: false) : []) + RawFrame.frame(0, 8, 1, [3, 0, 0, 0])
        },
        Flood(name: "CONTINUATION", fault: .continuationFlood, tolerated: 10, harmless: 8) {
            $0 == 0 ? RawFrame.headers(1, endHeaders: false) : RawFrame.frame(9, 0, 1, RawFrame.literal("a", "b"))
        },
    ]

    @Test("E8: the flood ends in GOAWAY ENHANCE_YOUR_CALM, and not before its bound", arguments: floods)
    func flood(_ flood: Flood) throws {
        let server = try HTTP2Session.readyServer()
        var output: [UInt8] = []
        var rounds = 0
        var error: HTTPError?
        while error == nil, rounds < 3000 {
            do throws(HTTPError) { try server.feed(flood.round(rounds)) } catch let fault { error = fault }
            output += server.output(limit: 65_536)
            _ = server.drainEvents()
            if error == nil { error = server.failure }
            rounds += 1
        }
        #expect(error == .sessionFailed(.enhanceYourCalm, flood.fault))
        #expect(rounds <= flood.tolerated + 1 && rounds > flood.harmless)
        #expect(RawFrame.goAwayCode(output) == .enhanceYourCalm)
        // Terminated: not fed further, and nothing more comes out.
        #expect(throws: HTTPError.sessionClosed) { try server.feed(RawFrame.ping()) }
        #expect(server.isFinished && server.output().isEmpty)
    }

    @Test("A23: gRPC-Go's rhythm of PINGs and a slow rhythm of resets never trip a limit")
    func falsePositives() throws {
        let server = try HTTP2Session.readyServer()
        // libnghttp2 has a reset limit of its own, by the real clock, with a burst of 1,000.
        for index in 0..<900 {
            let now = UInt64(index) * 50
            try server.feed(
                RawFrame.ping() + RawFrame.ping() + RawFrame.ping() + RawFrame.ping() + RawFrame.ping(), at: now)
            try server.feed(
                RawFrame.headers(Self.stream(index), endStream: false) + RawFrame.reset(Self.stream(index)), at: now)
            _ = server.output()
            _ = server.drainEvents()
        }
        #expect(server.failure == nil)
    }

    @Test("A23: window updates for what we sent are no flood")
    func earnedWindowUpdates() throws {
        let server = try HTTP2Session.readyServer()
        try server.feed(RawFrame.setting(4, 0x7FFF_FFFF) + RawFrame.windowUpdate(0, 0x7000_0000) + RawFrame.headers(1))
        let source = MemorySource([], isEnded: false)
        try server.submitResponse(1, [":status": "200"], body: source)
        for _ in 0..<4000 {
            source.bytes = Array(repeating: 0, count: 2048)
            server.resume(1)
            _ = server.output()
            try server.feed(RawFrame.windowUpdate(0, 1) + RawFrame.windowUpdate(1, 1))
        }
        #expect(server.failure == nil)
    }

    @Test("C34 f: of 1,000 streams on a peer link one is served, the others are refused, until the budget is spent")
    func oneStream() throws {
        let server = try HTTP2Session.readyServer(.peerLink)
        var output: [UInt8] = []
        for index in 0..<50 {
            try server.feed(RawFrame.headers(Self.stream(index), endStream: false))
            output += server.output()
        }
        let heads = server.drainEvents().filter { if case .headers = $0 { true } else { false } }
        #expect(heads.count == 1)
        let refusals = RawFrame.parse(output).filter { $0.type == 3 }
        #expect(refusals.count == 49 && refusals.allSatisfy { $0.payload == RawFrame.word(7) })
        #expect(server.openStreamCount == 1 && server.failure == nil)
        #expect(throws: HTTPError.sessionFailed(.enhanceYourCalm, .resetFlood)) {
            for index in 50..<1000 { try server.feed(RawFrame.headers(Self.stream(index), endStream: false)) }
        }
    }

    @Test("a header list over 64 fields or 16 KiB is reported, dropped, and the stream stays answerable")
    func largeHead() throws {
        let many = (0..<65).flatMap { _ in RawFrame.literal("a", "b") }
        let long = (0..<160).flatMap { _ in RawFrame.literal("x", String(repeating: "y", count: 100)) }
        for block in [many, Array(long.prefix(160 * 104))] {
            let server = try HTTP2Session.readyServer()
            let whole = RawFrame.getBlock + block
            var frames = RawFrame.headers(1, Array(whole.prefix(16_000)), endHeaders: whole.count <= 16_000)
            if whole.count > 16_000 { frames += RawFrame.frame(9, 4, 1, Array(whole.dropFirst(16_000))) }
            try server.feed(frames)
            #expect(server.drainEvents() == [.headersTooLarge(1, endsStream: true)])
            try server.submitResponse(1, [":status": "431"], body: nil)
            #expect(RawFrame.parse(server.output()).contains { $0.type == 1 && $0.stream == 1 })
        }
    }

    @Test("E8: an HPACK bomb ends the session before it is unpacked")
    func bomb() throws {
        let server = try HTTP2Session.readyServer()
        // One entry of 3 KB put into the dynamic table, then named 10,000 times by one byte each.
        let entry: [UInt8] = [0x40, 0x01, 0x61, 0x7F, 0xB9, 0x16] + Array(repeating: 0x62, count: 2872)
        let block = RawFrame.getBlock + entry + Array(repeating: 0xBE, count: 10_000)
        #expect(throws: HTTPError.sessionFailed(.enhanceYourCalm, .headerListTooLarge)) {
            try server.feed(RawFrame.headers(1, block))
        }
        #expect(RawFrame.goAwayCode(server.output()) == .enhanceYourCalm)
    }

    @Test("E8: questions without reading the answers end the session, with bounded output")
    func neverReads() throws {
        let server = try HTTP2Session.readyServer()
        var now: UInt64 = 0
        var error: HTTPError?
        var largest = 0
        for _ in 0..<200_000 where error == nil {
            now += 10
            do throws(HTTPError) { try server.feed(RawFrame.ping(), at: now) } catch let fault { error = fault }
            largest = max(largest, server.bufferedOutputBytes)
        }
        #expect(error?.goAwayCode == .enhanceYourCalm)
        #expect(largest <= 65 * 1024)
    }

    /// Violations of the protocol and the code that RFC 9113 asks for.
    static let violations: [(String, [UInt8], HTTP2ErrorCode)] = [
        ("4.2: frame above SETTINGS_MAX_FRAME_SIZE", RawFrame.frame(0, 0, 1, [], length: 16_385), .frameSizeError),
        ("5.1: DATA on an idle stream", RawFrame.data(5, [1]), .protocolError),
        ("5.1.1: even stream from a client", RawFrame.headers(2), .protocolError),
        ("6.5: SETTINGS of 5 bytes", RawFrame.frame(4, 0, 0, [0, 1, 0, 0, 0]), .frameSizeError),
        ("6.5: SETTINGS on a stream", RawFrame.frame(4, 0, 1, []), .protocolError),
        ("6.5.2: window above 2^31-1", RawFrame.setting(4, 0x8000_0000), .flowControlError),
        ("6.7: PING of 7 bytes", RawFrame.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7]), .frameSizeError),
        ("6.9.1: window overflow", RawFrame.windowUpdate(0, 0x7FFF_FFFF), .flowControlError),
        ("6.10: CONTINUATION without HEADERS", RawFrame.frame(9, 4, 1, []), .protocolError),
        ("8.4: PUSH_PROMISE from a client", RawFrame.frame(5, 4, 1, [0, 0, 0, 2]), .protocolError),
        ("4.3: HPACK index out of range", RawFrame.headers(1, [0xFF, 0xFF, 0x7F]), .compressionError),
    ]

    @Test("a violation of RFC 9113 ends in a GOAWAY with its code", arguments: violations)
    func violation(_ rule: String, _ frames: [UInt8], _ code: HTTP2ErrorCode) throws {
        let server = try HTTP2Session.readyServer()
        do throws(HTTPError) { try server.feed(frames) } catch { #expect(error.goAwayCode == code, "\(rule)") }
        #expect(server.failure == .sessionFailed(code, .protocolViolation), "\(rule)")
        #expect(RawFrame.goAwayCode(server.output()) == code, "\(rule)")
    }

    @Test("a wrong preface ends the session after our SETTINGS")
    func preface() throws {
        let server = try HTTP2Session(role: .server, nowMilliseconds: 0)
        #expect(throws: HTTPError.sessionFailed(.protocolError, .badPreface)) {
            try server.feed(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        }
        let frames = RawFrame.parse(server.output())
        #expect(frames.first?.type == 4 && frames.last?.type == 7)
    }

    @Test("garbage never traps and never grows the output", arguments: 0..<20)
    func garbage(seed: UInt64) throws {
        var random = SplitMix(seed)
        for round in 0..<40 {
            let server =
                round % 2 == 0 ? try HTTP2Session.readyServer() : try HTTP2Session(role: .client, nowMilliseconds: 0)
            if server.role == .client {
                _ = try server.submitRequest(HTTP2SessionTests.request, body: MemorySource([1], isEnded: false))
            }
            for step in 0..<30 {
                let kind = UInt8(random.next() % 11)
                let payload = (0..<Int(random.next() % 40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                let frame = RawFrame.frame(
                    kind, UInt8(truncatingIfNeeded: random.next()), UInt32(random.next() % 6), payload)
                do throws(HTTPError) {
                    try server.feed(random.next() % 4 == 0 ? payload : frame, at: UInt64(step))
                } catch { break }
                if random.next() % 3 == 0 { _ = server.output(limit: Int(random.next() % 30_000)) }
                for event in server.drainEvents() {
                    if case .headers(let stream, _, _) = event, server.role == .server {
                        try? server.submitResponse(stream, [":status": "200"], body: MemorySource([1, 2, 3]))
                    }
                }
                #expect(server.bufferedOutputBytes <= 66 * 1024, "seed \(seed), round \(round)")
            }
        }
    }
}

/// A small generator with a printed seed, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
