// Interfaces and their addresses: asking and changing, by rtnetlink.
//
// Requests are synchronous: the kernel answers before `send` returns, so there is nothing to wait for and the loop is
// not held up. What happens without our doing comes from `NetlinkMonitor`.

import CLinux

/// An address of an interface with the length of its prefix.
package struct InterfaceAddress: Hashable, Sendable {
    /// 16 bytes, network order.
    package let bytes: [UInt8]
    /// 0…128.
    package let length: Int

    /// fe80::/10: the kernel's own affair.
    package var isLinkLocal: Bool { bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 }

    /// Nil unless there are 16 bytes and the length is in 0…128.
    package init?(bytes: [UInt8], length: Int) {
        guard bytes.count == 16, (0...128).contains(length) else { return nil }
        self.bytes = bytes
        self.length = length
    }
}

/// What an interface is like.
package struct InterfaceState: Hashable, Sendable {
    package let index: Int32
    package let name: String
    /// IFF_UP: set up by the administrator.
    package let isUp: Bool
    /// IFF_RUNNING: somebody holds the other end.
    package let isRunning: Bool
    /// Bytes.
    package let mtu: Int

    init?(_ message: NetlinkMessage) {
        guard let index = message.payload.number(at: 4, Int32.self),
            let flags = message.payload.number(at: 8, UInt32.self)
        else { return nil }
        self.index = index
        let name = message.attribute(NetlinkCode.linkName, after: 16) ?? []
        self.name = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
        isUp = flags & NetlinkCode.flagUp != 0
        isRunning = flags & NetlinkCode.flagRunning != 0
        mtu = message.attribute(NetlinkCode.linkMTU, after: 16)?.number(at: 0, UInt32.self).map { Int($0) } ?? 0
    }
}

