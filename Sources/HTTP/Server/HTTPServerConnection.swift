// One connection of the API's listener, without its socket: bytes in, requests out; answers in, bytes out.
//
// The first bytes decide: HTTP/2's 24-byte preface (RFC 9113, 3.4) starts the one engine, anything else the other, so
// one port speaks both without an upgrade. `Upgrade: h2c` is an ordinary field here, and ignored. Both engines hand over
// the same `HTTPRequest` with its whole body, and take the same answers.
//
// When everything is said, the connection lingers: the owner shuts down its sending side, and input is swallowed
// unread until the client closes or two seconds have passed. Closing at once would make the kernel answer unread bytes
// with RST, which can destroy an answer that is still on its way (RFC 9112, 9.6).
//
// What the owner does in each turn: `receive` what the socket has (while `wantsInput`), answer `nextEvent`s, write what
// `takeOutput` gives, ask for events again (a request may have waited for the output to go), then look at
// `wantsWriteShutdown`, `wantsClose` and `nextDeadlineMilliseconds`.

/// A server connection of either protocol version. It has one owner and is used from one thread.
package final class HTTPServerConnection {
    /// Makes the `application/problem+json` body of an answer that the engine gives by itself.
    package typealias ProblemBody = (_ status: Int, _ code: String, _ detail: String) -> [UInt8]
    /// The largest body in bytes for a request of which the head is known (its body is still empty).
    package typealias BodyLimit = (_ head: HTTPRequest) -> Int

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private let context: HTTPServerContext
    private var engine: (any HTTPServerEngine)?
    private let opened: UInt64
    /// The first bytes, while they may still become the preface.
    private var peeked: [UInt8] = []
    private var isClosed = false
    private var inputEnded = false
    private var lingersUntil: UInt64?
    private var swallowedBytes = 0

    /// A fresh connection. `negotiated`: what ALPN chose, nil where the first bytes decide.
    package init(
        limits: HTTPServerLimits = HTTPServerLimits(), negotiated: HTTPVersion? = nil, nowMilliseconds: UInt64,
        bodyLimit: BodyLimit? = nil, problemBody: @escaping ProblemBody
    ) {
        context = HTTPServerContext(limits: limits, bodyLimit: bodyLimit, problemBody: problemBody)
        opened = nowMilliseconds
        if let negotiated { choose(negotiated == .http2) }
    }

    private func choose(_ isHTTP2: Bool) {
        if isHTTP2 {
            engine = HTTP2Server(context: context, opened: opened)
            // Without memory for a session there is nothing to say.
            isClosed = engine == nil
        } else {
            engine = HTTP1Server(context: context, opened: opened)
        }
    }

    /// Feeds received bytes; hand over 64 KiB at a time at most.
    package func receive(_ bytes: UnsafeRawBufferPointer, nowMilliseconds now: UInt64) {
        guard !isClosed, !bytes.isEmpty else { return }
        guard lingersUntil == nil else {
            swallowedBytes += bytes.count
            isClosed = swallowedBytes > context.limits.lingerBytes
            return
        }
        if let engine {
            engine.receive(bytes, nowMilliseconds: now)
        } else {
            peeked.append(contentsOf: bytes)
            let isPreface = peeked.starts(with: Self.preface)
            guard isPreface || !Self.preface.starts(with: peeked) else { return }
            choose(isPreface)
            let first = peeked
            peeked = []
            first.withUnsafeBytes { engine?.receive($0, nowMilliseconds: now) }
        }
        settle(now)
    }

    /// The client will send nothing more.
    package func endOfInput(nowMilliseconds now: UInt64) {
        inputEnded = true
        if engine == nil || lingersUntil != nil { isClosed = true }
        engine?.endOfInput(nowMilliseconds: now)
        settle(now)
    }

    /// The connection broke (RST, write error): whatever is in progress is cancelled, then `wantsClose` holds.
    package func connectionLost() {
        engine?.connectionLost()
        isClosed = true
    }

    /// The next event, in order; nil when there is none (now).
    package func nextEvent() -> HTTPServerEvent? { engine?.nextEvent() }

    /// Answers with a whole body. An answer to a request that is gone, or a second one, is ignored.
    package func respond(_ id: HTTPRequestID, _ response: HTTPResponse) { engine?.respond(id, response) }

    /// Begins a streamed answer: status and headers of `head` only.
    package func beginResponse(_ id: HTTPRequestID, _ head: HTTPResponse) { engine?.beginResponse(id, head) }

    /// Appends to a streamed answer and returns the bytes that now wait. Above `highWaterBytes`, write again after
    /// `.writable`; above `bufferedResponseBytes` the answer is cut off, 0 is returned and `.cancelled` follows.
    @discardableResult
    package func write(_ id: HTTPRequestID, _ bytes: [UInt8]) -> Int { engine?.write(id, bytes) ?? 0 }

    /// Ends a streamed answer.
    package func endResponse(_ id: HTTPRequestID) { engine?.endResponse(id) }

    /// Cuts an answer off, so that the client can tell that it is not whole.
    package func abortResponse(_ id: HTTPRequestID) { engine?.abortResponse(id) }

    /// Appends at most `limit` bytes of output and returns how many. Take what the socket is about to take, not more:
    /// bytes taken count as progress.
    @discardableResult
    package func takeOutput(into output: inout [UInt8], limit: Int, nowMilliseconds now: UInt64) -> Int {
        guard !isClosed else { return 0 }
        let taken = engine?.takeOutput(into: &output, limit: limit, nowMilliseconds: now) ?? 0
        settle(now)
        return taken
    }

    /// Whether there is output to take.
    package var hasOutput: Bool { !isClosed && (engine?.hasOutput ?? false) }

    /// Whether the owner should read: false is back-pressure. While lingering, input is read to be thrown away.
    package var wantsInput: Bool { !isClosed && (lingersUntil != nil || engine?.wantsInput ?? true) }

    /// Everything is said and taken: shut down the sending side of the socket, once.
    package var wantsWriteShutdown: Bool { lingersUntil != nil && !isClosed }

    /// Close the socket.
    package var wantsClose: Bool { isClosed || (engine?.isAborted ?? false) }

    /// The version spoken; nil while that is not known. For logs.
    package var isHTTP2: Bool? { engine.map { $0 is HTTP2Server } }

    /// When `tick` is due, in the caller's milliseconds; nil for never.
    package var nextDeadlineMilliseconds: UInt64? {
        if isClosed { return nil }
        if let lingersUntil { return lingersUntil }
        guard let engine else { return opened + context.limits.headMilliseconds }
        return engine.nextDeadlineMilliseconds
    }

    /// Enforces the deadlines that are over.
    package func tick(nowMilliseconds now: UInt64) {
        if let lingersUntil {
            if lingersUntil <= now { isClosed = true }
        } else if let engine {
            engine.tick(nowMilliseconds: now)
        } else if opened + context.limits.headMilliseconds <= now {
            isClosed = true
        }
        settle(now)
    }

    /// Graceful end: what is in progress is answered, nothing new is begun.
    package func shutdown(nowMilliseconds now: UInt64) {
        guard let engine else {
            isClosed = true
            return
        }
        engine.shutdown(nowMilliseconds: now)
        settle(now)
    }

    /// Goes from "all said" to lingering.
    private func settle(_ now: UInt64) {
        guard let engine, !isClosed else { return }
        if engine.isAborted {
            isClosed = true
        } else if engine.isFinished, !engine.hasOutput, lingersUntil == nil {
            lingersUntil = now + context.limits.lingerMilliseconds
            isClosed = inputEnded
        }
    }
}
