// ICMPv6 errors (RFC 4443): when a router may complain about a packet, and the complaint's bytes.
//
//     | type | code | checksum |
//     | MTU, or unused         |
//     | as much of the packet as fits in 1280 bytes in all |
//
// An error about an error would let two routers talk for ever, and an error to many or to nobody would multiply what an
// attacker sends. So section 2.4 (e) forbids them, and whoever cannot tell (a header chain that is cut, or longer than a
// bounded walk) stays silent. The rate limit of section 2.4 (f) is the caller's: it needs a clock.

import Routing

/// An error that a router sends about a packet which it could not forward.
package enum ICMPv6Error: Hashable, Sendable {
    /// Type 1 code 0.
    case noRoute
    /// Type 1 code 1.
    case prohibited
    /// Type 1 code 3.
    case addressUnreachable
    /// Type 1 code 5: the source address failed the ingress policy.
    case sourcePolicy
    /// Type 2; `mtu` is what the next link carries, never said to be below 1280.
    case packetTooBig(mtu: Int)
    /// Type 3 code 0.
    case timeExceeded

    /// Bytes of the longest error: the minimum MTU (section 2.4 (c)).
    package static var largest: Int { 1280 }
    /// Bytes before the quoted packet: the IPv6 header, and ICMPv6's eight.
    private static var overhead: Int { IPv6Header.byteCount + 8 }

    package var type: UInt8 {
        switch self {
        case .noRoute, .prohibited, .addressUnreachable, .sourcePolicy: 1
        case .packetTooBig: 2
        case .timeExceeded: 3
        }
    }

    package var code: UInt8 {
        switch self {
        case .noRoute, .packetTooBig, .timeExceeded: 0
        case .prohibited: 1
        case .addressUnreachable: 3
        case .sourcePolicy: 5
        }
    }

    /// Whether section 2.4 (e) allows this error about `packet`, and case C3 about a fragment.
    package func mayAnswer(_ packet: UnsafeRawBufferPointer) -> Bool {
        guard let header = try? IPv6Header(packet) else { return false }
        let source = header.source
        // (e.6): a source that does not name one node.
        if source.isUnspecified || source.isMulticast { return false }
        var isTooBig = false
        if case .packetTooBig = self { isTooBig = true }
        // (e.3): a multicast destination, except for path MTU discovery.
        if header.destination.isMulticast && !isTooBig { return false }
        switch UpperLayer(packet) {
        case .icmpv6(let type):
            // (e.1) errors are types 0…127; (e.2) 137 is a redirect.
            return type >= 128 && type != 137
        case .other: return true
        case .laterFragment: return isTooBig || self == .timeExceeded
        case .unknown: return false
        }
    }

    /// Writes the error about `packet` to the front of `buffer` and returns its length; 0 where `packet` is no IPv6
    /// packet or `buffer` is shorter than `largest` bytes. It goes to the packet's source.
    package func write(
        about packet: UnsafeRawBufferPointer, from source: IPv6Address, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard buffer.count >= Self.largest, let header = try? IPv6Header(packet) else { return 0 }
        let quoted = min(packet.count, Self.largest &- Self.overhead)
        let length = 8 &+ quoted
        let destination = header.source
        IPv6Header.write(
            into: buffer, payloadLength: length, nextHeader: NextHeader.icmpv6, hopLimit: 64, source: source,
            destination: destination)
        let message = UnsafeMutableRawBufferPointer(
            rebasing: buffer[IPv6Header.byteCount..<(IPv6Header.byteCount &+ length)])
        message[0] = type
        message[1] = code
        message.storeBytes(of: 0, toByteOffset: 2, as: UInt16.self)
        message.storeBytes(of: parameter.bigEndian, toByteOffset: 4, as: UInt32.self)
        UnsafeMutableRawBufferPointer(rebasing: message[8...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: packet[..<quoted]))
        var checksum = InternetChecksum()
        checksum.addPseudoHeader(
            source: source, destination: destination, length: length, nextHeader: NextHeader.icmpv6)
        checksum.add(UnsafeRawBufferPointer(message))
        message.storeBytes(of: checksum.value.bigEndian, toByteOffset: 2, as: UInt16.self)
        return IPv6Header.byteCount &+ length
    }

    private var parameter: UInt32 {
        guard case .packetTooBig(let mtu) = self else { return 0 }
        return UInt32(clamping: max(mtu, Self.largest))
    }
}
