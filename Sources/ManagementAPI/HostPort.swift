// `HOST:PORT` and `[V6]:PORT`: where peers are dialled and listeners bound.
//
// One place has one text: host names in lower case, IPv6 in RFC 5952 form, so that another spelling is no change.

import Routing

/// A host and a port, in canonical form.
package struct HostPort: Sendable, Hashable, CustomStringConvertible {
    /// What stands before the port.
    package enum Host: Sendable, Hashable {
        /// Any address; listeners only.
        case any
        case ipv4(String)
        /// The zone (`eth0` of `fe80::1%eth0`) or nil.
        case ipv6(IPv6Address, zone: String?)
        /// Lower case, 1…253 bytes.
        case name(String)
    }

    /// Why a text is no host and port.
    package struct Flaw: Error, Sendable, Equatable {
        /// Always `not_host_port`.
        package let code = "not_host_port"
        package let detail: String
    }

    package let host: Host
    package let port: UInt16

    /// Reads the text. `isListener`: the host may be empty and the port 0.
    package init(parsing text: String, isListener: Bool = false) throws(Flaw) {
        guard text.utf8.count <= 300 else { throw Flaw(detail: "the address has more than 300 bytes") }
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else {
            throw Flaw(detail: "'\(text)' has no port")
        }
        let hostText = String(text[..<colon])
        let portText = text[text.utf8.index(after: colon)...]
        let isBracketed = hostText.utf8.first == UInt8(ascii: "[")
        guard isBracketed || !hostText.utf8.contains(UInt8(ascii: ":")) else {
            throw Flaw(detail: "'\(text)': an IPv6 address needs brackets and a port, as in [2001:db8::1]:5120")
        }
        guard !isBracketed || hostText.utf8.last == UInt8(ascii: "]") else {
            throw Flaw(detail: "'\(text)' has no port")
        }
        host = try Self.host(hostText, whole: text, isListener: isListener)
        guard let number = Self.decimal(portText), number <= 65_535, isListener || number > 0 else {
            throw Flaw(detail: "'\(text)': the port is not a number from 1 to 65535")
        }
        port = UInt16(truncatingIfNeeded: number)
    }

    package var description: String { "\(hostDescription):\(port)" }

    /// True for 127.0.0.0/8, ::1 and the name `localhost`.
    package var isLoopback: Bool {
        switch host {
        case .any: false
        case .ipv4(let text): text.hasPrefix("127.")
        case .ipv6(let address, _): address.isLoopback
        case .name(let name): name == "localhost"
        }
    }

    /// The host as it stands before the colon, with its brackets.
    package var hostDescription: String {
        switch host {
        case .any: ""
        case .ipv4(let text), .name(let text): text
        case .ipv6(let address, let zone): zone.map { "[\(address)%\($0)]" } ?? "[\(address)]"
        }
    }

    /// Four decimal numbers 0…255 without leading zeros.
    package static func isIPv4(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard let number = decimal(part), number <= 255 else { return false }
                return part.utf8.count == 1 || part.utf8.first != UInt8(ascii: "0")
            }
    }

    /// A host name of RFC 1123 labels (underscores are let through), at most 253 bytes, no dot at the end.
    package static func isHostName(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.utf8.first != UInt8(ascii: "-")
                && label.utf8.last != UInt8(ascii: "-")
                && label.utf8.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                }
        }
    }

    private static func host(_ text: String, whole: String, isListener: Bool) throws(Flaw) -> Host {
        if text.isEmpty {
            guard isListener else { throw Flaw(detail: "'\(whole)' has no host") }
            return .any
        }
        if text.utf8.first == UInt8(ascii: "[") { return try bracketed(text, whole: whole) }
        // What looks like four numbers is an IPv4 address or nothing: no resolver shall guess (RFC 6943, 3.1.1).
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }) {
            guard isIPv4(text) else { throw Flaw(detail: "'\(whole)': '\(text)' is not an IPv4 address") }
            return .ipv4(text)
        }
        guard isHostName(text) else { throw Flaw(detail: "'\(whole)': '\(text)' is not a host name") }
        return .name(Name.folded(text))
    }

    private static func bracketed(_ text: String, whole: String) throws(Flaw) -> Host {
        let inner = String(text.dropFirst().dropLast())
        let parts = inner.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        let zone = parts.count > 1 ? String(parts[1]) : nil
        if let zone, Name.flaw(inDevice: zone) != nil { throw Flaw(detail: "'\(whole)': the zone is not a device") }
        do throws(AddressError) {
            return .ipv6(try IPv6Address(parsing: parts.first.map(String.init) ?? ""), zone: zone)
        } catch {
            throw Flaw(detail: "'\(whole)': \(error)")
        }
    }

    private static func decimal(_ text: some StringProtocol) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
