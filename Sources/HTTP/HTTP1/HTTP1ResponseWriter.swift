// Response heads and chunks as bytes (RFC 9112, 4 and 7.1).

/// Renders HTTP/1.1 responses; no state.
enum HTTP1ResponseWriter {
    static let interimContinue = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
    static let lastChunk = Array("0\r\n\r\n".utf8)

    /// How a response's body is delimited.
    enum Framing: Equatable { case none, length(Int), chunked, untilClose }

    /// The head. Fields that delimit the message are the engine's, so those of the response are left out; so is a field
    /// that is not valid, since a line end in it would become a second message.
    static func head(_ response: HTTPResponse, framing: Framing, closes: Bool) -> [UInt8] {
        var text = "HTTP/1.1 \(response.status) \(reason(response.status))\r\n"
        for field in response.headers.fields where HTTPSyntax.isValid(field) && !isEngineField(field.name) {
            text += "\(field.name): \(field.value)\r\n"
        }
        switch framing {
        case .none, .untilClose: break
        case .length(let count): text += "content-length: \(count)\r\n"
        case .chunked: text += "transfer-encoding: chunked\r\n"
        }
        if closes { text += "connection: close\r\n" }
        return Array((text + "\r\n").utf8)
    }

    /// One chunk; an empty one would end the body and gives nothing.
    static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        bytes.isEmpty ? [] : Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [0x0D, 0x0A]
    }

    /// Whether a field says how messages are delimited on the connection, which only the engine knows.
    static func isEngineField(_ name: String) -> Bool {
        switch name {
        case "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "proxy-connection": true
        default: false
        }
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }
}
