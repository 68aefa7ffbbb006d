// HTTP/1.1 on one server connection: one request after the other, each answered before the next is parsed.
//
// Input waits as bytes while a request is in progress, so pipelined requests are answered in order by construction, no
// request runs beside another of its connection, and what waits is bounded in bytes. Whatever is wrong with a message
// gives one answer and the end: the rest of the input is never looked at (fault E7).

/// The HTTP/1.1 engine.
final class HTTP1Server: HTTPServerEngine {
    private enum Phase {
        /// Waits for a head or is in the middle of one.
        case head
        case body(HTTP1RequestHead, HTTP1BodyDecoder, began: UInt64)
        /// The request was handed over.
        case answering
        case finished
        case aborted
    }

    /// The answer in progress.
    private struct Answer {
        var id: HTTPRequestID
        var isHead: Bool
        var version: HTTPVersion
        var keepsAlive: Bool
        var stream: HTTP1ResponseWriter.Framing?
        var wantsWritable = false
    }

    private let context: HTTPServerContext
    private var phase = Phase.head
    private var input = FIFO<UInt8>()
    private var output = FIFO<UInt8>()
    private var events = FIFO<HTTPServerEvent>()
    private var scanner = HTTP1HeadScanner()
    private var body: [UInt8] = []
    private var answer: Answer?
    private var lastID: UInt64 = 0
    /// Whether the request that is being read is a HEAD, whose answer has no body, refusals included.
    private var isHeadRequest = false
    private var skippedLine = false
    private var isBetweenRequests = false
    private var isShuttingDown = false
    private var inputEnded = false
    /// End of the head in progress, or of the idle time.
    private var headDeadline: UInt64?
    private var idleDeadline: UInt64?
    private var now: UInt64
    private var stall = WriteStall()

    init(context: HTTPServerContext, opened: UInt64) {
        self.context = context
        now = opened
        // A connection that is opened owes a request (fault E5); only between requests may it idle.
        headDeadline = opened + context.limits.headMilliseconds
    }

    // MARK: Input

    func receive(_ bytes: UnsafeRawBufferPointer, nowMilliseconds: UInt64) {
        touch(nowMilliseconds)
        switch phase {
        case .finished, .aborted: return
        default: break
        }
        // An owner that reads on in spite of `wantsInput` costs its connection, not our memory.
        guard input.count <= context.limits.pipelinedBytes + 1024 * 1024 else { return abort() }
        input.append(contentsOf: bytes)
        process()
    }

    func endOfInput(nowMilliseconds: UInt64) {
        touch(nowMilliseconds)
        inputEnded = true
        process()
        switch phase {
        case .head: phase = .finished
        case .body: abort()
        default: break
        }
    }

    func connectionLost() { cancel() }

    private func process() {
        while true {
            do throws(HTTP1Fault) {
                switch phase {
                case .head: guard try readHead() else { return }
                case .body(let head, let decoder, let began): guard try readBody(head, decoder, began) else { return }
                default: return
                }
            } catch {
                refuse(error)
                return
            }
        }
    }

    /// Reads a head; false when it is not there yet.
    private func readHead() throws(HTTP1Fault) -> Bool {
        guard let first = input.first else { return false }
        if idleDeadline != nil || headDeadline == nil {
            idleDeadline = nil
            headDeadline = now + context.limits.headMilliseconds
        }
        // RFC 9112, 2.2: one empty line before a request is ignored; some clients send it after a body.
        if first == 0x0D, !skippedLine {
            guard let second = input.elements.dropFirst().first else { return false }
            guard second == 0x0A else { throw .bad("a CR stands without its LF") }
            skippedLine = true
            input.dropFirst(2)
            return true
        }
        isHeadRequest = false
        let isLineNew = scanner.firstLineLength == nil
        guard let length = try scanner.scan(input.elements, limits: context.limits.head) else {
            if isLineNew, let line = scanner.firstLineLength {
                _ = try HTTP1RequestHead.requestLine(input.elements.prefix(line - 2), limits: context.limits.head)
            }
            return false
        }
        let head = try HTTP1RequestHead(parsing: input.elements.prefix(length), limits: context.limits.head)
        input.dropFirst(length)
        scanner = HTTP1HeadScanner()
        skippedLine = false
        headDeadline = nil
        isHeadRequest = head.request.method == "HEAD"
        guard let framing = head.framing else {
            deliver(head, trailers: [:])
            return true
        }
        let decoder = try HTTP1BodyDecoder(
            framing, maximumBytes: context.maximumBody(head.request), trailerLimits: context.limits.head)
        // RFC 9110, 10.1.1: needless once body bytes are here.
        if head.expectsContinue, input.isEmpty, !decoder.isDone {
            output.append(contentsOf: HTTP1ResponseWriter.interimContinue)
        }
        body = []
        phase = .body(head, decoder, began: now)
        return true
    }

