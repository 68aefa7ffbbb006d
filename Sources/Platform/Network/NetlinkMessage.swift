// rtnetlink's messages as bytes (linux/netlink.h, linux/rtnetlink.h): built for requests, read from answers.
//
// Everything is in host byte order and padded to 4. The reader trusts no length: what does not fit ends the walk.

/// Numbers of the kernel's interface that are used here.
enum NetlinkCode {
    static let error: UInt16 = 2  // NLMSG_ERROR
    static let done: UInt16 = 3  // NLMSG_DONE
    static let newLink: UInt16 = 16  // RTM_NEWLINK
    static let deleteLink: UInt16 = 17
    static let getLink: UInt16 = 18
    static let newAddress: UInt16 = 20  // RTM_NEWADDR
    static let deleteAddress: UInt16 = 21
    static let getAddress: UInt16 = 22

    static let newRoute: UInt16 = 24  // RTM_NEWROUTE
    static let getRoute: UInt16 = 26

    static let request: UInt16 = 1  // NLM_F_REQUEST
    static let acknowledge: UInt16 = 4
    static let dump: UInt16 = 0x300
    static let replace: UInt16 = 0x100
    static let create: UInt16 = 0x400

    static let linkName: UInt16 = 3  // IFLA_IFNAME
    static let linkMTU: UInt16 = 4
    static let addressAddress: UInt16 = 1  // IFA_ADDRESS
    static let addressLocal: UInt16 = 2

    static let routeDestination: UInt16 = 1  // RTA_DST
    static let routeLocal: UInt8 = 2  // RTN_LOCAL

    static let routeInterface: UInt16 = 4  // RTA_OIF
    static let familyIPv4: UInt8 = 2
    static let familyIPv6: UInt8 = 10
    static let flagUp: UInt32 = 1  // IFF_UP
    static let flagRunning: UInt32 = 0x40
    static let noDuplicateDetection: UInt8 = 2  // IFA_F_NODAD
    static let groupLink: UInt32 = 1  // RTMGRP_LINK
    static let groupAddress: UInt32 = 0x100  // RTMGRP_IPV6_IFADDR
    static let groupRoute: UInt32 = 0x400  // RTMGRP_IPV6_ROUTE
}

/// A request under construction.
struct NetlinkRequest {
    private(set) var bytes: [UInt8] = []

    init(type: UInt16, flags: UInt16, sequence: UInt32) {
        append(UInt32(0))
        append(type)
        append(flags | NetlinkCode.request)
        append(sequence)
        append(UInt32(0))
    }

    /// `struct ifinfomsg`: the interface, and which of its flags become what.
    mutating func link(index: Int32, flags: UInt32 = 0, change: UInt32 = 0) {
        append(UInt32(0))
        append(UInt32(bitPattern: index))
        append(flags)
        append(change)
    }

    /// `struct ifaddrmsg` for a global IPv6 address.
    mutating func address(index: Int32, length: UInt8, flags: UInt8) {
        bytes += [NetlinkCode.familyIPv6, length, flags, 0]
        append(UInt32(bitPattern: index))
    }

    /// `struct rtmsg` for a question about one destination, IPv4 or IPv6 by its length.
    mutating func route(to destination: [UInt8]) {
        let family = destination.count == 4 ? NetlinkCode.familyIPv4 : NetlinkCode.familyIPv6
        bytes += [family, UInt8(truncatingIfNeeded: destination.count * 8), 0, 0, 0, 0, 0, 0]
        append(UInt32(0))
        attribute(NetlinkCode.routeDestination, destination)
    }

    mutating func attribute(_ type: UInt16, _ value: [UInt8]) {
        append(UInt16(truncatingIfNeeded: 4 + value.count))
        append(type)
        bytes += value
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number) { bytes.append(contentsOf: $0) }
    }

    /// The whole message, its length filled in.
    func finished() -> [UInt8] {
        var message = bytes
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: message.count)) { message.replaceSubrange(0..<4, with: $0) }
        return message
    }
}

/// One message of an answer.
struct NetlinkMessage {
    let type: UInt16
    let sequence: UInt32
    let payload: ArraySlice<UInt8>

    /// The messages that a datagram holds, in order.
    static func all(in datagram: ArraySlice<UInt8>) -> [NetlinkMessage] {
        var messages: [NetlinkMessage] = []
        var rest = datagram
        while let length = rest.number(at: 0, UInt32.self), length >= 16, Int(length) <= rest.count,
            let type = rest.number(at: 4, UInt16.self), let sequence = rest.number(at: 8, UInt32.self)
        {
            let payload = rest.dropFirst(16).prefix(Int(length) - 16)
            messages.append(NetlinkMessage(type: type, sequence: sequence, payload: payload))
            rest = rest.dropFirst((Int(length) + 3) & ~3)
        }
        return messages
    }

    /// The attribute's value behind a fixed part of `offset` bytes; nil if it is not there.
    func attribute(_ wanted: UInt16, after offset: Int) -> ArraySlice<UInt8>? {
        var rest = payload.dropFirst(offset)
        while let length = rest.number(at: 0, UInt16.self), length >= 4, Int(length) <= rest.count,
            let type = rest.number(at: 2, UInt16.self)
        {
            // The upper two bits are flags (NLA_F_NESTED, NLA_F_NET_BYTEORDER).
            if type & 0x3FFF == wanted { return rest.dropFirst(4).prefix(Int(length) - 4) }
            rest = rest.dropFirst((Int(length) + 3) & ~3)
        }
        return nil
    }

    /// The code of an NLMSG_ERROR: 0 is an acknowledgement, else -errno.
    var errorCode: Int32? { type == NetlinkCode.error ? payload.number(at: 0, Int32.self) : nil }
}

extension ArraySlice<UInt8> {
    /// A number in host byte order `offset` bytes in; nil if the slice ends before.
    func number<Number: FixedWidthInteger>(at offset: Int, _ type: Number.Type) -> Number? {
        guard count - offset >= MemoryLayout<Number>.size else { return nil }
        return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
    }
}
