// A request's head: request line, target, Host, framing (RFC 9112, 3), parsed from the bytes the scanner cut out.
//
// Everything two implementations could read differently is refused: one space between the three parts of the request
// line, a target of visible ASCII, exactly one Host. An absolute target must name the same authority as Host: the rule
// of RFC 9112 (3.2.2) is to believe the target, but a check against DNS rebinding may look at either (case C31).

/// A parsed head and what follows from it.
struct HTTP1RequestHead {
    /// The request, body still empty.
    var request: HTTPRequest
    /// How the body is delimited; nil without one.
    let framing: HTTP1Framing?
    /// Whether the client waits for `100 Continue`.
    let expectsContinue: Bool
    /// Whether the connection may serve a further request.
    let keepsAlive: Bool

    /// Parses a whole head.
    init(parsing head: ArraySlice<UInt8>, limits: HTTP1HeadLimits) throws(HTTP1Fault) {
        let lines = HTTP1Fields.lines(head)
        guard let first = lines.first else { throw .bad("the request line is empty") }
        var (method, target, version) = try Self.requestLine(first, limits: limits)
        let headers = try HTTP1Fields.parse(lines.dropFirst(), maximum: limits.fields)
        target.authority = try Self.authority(headers, version: version, target: target)
        framing = try HTTP1Fields.framing(headers, version: version)
        expectsContinue = try Self.expectsContinue(headers, version: version)
        keepsAlive = version == .http11 && !headers.listContains("connection", token: "close")
        request = HTTPRequest(
            method: method, path: target.path, query: target.query, authority: target.authority,
            isAbsoluteForm: target.isAbsolute, headers: headers, version: version)
    }

    /// The first line without its CRLF. Parsed as soon as it is there, too, so that what speaks another protocol is
    /// refused at once and not when the time for a head is up.
    static func requestLine(
        _ line: ArraySlice<UInt8>, limits: HTTP1HeadLimits
    ) throws(HTTP1Fault) -> (method: String, target: Target, version: HTTPVersion) {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .bad("the request line has not three parts") }
        let version = try Self.version(parts[2])
        guard !parts[0].isEmpty, parts[0].count <= 32, parts[0].allSatisfy(HTTPSyntax.isToken) else {
            throw .bad("the method is not a token")
        }
        guard parts[1].count <= limits.target else { throw .status(414, "the target is too long") }
        let method = String(decoding: parts[0], as: UTF8.self)
        return (method, try Target(parsing: parts[1], method: method), version)
    }

    private static func version(_ text: ArraySlice<UInt8>) throws(HTTP1Fault) -> HTTPVersion {
        if text.elementsEqual("HTTP/1.1".utf8) { return .http11 }
        if text.elementsEqual("HTTP/1.0".utf8) { return .http10 }
        let isDigit = { (byte: UInt8) in byte >= 0x30 && byte <= 0x39 }
        let isVersion =
            text.count == 8 && text.starts(with: "HTTP/".utf8) && isDigit(text[text.startIndex + 5])
            && text[text.startIndex + 6] == 0x2E && isDigit(text[text.startIndex + 7])
        throw isVersion ? .status(505, "HTTP/1.1 and HTTP/2 are spoken") : .bad("the version is not HTTP/1.1")
    }

    /// RFC 9112, 3.2: exactly one Host in HTTP/1.1, none or one in HTTP/1.0.
    private static func authority(
        _ headers: HTTPHeaders, version: HTTPVersion, target: Target
    ) throws(HTTP1Fault) -> String? {
        let hosts = headers.all("host")
        guard hosts.count <= 1 else { throw .bad("Host is there twice") }
        guard let host = hosts.first else {
            guard version == .http10 else { throw .bad("Host is missing") }
            return target.authority
        }
        guard host.utf8.allSatisfy(HTTPSyntax.isAuthority) else { throw .bad("Host is not an authority") }
        if let named = target.authority, HTTPHeaders.lowercased(named) != HTTPHeaders.lowercased(host) {
            throw .bad("Host and target name different authorities")
        }
        return host
    }

    /// RFC 9110, 10.1.1: an expectation that is not known is refused; HTTP/1.0 has none.
    private static func expectsContinue(_ headers: HTTPHeaders, version: HTTPVersion) throws(HTTP1Fault) -> Bool {
        guard version == .http11, let expectation = headers["expect"] else { return false }
        guard HTTPHeaders.lowercased(expectation) == "100-continue" else {
            throw .status(417, "only 100-continue can be expected")
        }
        return true
    }

    /// A request target taken apart (RFC 9112, 3.2).
    struct Target {
        var path: String
        var query: String?
        var authority: String?
        var isAbsolute = false

        init(parsing bytes: ArraySlice<UInt8>, method: String) throws(HTTP1Fault) {
            guard bytes.allSatisfy(HTTPSyntax.isTarget) else { throw .bad("the target holds a forbidden character") }
            let text = String(decoding: bytes, as: UTF8.self)
            var rest = Substring(text)
            if text == "*", method == "OPTIONS" {
                path = "*"
                return
            }
            let lower = HTTPHeaders.lowercased(String(text.prefix(8)))
            if lower.hasPrefix("http://") || lower == "https://" {
                isAbsolute = true
                rest = rest.dropFirst(lower == "https://" ? 8 : 7)
                let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
                let name = String(rest[..<end])
                guard !name.isEmpty, name.utf8.allSatisfy(HTTPSyntax.isAuthority) else {
                    throw .bad("the target's authority is not one")
                }
                authority = name
                rest = rest[end...]
                if rest.first != "/" { rest = "/" + rest }
            }
            guard rest.first == "/" else { throw .bad("the target is neither a path nor an http URI") }
            if let mark = rest.firstIndex(of: "?") {
                query = String(rest[rest.index(after: mark)...])
                rest = rest[..<mark]
            }
            path = String(rest)
        }
    }
}