    private func readBody(_ head: HTTP1RequestHead, _ decoder: HTTP1BodyDecoder, _ began: UInt64) throws(HTTP1Fault)
        -> Bool
    {
        var decoder = decoder
        input.dropFirst(try decoder.decode(input.elements, into: &body))
        guard decoder.isDone else {
            phase = .body(head, decoder, began: began)
            return false
        }
        deliver(head, trailers: decoder.trailers)
        return true
    }

    private func deliver(_ head: HTTP1RequestHead, trailers: HTTPHeaders) {
        var request = head.request
        request.body = body
        request.trailers = trailers
        body = []
        lastID += 1
        let id = HTTPRequestID(raw: lastID)
        answer = Answer(
            id: id, isHead: request.method == "HEAD", version: request.version,
            keepsAlive: head.keepsAlive && !isShuttingDown)
        phase = .answering
        events.append(.request(id, request))
    }

    /// One answer, and the end.
    private func refuse(_ fault: HTTP1Fault) {
        var response = context.problem(fault)
        if isHeadRequest { response.body = [] }
        output.append(
            contentsOf: HTTP1ResponseWriter.head(response, framing: .length(response.body.count), closes: true))
        output.append(contentsOf: response.body)
        finish()
    }

    private func finish() {
        phase = .finished
        answer = nil
        input.removeAll()
        body = []
    }

    private func abort() {
        finish()
        phase = .aborted
        output.removeAll()
    }

    // MARK: Answers

    func nextEvent() -> HTTPServerEvent? { events.popFirst() }

    func respond(_ id: HTTPRequestID, _ response: HTTPResponse) {
        guard let answer, answer.id == id, answer.stream == nil else { return }
        let closes = !keepsAlive(answer)
        let framing: HTTP1ResponseWriter.Framing = response.isBodiless ? .none : .length(response.body.count)
        output.append(contentsOf: HTTP1ResponseWriter.head(response, framing: framing, closes: closes))
        if !answer.isHead, !response.isBodiless { output.append(contentsOf: response.body) }
        completeAnswer(closes: closes)
    }

    func beginResponse(_ id: HTTPRequestID, _ head: HTTPResponse) {
        guard var answer, answer.id == id, answer.stream == nil else { return }
        var framing = HTTP1ResponseWriter.Framing.chunked
        if answer.version == .http10 { framing = .untilClose }
        if head.isBodiless { framing = .none }
        output.append(contentsOf: HTTP1ResponseWriter.head(head, framing: framing, closes: !keepsAlive(answer)))
        if !keepsAlive(answer) { answer.keepsAlive = false }
        answer.stream = answer.isHead ? HTTP1ResponseWriter.Framing.none : framing
        self.answer = answer
    }

    func write(_ id: HTTPRequestID, _ bytes: [UInt8]) -> Int {
        guard let answer, answer.id == id, let framing = answer.stream else { return 0 }
        switch framing {
        case .chunked: output.append(contentsOf: HTTP1ResponseWriter.chunk(bytes))
        case .untilClose: output.append(contentsOf: bytes)
        case .none, .length: break
        }
        guard output.count <= context.limits.bufferedResponseBytes else {
            cancel()
            return 0
        }
        if output.count > context.limits.highWaterBytes { self.answer?.wantsWritable = true }
        return output.count
    }

