// Percent-encoding of paths and queries (RFC 3986, 2.1), strict in one direction and safe in the other.
//
// A path is split at its slashes first and decoded segment by segment afterwards, so `%2F` stays inside its segment.
// `%XX` that is not two hexadecimal digits, that gives text which is not UTF-8, or that hides a NUL is an error and
// never passed through: what two readers could take differently is refused (fault E9). `+` is a plus in a path and in
// a query alike; the form encoding of HTML is not spoken here.

/// Why a path or query cannot be decoded.
package enum PercentCodingError: Error, Sendable, Equatable {
    /// `%` is not followed by two hexadecimal digits.
    case malformedEscape
    /// The decoded bytes are not UTF-8.
    case notUTF8
    /// The decoded text holds a NUL.
    case nul
}

/// Encoder and decoder; no state.
package enum PercentCoding {
    /// One decoded parameter of a query.
    package struct Parameter: Sendable, Equatable {
        /// Decoded name.
        package let name: String
        /// Decoded value; nil where the parameter has no `=`.
        package let value: String?

        /// A parameter.
        package init(_ name: String, _ value: String?) {
            self.name = name
            self.value = value
        }
    }

    /// Decodes one segment of a path, or one name or value of a query.
    package static func decode(_ text: some StringProtocol) throws(PercentCodingError) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            guard byte == 0x25 else {
                bytes.append(byte)
                continue
            }
            guard let first = iterator.next().flatMap(HTTPSyntax.hexadecimal),
                let second = iterator.next().flatMap(HTTPSyntax.hexadecimal)
            else { throw .malformedEscape }
            bytes.append(first << 4 | second)
        }
        guard !bytes.contains(0) else { throw .nul }
        guard let decoded = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
        return decoded
    }

    /// Splits a raw path at `/` and decodes each segment: `/a%2Fb/c` gives `["a/b", "c"]`. The leading slash opens
    /// the first segment; a trailing slash gives an empty last one. Dot segments are not removed: the router, which
    /// compares whole segments, knows none of that name.
    package static func pathSegments(_ path: String) throws(PercentCodingError) -> [String] {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if parts.first?.isEmpty == true { parts.removeFirst() }
        var segments: [String] = []
        for part in parts { segments.append(try decode(part)) }
        return segments
    }

    /// Takes a raw query apart, in order, duplicates included. Empty pieces (`a=1&&b=2`) are skipped.
    package static func queryParameters(_ query: String?) throws(PercentCodingError) -> [Parameter] {
        var parameters: [Parameter] = []
        for piece in (query ?? "").split(separator: "&") {
            if let mark = piece.firstIndex(of: "=") {
                let value = try decode(piece[piece.index(after: mark)...])
                parameters.append(Parameter(try decode(piece[..<mark]), value))
            } else {
                parameters.append(Parameter(try decode(piece), nil))
            }
        }
        return parameters
    }

    /// Encodes everything but the unreserved characters (RFC 3986, 2.3), for a path segment or a query value.
    package static func encode(_ text: String) -> String {
        encode(text) { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
            default: false
            }
        }
    }

    /// Encodes the bytes for which `keeps` is false.
    static func encode(_ text: String, keeping keeps: (UInt8) -> Bool) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if keeps(byte) {
                bytes.append(byte)
            } else {
                bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
