// An internet address with a port, as sockets use it, and its text.

import CLinux

/// Address family, address, port and (link-local only) interface. An IPv4-mapped IPv6 address is kept as IPv4, so the
/// same host is always the same value.
package struct SocketAddress: Hashable, Sendable {
    /// 4 bytes (IPv4) or 16 (IPv6), network order.
    package let bytes: [UInt8]
    package var port: UInt16
    /// Interface index of a link-local address, else 0.
    package let scope: UInt32

    /// - Parameter bytes: 4 or 16; nil for any other count.
    package init?(bytes: [UInt8], port: UInt16, scope: UInt32 = 0) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        let isMapped = bytes.count == 16 && bytes[0..<10].allSatisfy { $0 == 0 } && bytes[10] == 255 && bytes[11] == 255
        self.bytes = isMapped ? Array(bytes[12...]) : bytes
        self.port = port
        self.scope = scope
    }

    /// Reads a numeric host (no brackets, no port; a zone such as `fe80::1%eth0` is allowed); nil if it is a name.
    package init?(numeric host: String, port: UInt16) {
        var address = linux_address()
        guard !host.utf8.contains(0), linux_address_parse(host, &address) == 0 else { return nil }
        address.port = port
        self.init(address)
    }

    /// The wildcard address of a family.
    package static func any(isIPv6: Bool, port: UInt16) -> SocketAddress {
        SocketAddress(unchecked: Array(repeating: 0, count: isIPv6 ? 16 : 4), port: port)
    }

    private init(unchecked bytes: [UInt8], port: UInt16) {
        self.bytes = bytes
        self.port = port
        self.scope = 0
    }

    init?(_ address: linux_address) {
        let bytes = withUnsafeBytes(of: address.bytes) { Array($0.prefix(address.family == 4 ? 4 : 16)) }
        self.init(bytes: bytes, port: address.port, scope: address.scope)
    }

    var kernel: linux_address {
        var address = linux_address()
        withUnsafeMutableBytes(of: &address.bytes) { $0.copyBytes(from: bytes) }
        address.family = isIPv6 ? 6 : 4
        address.port = port
        address.scope = scope
        return address
    }

    package var isIPv6: Bool { bytes.count == 16 }

    package var isLoopback: Bool {
        isIPv6 ? bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1 : bytes.first == 127
    }

    package var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

    /// The network that limits by source are kept for: an IPv6 /64 or an IPv4 /24 (A21).
    package var sourceNetwork: [UInt8] { isIPv6 ? Array(bytes.prefix(8)) : Array(bytes.prefix(3)) }

    /// The address alone, `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`.
    package var host: String {
        var text = [CChar](repeating: 0, count: 80)
        var address = kernel
        guard linux_address_format(&address, &text, text.count) == 0 else { return "?" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension SocketAddress: CustomStringConvertible {
    /// `192.0.2.1:5120` or `[2001:db8::1]:5120`.
    package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
