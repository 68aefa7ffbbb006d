// What a packet carries behind its extension headers (RFC 8200 section 4), as far as errors must know.
//
// Forwarding never asks this: only the rule against errors about errors does, so the walk is off the fast path. It is
// bounded to eight headers and to the packet's bytes.

import Routing

/// The end of a packet's header chain.
package enum UpperLayer: Hashable, Sendable {
    /// An ICMPv6 message of this type.
    case icmpv6(type: UInt8)
    /// Anything else, encrypted payload and "no next header" among it.
    case other
    /// A fragment that is not the first: the upper layer's header is in another packet.
    case laterFragment
    /// The chain is cut short or longer than the walk.
    case unknown

    /// Extension headers that are stepped over.
    package static var walkLimit: Int { 8 }

    /// Walks the chain of a packet that `IPv6Header` has accepted.
    package init(_ packet: UnsafeRawBufferPointer) {
        guard packet.count >= IPv6Header.byteCount else {
            self = .unknown
            return
        }
        var next = packet[6]
        var offset = IPv6Header.byteCount
        for _ in 0...Self.walkLimit {
            let left = packet.count &- offset
            let length: Int
            switch next {
            case NextHeader.icmpv6:
                self = left >= 1 ? .icmpv6(type: packet[offset]) : .unknown
                return
            case NextHeader.hopByHop, NextHeader.routing, NextHeader.destinationOptions, NextHeader.mobility,
                NextHeader.hostIdentity, NextHeader.shim6:
                guard left >= 8 else {
                    self = .unknown
                    return
                }
                length = (Int(packet[offset &+ 1]) &+ 1) &* 8
            case NextHeader.authentication:
                guard left >= 8 else {
                    self = .unknown
                    return
                }
                // RFC 4302 section 2.2: in words of four bytes, less two.
                length = (Int(packet[offset &+ 1]) &+ 2) &* 4
            case NextHeader.fragment:
                guard left >= 8 else {
                    self = .unknown
                    return
                }
                // Thirteen bits of offset, two reserved, one "more". Offset 0 is the first fragment, or the only one.
                guard packet[offset &+ 2] == 0, packet[offset &+ 3] & 0xf8 == 0 else {
                    self = .laterFragment
                    return
                }
                length = 8
            default:
                self = .other
                return
            }
            guard length <= left else {
                self = .unknown
                return
            }
            next = packet[offset]
            offset &+= length
        }
        self = .unknown
    }
}
