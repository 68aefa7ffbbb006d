// Why an HTTP/1.1 message is refused, with the status that says so. The connection always ends with it: after a message
// whose end is in doubt, no byte can be trusted to begin the next one (RFC 9112, 11.2; fault E7).

/// A refusal.
struct HTTP1Fault: Error, Equatable {
    /// The status of the answer.
    let status: Int
    /// The problem's stable code (api.md 2.4).
    let code: String
    /// The rule that was broken; nothing of what was sent.
    let detail: String

    static func bad(_ detail: String) -> HTTP1Fault { HTTP1Fault(status: 400, code: "bad-request", detail: detail) }

    static func status(_ status: Int, _ detail: String) -> HTTP1Fault {
        HTTP1Fault(status: status, code: "bad-request", detail: detail)
    }

    static func tooLarge(_ limit: Int) -> HTTP1Fault {
        HTTP1Fault(status: 413, code: "payload-too-large", detail: "the body may have \(limit) bytes at most")
    }
}

/// The bounds of a message's head or trailer section.
struct HTTP1HeadLimits {
    /// Bytes from the first byte to the empty line, that included.
    var bytes: Int
    /// Field lines.
    var fields: Int
    /// Bytes of the request target.
    var target: Int
}
