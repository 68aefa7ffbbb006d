// HTTP/2 on one server connection: the streams of a session as requests with whole bodies.
//
// Memory is bounded at three places. Bodies that come in share `connectionBodyBytes`. Requests are handed over only while
// few of them are unanswered and little answer waits to be sent, so a client that asks and never reads gets no further
// work done. And an answer that does not move for 30 s is reset (faults E5, E8, E13).

/// The HTTP/2 engine.
final class HTTP2Server: HTTPServerEngine {
    private let context: HTTPServerContext
    private let session: HTTP2Session
    private var streams: [HTTP2StreamID: HTTP2ServerStream] = [:]
    private var byID: [HTTPRequestID: HTTP2StreamID] = [:]
    /// Whole requests that wait to be handed over, in the order in which they became whole.
    private var ready = FIFO<HTTP2StreamID>()
    private var events = FIFO<HTTPServerEvent>()
    private var now: UInt64
    private var lastID: UInt64 = 0
    private var storedBytes = 0
    private var stall = WriteStall()
    private(set) var isAborted = false
    /// End of the opening (preface, SETTINGS), nil once it is over.
    private var openingDeadline: UInt64?
    /// End of the header block that is coming in.
    private var headDeadline: UInt64?
    private var idleDeadline: UInt64

    /// Nil when memory for a session is out.
    init?(context: HTTPServerContext, opened: UInt64) {
        var limits = HTTP2Limits()
        limits.advertisedStreams = UInt32(clamping: context.limits.openStreams)
        limits.openStreams = context.limits.openStreams
        limits.headerListBytes = context.limits.headBytes
        // Pseudo fields are no field lines.
        limits.headerFields = context.limits.headerFields + 4
        guard let session = try? HTTP2Session(role: .server, limits: limits, nowMilliseconds: opened) else {
            return nil
        }
        self.context = context
        self.session = session
        now = opened
        openingDeadline = opened + context.limits.headMilliseconds
        idleDeadline = opened + context.limits.idleMilliseconds
    }

    // MARK: Input

    func receive(_ bytes: UnsafeRawBufferPointer, nowMilliseconds: UInt64) {
        now = max(now, nowMilliseconds)
        // A failure is no matter of the caller's: GOAWAY is the last output, and the connection ends behind it.
        try? session.receive(bytes, nowMilliseconds: now)
        digest()
    }

    func endOfInput(nowMilliseconds: UInt64) {
        now = max(now, nowMilliseconds)
        // Window updates cannot come any more, so nothing but small answers could end well.
        abort()
    }

    func connectionLost() { abort() }

    /// Turns the session's events into requests.
    private func digest() {
        while let event = session.nextEvent() {
            switch event {
            case .settings: openingDeadline = nil
            case .headers(let stream, let fields, let endsStream): begin(stream, fields, endsStream: endsStream)
            case .headersTooLarge(let stream, let endsStream):
                let fault = HTTP1Fault.status(431, "the head may have \(context.limits.headBytes) bytes at most")
                refuse(known(stream, "GET", endsStream: endsStream), fault)
            case .data(let stream, let bytes): receive(bytes, on: stream)
            case .trailers(let stream, let trailers):
                streams[stream]?.request.trailers = trailers
                complete(stream)
            case .endOfStream(let stream): complete(stream)
            case .streamClosed(let stream, _): close(stream)
            case .goAway, .pong: break
            }
        }
        if session.failure != nil { for stream in Array(streams.keys) { close(stream) } }
        if !session.isReceivingHead {
            headDeadline = nil
        } else if headDeadline == nil {
            headDeadline = now + context.limits.headMilliseconds
        }
    }

    /// The stream, or a new one for a request whose head cannot be had.
    private func known(_ stream: HTTP2StreamID, _ method: String, endsStream: Bool) -> HTTP2ServerStream {
        if let entry = streams[stream] {
            entry.inputEnded = entry.inputEnded || endsStream
            return entry
        }
        let unknown = HTTPRequest(method: method, path: "/", version: .http2)
        let entry = HTTP2ServerStream(stream, unknown, maximumBody: 0, began: now, inputEnded: endsStream)
        streams[stream] = entry
        return entry
    }

