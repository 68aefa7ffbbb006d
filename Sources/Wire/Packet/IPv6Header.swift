// The fixed header of an IPv6 packet (RFC 8200 section 3), read where it lies.
//
//     0      4            12                       32
//     | vers | class      | flow label             |
//     | payload length    | next header | hop limit|
//     | source (16 bytes)                          |
//     | destination (16 bytes)                     |
//
// A router needs these forty bytes and no more: extension headers and payload pass as they are. All fields are read at
// once into plain stored values, because a call across modules costs more than the few loads that it might save. Whoever
// holds an `IPv6Header` knows that the packet was exactly as long as it says.

import Routing

/// Why bytes are not a packet that a router may carry.
package enum PacketDefect: Error, Hashable, Sendable {
    /// Fewer than 40 bytes.
    case short
    /// Another version than 6 in the first four bits.
    case notIPv6
    /// The payload length is not what follows the header; what is cut or padded is not guessed at.
    case lengthMismatch
    /// Payload length 0 and a hop-by-hop header: a jumbogram (RFC 2675), which no link of ours carries.
    case jumbogram
}

/// The fixed header of a packet whose length is checked.
package struct IPv6Header: BitwiseCopyable, Sendable {
    /// Bytes of the fixed header.
    package static var byteCount: Int { 40 }

    /// Bytes of the whole packet.
    package let packetLength: Int
    /// Bytes after the fixed header.
    package let payloadLength: Int
    /// What the first header after the fixed one is.
    package let nextHeader: UInt8
    /// Forwards that are left.
    package let hopLimit: UInt8
    package let source: IPv6Address
    package let destination: IPv6Address

    /// Reads a packet's header; throws what is wrong with the packet. Reads nothing beyond `packet`.
    package init(_ packet: UnsafeRawBufferPointer) throws(PacketDefect) {
        guard let base = packet.baseAddress, packet.count > 0 else { throw .short }
        // The version first: four bits decide whether the other 39 bytes mean anything.
        guard base.load(as: UInt8.self) &>> 4 == 6 else { throw .notIPv6 }
        guard packet.count >= Self.byteCount else { throw .short }
        packetLength = packet.count
        payloadLength = Int(UInt16(bigEndian: base.loadUnaligned(fromByteOffset: 4, as: UInt16.self)))
        nextHeader = base.load(fromByteOffset: 6, as: UInt8.self)
        hopLimit = base.load(fromByteOffset: 7, as: UInt8.self)
        source = Self.address(base + 8)
        destination = Self.address(base + 24)
        guard payloadLength == packet.count &- Self.byteCount else {
            throw payloadLength == 0 && nextHeader == NextHeader.hopByHop ? .jumbogram : .lengthMismatch
        }
    }

    @inline(__always)
    private static func address(_ bytes: UnsafeRawPointer) -> IPv6Address {
        IPv6Address(
            high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }

    /// Where the hop limit stands in a packet.
    package static var hopLimitOffset: Int { 7 }

    /// Writes a fixed header to the front of `buffer`, which must hold 40 bytes; traffic class and flow label are 0.
    package static func write(
        into buffer: UnsafeMutableRawBufferPointer, payloadLength: Int, nextHeader: UInt8, hopLimit: UInt8,
        source: IPv6Address, destination: IPv6Address
    ) {
        guard buffer.count >= byteCount else { return }
        buffer.storeBytes(of: UInt32(0x6000_0000).bigEndian, as: UInt32.self)
        buffer.storeBytes(of: UInt16(truncatingIfNeeded: payloadLength).bigEndian, toByteOffset: 4, as: UInt16.self)
        buffer[6] = nextHeader
        buffer[7] = hopLimit
        buffer.storeBytes(of: source.high.bigEndian, toByteOffset: 8, as: UInt64.self)
        buffer.storeBytes(of: source.low.bigEndian, toByteOffset: 16, as: UInt64.self)
        buffer.storeBytes(of: destination.high.bigEndian, toByteOffset: 24, as: UInt64.self)
        buffer.storeBytes(of: destination.low.bigEndian, toByteOffset: 32, as: UInt64.self)
    }
}

/// Values of the next-header field (IANA, "Assigned Internet Protocol Numbers").
package enum NextHeader {
    package static var hopByHop: UInt8 { 0 }
    package static var routing: UInt8 { 43 }
    package static var fragment: UInt8 { 44 }
    package static var authentication: UInt8 { 51 }
    package static var icmpv6: UInt8 { 58 }
    package static var destinationOptions: UInt8 { 60 }
    package static var mobility: UInt8 { 135 }
    package static var hostIdentity: UInt8 { 139 }
    package static var shim6: UInt8 { 140 }
}
