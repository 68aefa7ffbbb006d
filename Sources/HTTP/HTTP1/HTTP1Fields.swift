// Field lines of a head or a trailer section (RFC 9112, 5), parsed strictly.

/// Parses lines into fields; no state.
enum HTTP1Fields {
    /// Splits a scanned section into its lines, without CRLF and without the empty line at its end.
    static func lines(_ section: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var rest = section
        while let end = rest.firstIndex(of: 0x0D) {
            if end == rest.startIndex { break }
            lines.append(rest[rest.startIndex..<end])
            rest = rest[end...].dropFirst(2)
        }
        return lines
    }

    /// Parses field lines, at most `maximum`.
    static func parse(_ lines: ArraySlice<ArraySlice<UInt8>>, maximum: Int) throws(HTTP1Fault) -> HTTPHeaders {
        guard lines.count <= maximum else { throw .status(431, "there may be \(maximum) fields at most") }
        var headers = HTTPHeaders()
        for line in lines {
            let field = try parse(line)
            headers.append(field.name, field.value)
        }
        return headers
    }

    private static func parse(_ line: ArraySlice<UInt8>) throws(HTTP1Fault) -> HTTPHeaders.Field {
        // RFC 9112, 5.2: a folded line.
        if let first = line.first, first == 0x20 || first == 0x09 { throw .bad("a field line is folded") }
        guard let colon = line.firstIndex(of: 0x3A) else { throw .bad("a field line has no colon") }
        // RFC 9112, 5.1: a server must refuse white space between name and colon; a token holds none.
        let name = line[line.startIndex..<colon]
        guard !name.isEmpty, name.allSatisfy(HTTPSyntax.isToken) else { throw .bad("a field name is not a token") }
        var value = line[line.index(after: colon)...]
        while let byte = value.first, byte == 0x20 || byte == 0x09 { value.removeFirst() }
        while let byte = value.last, byte == 0x20 || byte == 0x09 { value.removeLast() }
        guard value.allSatisfy(HTTPSyntax.isFieldValue) else { throw .bad("a field value holds a control character") }
        guard let text = String(validating: value, as: UTF8.self) else { throw .bad("a field value is not UTF-8") }
        return HTTPHeaders.Field(String(decoding: name, as: UTF8.self), text)
    }

    /// How a message's body is delimited by its fields (RFC 9112, 6), strictly: `chunked` alone, or one number, never
    /// both, never twice. Nil: neither is there.
    static func framing(_ headers: HTTPHeaders, version: HTTPVersion) throws(HTTP1Fault) -> HTTP1Framing? {
        let codings = headers.all("transfer-encoding")
        let lengths = headers.all("content-length")
        if !codings.isEmpty {
            // RFC 9112, 6.1: HTTP/1.0 knows no transfer coding; whoever sends one is faulty or attacks.
            guard version == .http11 else { throw .bad("HTTP/1.0 has no Transfer-Encoding") }
            guard lengths.isEmpty else { throw .bad("Transfer-Encoding and Content-Length exclude each other") }
            guard codings.count == 1, HTTPHeaders.lowercased(codings[0]) == "chunked" else {
                throw .bad("Transfer-Encoding must be chunked and nothing else")
            }
            return .chunked
        }
        guard let length = lengths.first else { return nil }
        guard lengths.count == 1 else { throw .bad("Content-Length is there twice") }
        guard let number = HTTPSyntax.decimal(length) else { throw .bad("Content-Length is not a number") }
        return .length(number)
    }
}

/// How a body is delimited.
enum HTTP1Framing: Equatable {
    case length(Int), chunked
}