    private func begin(_ stream: HTTP2StreamID, _ fields: HTTPHeaders, endsStream: Bool) {
        do throws(HTTP1Fault) {
            let request = try HTTPRequest(http2: fields, limits: context.limits)
            let maximum = context.maximumBody(request)
            let entry = HTTP2ServerStream(
                stream, request, maximumBody: maximum, began: now, inputEnded: endsStream)
            streams[stream] = entry
            if let length = request.headers["content-length"].flatMap(HTTPSyntax.decimal), length > maximum {
                throw .tooLarge(maximum)
            }
            if endsStream {
                complete(stream)
            } else if let expectation = request.headers["expect"] {
                guard HTTPHeaders.lowercased(expectation) == "100-continue" else {
                    throw .status(417, "only 100-continue can be expected")
                }
                try? session.submitInterim(stream, [":status": "100"])
            }
        } catch {
            refuse(known(stream, fields[":method"] ?? "GET", endsStream: endsStream), error)
        }
    }

    private func receive(_ bytes: [UInt8], on stream: HTTP2StreamID) {
        // The body of a request that is answered already is thrown away until the stream is closed.
        guard let entry = streams[stream], case .receiving = entry.phase else { return }
        guard bytes.count <= entry.maximumBody - entry.storedBytes else {
            return refuse(entry, .tooLarge(entry.maximumBody))
        }
        guard bytes.count <= context.limits.connectionBodyBytes - storedBytes else {
            let fault = HTTP1Fault(
                status: 503, code: "too-many-streams", detail: "too many bodies are on their way at once")
            return refuse(entry, fault)
        }
        storedBytes += bytes.count
        entry.request.body += bytes
    }

    private func complete(_ stream: HTTP2StreamID) {
        guard let entry = streams[stream] else { return }
        entry.inputEnded = true
        guard case .receiving = entry.phase else { return }
        entry.phase = .ready
        ready.append(stream)
    }

    /// Answers a request that the owner never sees.
    private func refuse(_ entry: HTTP2ServerStream, _ fault: HTTP1Fault) {
        switch entry.phase {
        case .receiving, .ready: break
        case .answering, .answered: return
        }
        forget(entry)
        submit(entry, context.problem(fault), body: nil)
    }

    /// Frees the stored body.
    private func forget(_ entry: HTTP2ServerStream) {
        storedBytes -= entry.storedBytes
        entry.request.body = []
    }

    private func close(_ stream: HTTP2StreamID) {
        guard let entry = streams.removeValue(forKey: stream) else { return }
        forget(entry)
        // What is answered whole has left `byID` already: nobody waits for it any more.
        if let id = entry.id, byID.removeValue(forKey: id) != nil { events.append(.cancelled(id)) }
        if streams.isEmpty { idleDeadline = now + context.limits.idleMilliseconds }
    }

    // MARK: Answers

    func nextEvent() -> HTTPServerEvent? {
        if let event = events.popFirst() { return event }
        while let stream = ready.first {
            guard mayHandOver else { return nil }
            ready.dropFirst(1)
            guard let entry = streams[stream], case .ready = entry.phase else { continue }
            entry.phase = .answering
            lastID += 1
            let id = HTTPRequestID(raw: lastID)
            entry.id = id
            byID[id] = stream
            let request = entry.request
            forget(entry)
            return .request(id, request)
        }
        return nil
    }

    private var mayHandOver: Bool {
        var (unanswered, pending) = (0, 0)
        for entry in streams.values {
            if case .answering = entry.phase { unanswered += 1 }
            pending += entry.response?.count ?? 0
        }
        return unanswered < context.limits.requestsInProgress && pending <= context.limits.pendingResponseBytes
    }

    private func entry(_ id: HTTPRequestID) -> HTTP2ServerStream? { byID[id].flatMap { streams[$0] } }

    func respond(_ id: HTTPRequestID, _ response: HTTPResponse) {
        guard let entry = entry(id), case .answering = entry.phase else { return }
        byID[id] = nil
        submit(entry, response, body: nil)
    }

    func beginResponse(_ id: HTTPRequestID, _ head: HTTPResponse) {
        guard let entry = entry(id), case .answering = entry.phase else { return }
        submit(entry, head, body: ResponseBody(isEnded: false))
    }

    /// Queues an answer; body nil: that of the response, as a whole.
    private func submit(_ entry: HTTP2ServerStream, _ response: HTTPResponse, body: ResponseBody?) {
        var headers = HTTPHeaders([.init(":status", String(response.status))])
        for field in response.headers.fields
        where HTTPSyntax.isValid(field) && !HTTP1ResponseWriter.isEngineField(field.name) {
            headers.append(field.name, field.value)
        }
        if body == nil, !response.isBodiless { headers.append("content-length", String(response.body.count)) }
        let hasBody = !entry.isHead && !response.isBodiless && (body != nil || !response.body.isEmpty)
        entry.phase = .answered
        let source = body ?? ResponseBody(response.body, isEnded: true)
        // A body that is never sent has been sent as soon as the head was.
        entry.response = hasBody ? source : ResponseBody(isEnded: true)
        try? session.submitResponse(entry.stream, headers, body: hasBody ? source : nil)
    }

