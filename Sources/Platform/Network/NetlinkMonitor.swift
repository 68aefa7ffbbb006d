// What happens to interfaces and their addresses, as events (rtnetlink multicast groups).
//
// The kernel drops events when the socket's buffer is full and says so once (ENOBUFS): then `.resync` comes, and the
// owner asks for the state of everything that it cares about.

import CLinux

package enum NetlinkEvent: Hashable, Sendable {
    /// An interface is new or has changed.
    case link(InterfaceState)
    case linkRemoved(index: Int32)
    case addressAdded(index: Int32, InterfaceAddress)
    case addressRemoved(index: Int32, InterfaceAddress)
    /// Events were lost.
    case resync
}

package final class NetlinkMonitor {
    /// Readable when events wait.
    package let descriptor: Descriptor
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    /// Listens in the network namespace that the calling thread is in now.
    package init() throws(PlatformError) {
        let groups = NetlinkCode.groupLink | NetlinkCode.groupAddress
        descriptor = Descriptor(try check(linux_netlink_route(groups), "netlink"))
    }

    /// Events that wait, of at most `budget` datagrams.
    package func events(budget: Int = 32) -> [NetlinkEvent] {
        var events: [NetlinkEvent] = []
        for _ in 0..<budget {
            let count = linux_netlink_receive(descriptor.raw, &buffer, buffer.count)
            if count == -Int64(EAGAIN) { break }
            guard count > 0 else {
                // ENOBUFS; anything else is answered the same way, as nothing can be trusted then.
                events.append(.resync)
                break
            }
            events += Self.parse(buffer.prefix(Int(count)))
        }
        return events
    }

    static func parse(_ datagram: ArraySlice<UInt8>) -> [NetlinkEvent] {
        NetlinkMessage.all(in: datagram).compactMap { message in
            switch message.type {
            case NetlinkCode.newLink: InterfaceState(message).map { .link($0) }
            case NetlinkCode.deleteLink:
                message.payload.number(at: 4, Int32.self).map { .linkRemoved(index: $0) }
            case NetlinkCode.newAddress: address(message).map { .addressAdded(index: $0.index, $0.address) }
            case NetlinkCode.deleteAddress: address(message).map { .addressRemoved(index: $0.index, $0.address) }
            default: nil
            }
        }
    }

    static func address(_ message: NetlinkMessage) -> (index: Int32, address: InterfaceAddress)? {
        let payload = message.payload
        guard payload.first == NetlinkCode.familyIPv6, let length = payload.number(at: 1, UInt8.self),
            let index = payload.number(at: 4, Int32.self),
            let bytes = message.attribute(NetlinkCode.addressLocal, after: 8)
                ?? message.attribute(NetlinkCode.addressAddress, after: 8),
            let address = InterfaceAddress(bytes: Array(bytes), length: Int(length))
        else { return nil }
        return (index, address)
    }
}
