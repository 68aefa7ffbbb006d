// HTTP/1.1 as a client, over any byte pipe: one request, its response in pieces, then the next request.
//
// For the command line. The response is parsed as strictly as the server parses requests; its body comes as events while
// it arrives, so that a stream of events or a capture needs no memory here. Only the whole is bounded.

/// What a client connection tells its owner.
package enum HTTPClientEvent: Sendable, Equatable {
    /// The final response's status and fields; its body follows in pieces.
    case head(HTTPResponse)
    /// A piece of the body, not empty.
    case body([UInt8])
    /// The response is whole.
    case end
}

/// A client connection. It has one owner and is used from one thread.
package final class HTTPClientConnection {
    private enum Phase {
        case idle
        case head
        case body(HTTP1BodyDecoder)
        case closed
    }

    private let limits: HTTP1HeadLimits
    private let maximumBodyBytes: Int
    private var phase = Phase.idle
    private var isHead = false
    private var keepsAlive = true
    private var scanner = HTTP1HeadScanner()
    private var input = FIFO<UInt8>()
    private var output: [UInt8] = []
    private var events = FIFO<HTTPClientEvent>()

    /// A connection that takes responses of at most those sizes; a stream without end wants `Int.max`.
    package init(maximumHeadBytes: Int = 64 * 1024, maximumBodyBytes: Int = 64 * 1024 * 1024) {
        limits = HTTP1HeadLimits(bytes: maximumHeadBytes, fields: 256, target: maximumHeadBytes)
        self.maximumBodyBytes = maximumBodyBytes
    }

    /// Queues a request; the one before must have ended. Host is the authority, or `localhost` without one (on a Unix
    /// socket it means nothing).
    package func send(_ request: HTTPRequest) throws(HTTPError) {
        guard case .idle = phase else { throw .sessionClosed }
        let host = request.authority ?? "localhost"
        guard HTTPSyntax.isToken(request.method), !request.target.isEmpty,
            request.target.utf8.allSatisfy(HTTPSyntax.isTarget), host.utf8.allSatisfy(HTTPSyntax.isAuthority),
            request.headers.fields.allSatisfy(HTTPSyntax.isValid)
        else { throw .invalidMessage }
        var text = "\(request.method) \(request.target) HTTP/1.1\r\nhost: \(host)\r\n"
        for field in request.headers.fields
        where field.name != "host" && !HTTP1ResponseWriter.isEngineField(field.name) {
            text += "\(field.name): \(field.value)\r\n"
        }
        // RFC 9110, 8.6: a method that expects content says so also when there is none.
        if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
            text += "content-length: \(request.body.count)\r\n"
        }
        output += Array((text + "\r\n").utf8) + request.body
        isHead = request.method == "HEAD"
        scanner = HTTP1HeadScanner()
        phase = .head
    }

    /// The bytes to send; empty when there are none.
    package func takeOutput() -> [UInt8] {
        defer { output = [] }
        return output
    }

    /// Feeds received bytes. An error ends the connection.
    package func receive(_ bytes: UnsafeRawBufferPointer) throws(HTTPError) {
        if case .closed = phase { throw .sessionClosed }
        input.append(contentsOf: bytes)
        do throws(HTTP1Fault) {
            while try advance() {}
        } catch {
            phase = .closed
            throw error.status == 400 || error.status == 505
                ? .malformedResponse(error.detail) : .responseTooLarge
        }
    }

    /// The server closed its side.
    package func endOfInput() throws(HTTPError) {
        let before = phase
        phase = .closed
        switch before {
        case .idle, .closed: break
        case .body(let decoder) where decoder.endsWithConnection: events.append(.end)
        case .head, .body: throw .truncated
        }
    }

    /// The next event, in order; nil when there is none.
    package func nextEvent() -> HTTPClientEvent? { events.popFirst() }

    /// Whether a further request can be sent on this connection.
    package var isReusable: Bool { if case .idle = phase { true } else { false } }

    /// One step; false when more input is needed.
    private func advance() throws(HTTP1Fault) -> Bool {
        guard !input.isEmpty else { return false }
        switch phase {
        // What comes unasked could be taken for the answer to the next request.
        case .idle: throw .bad("bytes come without a request")
        case .closed: return false
        case .head:
            guard let length = try scanner.scan(input.elements, limits: limits) else { return false }
            try readHead(input.elements.prefix(length))
            input.dropFirst(length)
        case .body(var decoder):
            var piece: [UInt8] = []
            input.dropFirst(try decoder.decode(input.elements, into: &piece))
            if !piece.isEmpty { events.append(.body(piece)) }
            phase = .body(decoder)
            if decoder.isDone { complete() }
        }
        return true
    }

    private func readHead(_ head: ArraySlice<UInt8>) throws(HTTP1Fault) {
        let lines = HTTP1Fields.lines(head)
        let (status, version) = try Self.statusLine(lines.first ?? [])
        let headers = try HTTP1Fields.parse(lines.dropFirst(), maximum: limits.fields)
        scanner = HTTP1HeadScanner()
        // RFC 9110, 15.2: interim responses; we never ask to switch protocols.
        if status < 200 {
            guard status != 101 else { throw .bad("the protocol is switched unasked") }
            return
        }
        let response = HTTPResponse(status: status, headers: headers)
        let framing = try HTTP1Fields.framing(headers, version: version)
        keepsAlive = version == .http11 && !headers.listContains("connection", token: "close")
        events.append(.head(response))
        if isHead || response.isBodiless { return complete() }
        let decoder = try HTTP1BodyDecoder(framing, maximumBytes: maximumBodyBytes, trailerLimits: limits)
        phase = .body(decoder)
        if decoder.isDone { complete() }
    }

    private func complete() {
        events.append(.end)
        phase = keepsAlive ? .idle : .closed
    }

    /// `HTTP/1.1 200 reason` (RFC 9112, 4); the reason may be missing and is not looked at.
    private static func statusLine(_ line: ArraySlice<UInt8>) throws(HTTP1Fault) -> (Int, HTTPVersion) {
        let parts = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[1].count == 3,
            let status = HTTPSyntax.decimal(String(decoding: parts[1], as: UTF8.self)), (100...599).contains(status)
        else { throw .bad("the status line is not one") }
        if parts[0].elementsEqual("HTTP/1.1".utf8) { return (status, .http11) }
        if parts[0].elementsEqual("HTTP/1.0".utf8) { return (status, .http10) }
        throw .bad("the version is not HTTP/1.1")
    }
}