package final class Netlink {
    private let socket: Descriptor
    private var sequence: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    /// Speaks to the network namespace that the calling thread is in now.
    package init() throws(PlatformError) {
        socket = Descriptor(try check(linux_netlink_route(0), "netlink"))
    }

    /// The interface's number; `.noDevice` if there is none of that name.
    package func index(of name: String) throws(PlatformError) -> Int32 {
        try check(linux_interface_index(name), "interface", name)
    }

    package func state(of index: Int32) throws(PlatformError) -> InterfaceState {
        var request = start(NetlinkCode.getLink, flags: 0)
        request.link(index: index)
        for message in try ask(request, subject: "interface \(index)", isDump: false) {
            if message.type == NetlinkCode.newLink, let state = InterfaceState(message) { return state }
        }
        throw .system(call: "RTM_GETLINK", subject: "interface \(index)", code: .noDevice)
    }

    package func setUp(_ index: Int32, _ isUp: Bool = true) throws(PlatformError) {
        var request = start(NetlinkCode.newLink, flags: NetlinkCode.acknowledge)
        request.link(index: index, flags: isUp ? NetlinkCode.flagUp : 0, change: NetlinkCode.flagUp)
        _ = try ask(request, subject: "interface \(index)", isDump: false)
    }

    /// Deletes an interface, as `ip link delete` does.
    package func deleteInterface(_ index: Int32) throws(PlatformError) {
        var request = start(NetlinkCode.deleteLink, flags: NetlinkCode.acknowledge)
        request.link(index: index)
        _ = try ask(request, subject: "interface \(index)", isDump: false)
    }

    /// - Parameter mtu: bytes; IPv6 needs 1280 at least.
    package func setMTU(_ index: Int32, _ mtu: Int) throws(PlatformError) {
        var request = start(NetlinkCode.newLink, flags: NetlinkCode.acknowledge)
        request.link(index: index)
        request.attribute(NetlinkCode.linkMTU, withUnsafeBytes(of: UInt32(clamping: mtu)) { Array($0) })
        _ = try ask(request, subject: "mtu \(mtu)", isDump: false)
    }

    /// Adds an address or renews it. Duplicate detection is left out (nobody else is on a point-to-point interface).
    /// The kernel adds the route of its prefix. It still makes the address usable in a moment of its own: see
    /// `waitUntilUsable`.
    package func putAddress(_ address: InterfaceAddress, on index: Int32) throws(PlatformError) {
        var request = start(
            NetlinkCode.newAddress, flags: NetlinkCode.acknowledge | NetlinkCode.create | NetlinkCode.replace)
        request.address(
            index: index, length: UInt8(address.length), flags: NetlinkCode.noDuplicateDetection)
        request.attribute(NetlinkCode.addressLocal, address.bytes)
        request.attribute(NetlinkCode.addressAddress, address.bytes)
        do {
            _ = try ask(request, subject: "address", isDump: false)
        } catch  where error.code == .accessDenied {
            throw .remedy(
                problem: "the kernel refuses IPv6 addresses on this interface",
                remedy: "sysctl net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0")
        }
    }

    /// Removes an address; one that is not there is no error.
    package func removeAddress(_ address: InterfaceAddress, from index: Int32) throws(PlatformError) {
        var request = start(NetlinkCode.deleteAddress, flags: NetlinkCode.acknowledge)
        request.address(index: index, length: UInt8(address.length), flags: 0)
        request.attribute(NetlinkCode.addressLocal, address.bytes)
        do { _ = try ask(request, subject: "address", isDump: false) } catch
            where error.code?.rawValue == EADDRNOTAVAIL
        {}
    }

    /// The IPv6 addresses of an interface, link-local ones included.
    package func addresses(of index: Int32) throws(PlatformError) -> [InterfaceAddress] {
        var request = start(NetlinkCode.getAddress, flags: NetlinkCode.dump)
        request.address(index: 0, length: 0, flags: 0)
        return try ask(request, subject: "addresses", isDump: true).compactMap { message in
            guard message.type == NetlinkCode.newAddress, let found = NetlinkMonitor.address(message),
                found.index == index
            else { return nil }
            return found.address
        }
    }

    /// Waits until addresses answer: the kernel finishes a new one on a queue of its own, mostly within a millisecond,
    /// and only then has its local route, without which packets to it are lost. (That it is no longer called tentative
    /// comes a moment earlier and is not enough.) False if some are not ready after `milliseconds`.
    package func waitUntilUsable(
        _ addresses: [InterfaceAddress], milliseconds: Int64
    ) throws(PlatformError) -> Bool {
        // Listens before it looks, so that no change falls in between.
        let changes = Descriptor(try check(linux_netlink_route(NetlinkCode.groupRoute), "netlink"))
        let end = SystemClock.now() + milliseconds * 1000
        for address in addresses {
            while try !isLocal(address) {
                let left = (end - SystemClock.now()) / 1000
                guard left > 0 else { return false }
                try check(linux_poll_readable(changes.raw, Int32(clamping: min(left, 100))), "poll")
                while linux_netlink_receive(changes.raw, &buffer, buffer.count) > 0 {}
            }
        }
        return true
    }

    /// Whether the kernel takes packets to this address for its own.
    private func isLocal(_ address: InterfaceAddress) throws(PlatformError) -> Bool {
        try route(to: address.bytes)?.payload.number(at: 7, UInt8.self) == NetlinkCode.routeLocal
    }

    /// The interface that a packet to this address would leave by now; nil if there is no route.
    package func outgoingInterface(to address: SocketAddress) throws(PlatformError) -> Int32? {
        try route(to: address.bytes)?.attribute(NetlinkCode.routeInterface, after: 12)?.number(at: 0, Int32.self)
    }

    private func route(to destination: [UInt8]) throws(PlatformError) -> NetlinkMessage? {
        var request = start(NetlinkCode.getRoute, flags: 0)
        request.route(to: destination)
        do {
            return try ask(request, subject: "route", isDump: false).first { $0.type == NetlinkCode.newRoute }
        } catch  where error.code?.rawValue == ENETUNREACH || error.code?.rawValue == EHOSTUNREACH {
            return nil
        }
    }

    private func start(_ type: UInt16, flags: UInt16) -> NetlinkRequest {
        sequence &+= 1
        return NetlinkRequest(type: type, flags: flags, sequence: sequence)
    }

    /// Sends and collects the answer: one message, an acknowledgement, or a dump up to its end.
    private func ask(
        _ request: NetlinkRequest, subject: String, isDump: Bool
    ) throws(PlatformError) -> [NetlinkMessage] {
        let bytes = request.finished()
        try check(linux_netlink_send(socket.raw, bytes, bytes.count), "netlink", subject)
        var collected: [NetlinkMessage] = []
        while true {
            let count = linux_netlink_receive(socket.raw, &buffer, buffer.count)
            if count == -Int64(EAGAIN) {
                // The kernel answers within send; this is only for a dump's later parts.
                if try check(linux_poll_readable(socket.raw, 1000), "netlink", subject) == 1 { continue }
                throw .system(call: "netlink", subject: subject, code: .timedOut)
            }
            try check(count, "netlink", subject)
            for message in NetlinkMessage.all(in: buffer.prefix(Int(count))) where message.sequence == sequence {
                if let code = message.errorCode {
                    try check(code, "netlink", subject)
                    return collected
                }
                if message.type == NetlinkCode.done { return collected }
                collected.append(message)
                if !isDump { return collected }
            }
        }
    }
}