    func write(_ id: HTTPRequestID, _ bytes: [UInt8]) -> Int {
        guard let entry = entry(id), let response = entry.response, !response.isDrained else { return 0 }
        response.append(bytes)
        guard response.count <= context.limits.bufferedResponseBytes else {
            session.reset(entry.stream, .cancel)
            byID[id] = nil
            events.append(.cancelled(id))
            return 0
        }
        if response.count > context.limits.highWaterBytes { entry.wantsWritable = true }
        session.resume(entry.stream)
        return response.count
    }

    func endResponse(_ id: HTTPRequestID) {
        guard let entry = entry(id), let response = entry.response else { return }
        byID[id] = nil
        response.end()
        session.resume(entry.stream)
    }

    func abortResponse(_ id: HTTPRequestID) {
        guard let entry = entry(id) else { return }
        byID[id] = nil
        session.reset(entry.stream, .internalError)
    }

    // MARK: Output and time

    var hasOutput: Bool { session.hasOutput }
    var wantsInput: Bool { session.wantsInput && session.bufferedOutputBytes < 64 * 1024 }
    var isFinished: Bool { !session.wantsInput && streams.isEmpty || session.failure != nil }

    func takeOutput(into output: inout [UInt8], limit: Int, nowMilliseconds: UInt64) -> Int {
        now = max(now, nowMilliseconds)
        let taken = session.takeOutput(into: &output, limit: limit)
        stall.update(pending: session.hasOutput, moved: taken > 0, now: now)
        for entry in streams.values {
            guard let response = entry.response else { continue }
            if entry.wantsWritable, response.count <= context.limits.lowWaterBytes, let id = entry.id {
                entry.wantsWritable = false
                events.append(.writable(id))
            }
            entry.stall.update(pending: response.count > 0, moved: response.hasMoved, now: now)
            response.hasMoved = false
            if response.isDrained, !entry.inputEnded, entry.resetDeadline == nil {
                entry.resetDeadline = now + context.limits.lingerMilliseconds
            }
        }
        digest()
        return taken
    }

    func shutdown(nowMilliseconds: UInt64) {
        now = max(now, nowMilliseconds)
        session.shutdown()
    }

    var nextDeadlineMilliseconds: UInt64? {
        let limits = context.limits
        var deadlines = [openingDeadline, headDeadline, stall.deadline(pending: hasOutput, limits: limits, now: now)]
        if streams.isEmpty { deadlines.append(idleDeadline) }
        for entry in streams.values {
            if case .receiving = entry.phase { deadlines.append(bodyDeadline(entry)) }
            deadlines.append(entry.resetDeadline)
            if let response = entry.response {
                deadlines.append(entry.stall.deadline(pending: response.count > 0, limits: limits, now: now))
            }
        }
        return deadlines.compactMap { $0 }.min()
    }

    private func bodyDeadline(_ entry: HTTP2ServerStream) -> UInt64 {
        context.limits.bodyDeadline(began: entry.began, received: entry.storedBytes)
    }

    func tick(nowMilliseconds: UInt64) {
        now = max(now, nowMilliseconds)
        let limits = context.limits
        if stall.isOver(pending: hasOutput, limits: limits, now: now) { return abort() }
        for deadline in [openingDeadline, headDeadline] {
            if let deadline, deadline <= now { return session.terminate(.enhanceYourCalm) }
        }
        if streams.isEmpty, idleDeadline <= now { session.shutdown() }
        for entry in Array(streams.values) {
            if case .receiving = entry.phase, bodyDeadline(entry) <= now {
                refuse(entry, .status(408, "the request's body took too long"))
            } else if let deadline = entry.resetDeadline, deadline <= now {
                session.reset(entry.stream, .noError)
            } else if let response = entry.response,
                entry.stall.isOver(pending: response.count > 0, limits: limits, now: now)
            {
                session.reset(entry.stream, .cancel)
            }
        }
        digest()
    }

    private func abort() {
        isAborted = true
        session.terminate(.noError)
        for stream in Array(streams.keys) { close(stream) }
    }
}
