// What the HTTP/2 tests share: raw frames made by hand, data sources, and a pipe between two sessions.
import Testing

@testable import HTTP

/// Builds raw HTTP/2 frames, valid and otherwise (RFC 9113, 4.1).
enum RawFrame {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    static let emptySettings = frame(4, 0, 0, [])
    static let settingsAcknowledgement = frame(4, 1, 0, [])
    /// `:method GET`, `:scheme https`, `:path /` from the static table, `:authority x` as a literal.
    static let getBlock: [UInt8] = [0x82, 0x87, 0x84, 0x01, 0x01, 0x78]

    static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8], length: Int? = nil)
        -> [UInt8]
    {
        let count = length ?? payload.count
        return [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags] + word(stream)
            + payload
    }

    static func word(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
    }

    static func headers(_ stream: UInt32, _ block: [UInt8] = getBlock, endStream: Bool = true, endHeaders: Bool = true)
        -> [UInt8]
    {
        frame(1, (endStream ? 1 : 0) | (endHeaders ? 4 : 0), stream, block)
    }

    static func data(_ stream: UInt32, _ payload: [UInt8], endStream: Bool = false) -> [UInt8] {
        frame(0, endStream ? 1 : 0, stream, payload)
    }

    static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> [UInt8] { frame(3, 0, stream, word(code)) }
    static func ping(acknowledges: Bool = false) -> [UInt8] {
        frame(6, acknowledges ? 1 : 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])
    }
    static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> [UInt8] { frame(8, 0, stream, word(increment)) }
    static func setting(_ id: UInt8, _ value: UInt32) -> [UInt8] { frame(4, 0, 0, [0, id] + word(value)) }

    /// A literal field without indexing, for names and values below 127 bytes.
    static func literal(_ name: String, _ value: String) -> [UInt8] {
        [0x00, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
    }

    /// The frames in a byte string: type, flags, stream, payload.
    static func parse(_ bytes: [UInt8]) -> [(type: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] {
        var frames: [(type: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] = []
        var rest = bytes[...]
        if rest.starts(with: preface) { rest = rest.dropFirst(preface.count) }
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            let stream = head[5...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append((head[3], head[4], stream, Array(rest.dropFirst(9).prefix(length))))
            rest = rest.dropFirst(9 + length)
        }
        return frames
    }

    /// The code of the last GOAWAY in the output.
    static func goAwayCode(_ bytes: [UInt8]) -> HTTP2ErrorCode? {
        guard let frame = parse(bytes).last(where: { $0.type == 7 }), frame.payload.count >= 8 else { return nil }
        return HTTP2ErrorCode(wire: frame.payload[4..<8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
}

/// A body from memory; deferred while it is empty and not ended.
final class MemorySource: HTTP2DataSource {
    var bytes: [UInt8]
    var isEnded: Bool
    var trailers: HTTPHeaders?
    var failure: HTTP2ErrorCode?
    private(set) var reads = 0

    init(_ bytes: [UInt8] = [], isEnded: Bool = true, trailers: HTTPHeaders? = nil) {
        self.bytes = bytes
        self.isEnded = isEnded
        self.trailers = trailers
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> HTTP2Read {
        reads += 1
        if let failure { return .failed(failure) }
        guard bytes.isEmpty else {
            let count = min(bytes.count, buffer.count)
            buffer.copyBytes(from: bytes.prefix(count))
            bytes.removeFirst(count)
            return .bytes(count)
        }
        guard isEnded else { return .deferred }
        return trailers.map { .endWithTrailers($0) } ?? .end
    }
}

extension HTTP2Session {
    func feed(_ bytes: [UInt8], at now: UInt64 = 0) throws(HTTPError) {
        var failure: HTTPError?
        bytes.withUnsafeBytes { buffer in
            do throws(HTTPError) { try receive(buffer, nowMilliseconds: now) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    func output(limit: Int = .max) -> [UInt8] {
        var bytes: [UInt8] = []
        takeOutput(into: &bytes, limit: limit)
        return bytes
    }

    func drainEvents() -> [HTTP2Event] {
        var events: [HTTP2Event] = []
        while let event = nextEvent() { events.append(event) }
        return events
    }

    /// A server that has seen the client's preface and settings, and whose own settings were taken.
    static func readyServer(_ limits: HTTP2Limits = HTTP2Limits()) throws -> HTTP2Session {
        let server = try HTTP2Session(role: .server, limits: limits, nowMilliseconds: 0)
        try server.feed(RawFrame.preface + RawFrame.emptySettings + RawFrame.settingsAcknowledgement)
        _ = server.output()
        _ = server.drainEvents()
        return server
    }
}

/// A client and a server joined by two in-memory pipes.
struct SessionPair {
    let client: HTTP2Session
    let server: HTTP2Session
    /// Bytes handed over at once.
    var slice = Int.max

    init(clientLimits: HTTP2Limits = HTTP2Limits(), serverLimits: HTTP2Limits = HTTP2Limits(), slice: Int = .max) throws
    {
        client = try HTTP2Session(role: .client, limits: clientLimits, nowMilliseconds: 0)
        server = try HTTP2Session(role: .server, limits: serverLimits, nowMilliseconds: 0)
        self.slice = slice
    }

    /// Carries bytes both ways until neither side has any.
    func pump() throws {
        var isBusy = true
        while isBusy {
            isBusy = try carry(client, server)
            isBusy = try carry(server, client) || isBusy
        }
    }

    private func carry(_ from: HTTP2Session, _ to: HTTP2Session) throws -> Bool {
        var rest = from.output(limit: 65_536)[...]
        guard !rest.isEmpty else { return false }
        while !rest.isEmpty {
            try to.feed(Array(rest.prefix(slice)))
            rest = rest.dropFirst(slice)
        }
        return true
    }
}

extension [HTTP2Event] {
    /// The bytes of a stream's body.
    func body(_ stream: HTTP2StreamID) -> [UInt8] {
        reduce(into: []) { bytes, event in
            if case .data(stream, let piece) = event { bytes += piece }
        }
    }
}
