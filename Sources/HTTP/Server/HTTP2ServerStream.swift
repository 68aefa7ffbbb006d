// One HTTP/2 stream of a server connection: the request that comes in and the answer that goes out.

/// An answer's body, pulled by the session; whole from the start, or written to until it is ended.
final class ResponseBody: HTTP2DataSource {
    private var bytes: FIFO<UInt8>
    private var isEnded: Bool
    private var isAborted = false
    /// Set by every read that gave something, and looked at by the owner, who knows the time.
    var hasMoved = false

    init(_ bytes: [UInt8] = [], isEnded: Bool) {
        self.bytes = FIFO(bytes)
        self.isEnded = isEnded
    }

    var count: Int { bytes.count }
    /// Whether everything was read.
    var isDrained: Bool { isEnded && bytes.isEmpty }

    func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }
    func end() { isEnded = true }
    func abort() { isAborted = true }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> HTTP2Read {
        if isAborted { return .failed(.internalError) }
        let piece = bytes.elements.prefix(buffer.count)
        guard !piece.isEmpty else { return isEnded ? .end : .deferred }
        let count = piece.count
        buffer.copyBytes(from: piece)
        bytes.dropFirst(count)
        hasMoved = true
        return isDrained ? .lastBytes(count) : .bytes(count)
    }
}

/// A stream that the server engine serves.
final class HTTP2ServerStream {
    enum Phase {
        /// The body is coming.
        case receiving
        /// The request is whole and waits to be handed over.
        case ready
        /// It was handed over.
        case answering
        /// The answer has begun.
        case answered
    }

    let stream: HTTP2StreamID
    var request: HTTPRequest
    let maximumBody: Int
    let began: UInt64
    var phase = Phase.receiving
    /// The owner's name for the request, once it was handed over.
    var id: HTTPRequestID?
    var inputEnded: Bool
    var response: ResponseBody?
    var wantsWritable = false
    var stall = WriteStall()
    /// When a request whose answer is whole, but whose body still comes, is reset with NO_ERROR (RFC 9113, 8.1). Not at
    /// once: clients have been seen to drop the answer when both arrive together.
    var resetDeadline: UInt64?

    init(_ stream: HTTP2StreamID, _ request: HTTPRequest, maximumBody: Int, began: UInt64, inputEnded: Bool) {
        self.stream = stream
        self.request = request
        self.maximumBody = maximumBody
        self.began = began
        self.inputEnded = inputEnded
    }

    var isHead: Bool { request.method == "HEAD" }
    /// Body bytes of the request that are stored here.
    var storedBytes: Int { request.body.count }
}

extension HTTPRequest {
    /// A request from an HTTP/2 header list (RFC 9113, 8.3.1); the library has checked the list's form.
    init(http2 fields: HTTPHeaders, limits: HTTPServerLimits) throws(HTTP1Fault) {
        guard let method = fields[":method"], let path = fields[":path"], method != "CONNECT" else {
            throw .bad("there is no :path")
        }
        guard path.utf8.count <= limits.targetBytes else { throw .status(414, "the target is too long") }
        let headers = HTTPHeaders(fields.fields.filter { $0.name.utf8.first != 0x3A })
        let hosts = headers.all("host")
        let authority = fields[":authority"] ?? hosts.first
        // RFC 9113, 8.3.1: a Host that differs from :authority makes the request suspect.
        guard hosts.count <= 1, (hosts + [authority ?? ""]).allSatisfy({ $0.utf8.allSatisfy(HTTPSyntax.isAuthority) })
        else { throw .bad("Host is not one authority") }
        if let host = hosts.first, let authority, HTTPHeaders.lowercased(host) != HTTPHeaders.lowercased(authority) {
            throw .bad("Host and :authority name different authorities")
        }
        let target = try HTTP1RequestHead.Target(parsing: Array(path.utf8)[...], method: method)
        guard !target.isAbsolute else { throw .bad(":path is not a path") }
        self.init(
            method: method, path: target.path, query: target.query, authority: authority, headers: headers,
            version: .http2)
    }
}
