// `host:port` and `[v6]:port` as configuration files spell them, read strictly.
//
// A lenient reader turns a typing error into a name that is looked up for ever, so whatever is not clearly an address
// or a host name (RFC 1123 section 2.1, underscores tolerated) is refused with words that say how to write it.

/// A host, by number or by name, and a port.
package struct HostPort: Hashable, Sendable {
    /// Without brackets; empty only where that was allowed and means every address of this machine.
    package let host: String
    package let port: UInt16

    /// The address, where the host is a number and no name has to be looked up.
    package var numeric: SocketAddress? { SocketAddress(numeric: host, port: port) }

    /// - Parameters:
    ///   - allowsEmptyHost: accept `:5120`, as a listener may.
    ///   - allowsPortZero: accept port 0, "any free one".
    /// - Throws: `PlatformError.malformed`.
    package init(
        parsing text: String, allowsEmptyHost: Bool = false, allowsPortZero: Bool = false
    ) throws(PlatformError) {
        func fail(_ reason: String) -> PlatformError { .malformed(text: text, reason: reason) }
        guard text.utf8.count <= 300 else {
            throw .malformed(text: String(text.prefix(60)) + "…", reason: "is too long")
        }
        let host: Substring
        let port: Substring
        if text.first == "[" {
            guard let close = text.firstIndex(of: "]") else { throw fail("has no closing bracket") }
            host = text[text.index(after: text.startIndex)..<close]
            let rest = text[text.index(after: close)...]
            guard rest.first == ":" else { throw fail("has no port: write [\(host)]:5120") }
            port = rest.dropFirst()
            guard host.contains(":"), SocketAddress(numeric: String(host), port: 0) != nil else {
                throw fail("has no IPv6 address between its brackets")
            }
        } else {
            let colons = text.utf8.count { $0 == UInt8(ascii: ":") }
            guard colons > 0, let colon = text.lastIndex(of: ":") else { throw fail("has no port") }
            guard colons == 1 else { throw fail("is ambiguous: write an IPv6 address in brackets, [2001:db8::1]:5120") }
            host = text[..<colon]
            port = text[text.index(after: colon)...]
            guard !host.isEmpty || allowsEmptyHost else { throw fail("has no host") }
            if let reason = Self.defect(ofName: host) { throw fail(reason) }
        }
        guard !port.isEmpty, port.utf8.count <= 5, port.utf8.allSatisfy({ (48...57).contains($0) }),
            let number = UInt16(port), number > 0 || allowsPortZero
        else { throw fail("has a port that is not a number from 1 to 65535") }
        self.host = String(host)
        self.port = number
    }

    /// What is wrong with an IPv4 address or a host name; nil if nothing.
    private static func defect(ofName host: Substring) -> String? {
        guard !host.isEmpty else { return nil }
        guard host.utf8.count <= 253 else { return "has a host name of more than 253 characters" }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        // A trailing dot marks a full name.
        let named = labels.last?.isEmpty == true ? labels.dropLast() : labels[...]
        guard let last = named.last else { return "has no host" }
        if last.utf8.allSatisfy({ (48...57).contains($0) }) {
            return SocketAddress(numeric: String(host), port: 0) == nil
                ? "holds neither an IPv4 address nor a name" : nil
        }
        for label in named {
            let isPlain = label.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
            guard isPlain, (1...63).contains(label.utf8.count), label.first != "-", label.last != "-" else {
                return "holds a host name that is not valid"
            }
        }
        return nil
    }
}

extension HostPort: CustomStringConvertible {
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