    func endResponse(_ id: HTTPRequestID) {
        guard let answer, answer.id == id, let framing = answer.stream else { return }
        if framing == .chunked { output.append(contentsOf: HTTP1ResponseWriter.lastChunk) }
        completeAnswer(closes: !answer.keepsAlive)
    }

    func abortResponse(_ id: HTTPRequestID) {
        guard let answer, answer.id == id else { return }
        // Without its last chunk the client sees that the answer is not whole.
        abort()
    }

    private func keepsAlive(_ answer: Answer) -> Bool { answer.keepsAlive && !isShuttingDown && !inputEnded }

    private func completeAnswer(closes: Bool) {
        answer = nil
        guard !closes, !isShuttingDown else { return finish() }
        phase = .head
        isBetweenRequests = true
    }

    /// Takes the time, and begins the next request if one was just answered: answers come without a time, and deadlines
    /// that began at the last input could be over already.
    private func touch(_ time: UInt64) {
        now = max(now, time)
        guard isBetweenRequests else { return }
        isBetweenRequests = false
        idleDeadline = now + context.limits.idleMilliseconds
        process()
        if inputEnded, case .head = phase { finish() }
    }

    private func cancel() {
        if let answer { events.append(.cancelled(answer.id)) }
        abort()
    }

    // MARK: Output and time

    var hasOutput: Bool { !output.isEmpty }

    var wantsInput: Bool {
        switch phase {
        case .finished, .aborted: false
        default: !inputEnded && input.count < context.limits.pipelinedBytes
        }
    }

    var isFinished: Bool { if case .finished = phase { true } else { false } }
    var isAborted: Bool { if case .aborted = phase { true } else { false } }

    func takeOutput(into bytes: inout [UInt8], limit: Int, nowMilliseconds: UInt64) -> Int {
        touch(nowMilliseconds)
        let taken = output.move(to: &bytes, limit: limit)
        stall.update(pending: !output.isEmpty, moved: taken > 0, now: now)
        if let answer, answer.wantsWritable, output.count <= context.limits.lowWaterBytes {
            self.answer?.wantsWritable = false
            events.append(.writable(answer.id))
        }
        return taken
    }

    func shutdown(nowMilliseconds: UInt64) {
        touch(nowMilliseconds)
        isShuttingDown = true
        // A request of which nothing or a part has come is not served; RFC 9112, 9.6 lets a client expect that.
        if case .head = phase { finish() }
    }

    var nextDeadlineMilliseconds: UInt64? {
        if isBetweenRequests { return now }
        return [phaseDeadline, stall.deadline(pending: hasOutput, limits: context.limits, now: now)].compactMap { $0 }
            .min()
    }

    private var phaseDeadline: UInt64? {
        switch phase {
        case .head: headDeadline ?? idleDeadline
        case .body(_, _, let began): context.limits.bodyDeadline(began: began, received: body.count)
        case .answering, .finished, .aborted: nil
        }
    }

    func tick(nowMilliseconds: UInt64) {
        touch(nowMilliseconds)
        if stall.isOver(pending: hasOutput, limits: context.limits, now: now) { return cancel() }
        guard let deadline = phaseDeadline, deadline <= now else { return }
        switch phase {
        case .head where input.isEmpty: finish()
        case .head: refuse(.status(408, "the request's head took too long"))
        case .body: refuse(.status(408, "the request's body took too long"))
        default: break
        }
    }
}

/// Since when output is there and does not move. Answers come without a time, so the clock starts at the next call that
/// has one, and until then the deadline is now.
struct WriteStall {
    private var since: UInt64?

    mutating func update(pending: Bool, moved: Bool, now: UInt64) {
        if !pending { since = nil } else if moved || since == nil { since = now }
    }

    func deadline(pending: Bool, limits: HTTPServerLimits, now: UInt64) -> UInt64? {
        pending ? since.map { $0 + limits.writeStallMilliseconds } ?? now : nil
    }

    mutating func isOver(pending: Bool, limits: HTTPServerLimits, now: UInt64) -> Bool {
        update(pending: pending, moved: false, now: now)
        return since.map { now >= $0 + limits.writeStallMilliseconds } ?? false
    }
}
