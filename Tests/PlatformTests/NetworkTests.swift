// Interfaces and TUN, each test in a network namespace of its own.

import CLinux
import Testing

@testable import Platform

@Suite("Network", .serialized)
struct NetworkTests {
    private static func address(_ last: UInt8, length: Int = 64) throws -> InterfaceAddress {
        let bytes: [UInt8] = [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [last]
        return try #require(InterfaceAddress(bytes: bytes, length: length))
    }

    @Test("a TUN is created, set up, given an MTU and an address, and can be bound to at once")
    func tun() throws {
        try inFreshNetwork {
            let tun = try TunDevice.open(name: "vmesh0")
            let netlink = try Netlink()
            let index = try netlink.index(of: "vmesh0")
            #expect(try netlink.state(of: index).isUp == false)
            try netlink.setMTU(index, 1400)
            try netlink.setUp(index)
            try netlink.putAddress(try Self.address(1), on: index)
            try netlink.putAddress(try Self.address(1), on: index)
            #expect(try netlink.waitUntilUsable([try Self.address(1)], milliseconds: 10_000))
            let state = try netlink.state(of: index)
            #expect((state.name, state.isUp, state.isRunning, state.mtu) == ("vmesh0", true, true, 1400))
            #expect(try netlink.addresses(of: index).contains(try Self.address(1)))

            // C42: bind works once the address is said to be usable.
            let socket = Descriptor(linux_udp_socket(6))
            var own = try #require(SocketAddress(numeric: "2001:db8::1", port: 0)).kernel
            #expect(linux_bind(socket.raw, &own) == 0)

            // The kernel routes the prefix here, and what is written here reaches the socket's owner.
            var far = try #require(SocketAddress(numeric: "2001:db8::2", port: 9)).kernel
            #expect(linux_connect(socket.raw, &far) == 0)
            #expect(linux_send(socket.raw, [1, 2, 3], 3) == 3)
            let packet = try #require(Self.readPacket(tun) { $0.count == 51 && $0[6] == 17 })
            #expect(Array(packet[8..<24]) == (try Self.address(1)).bytes)
            #expect(Array(packet[24..<40]) == (try Self.address(2)).bytes)

            try netlink.removeAddress(try Self.address(1), from: index)
            try netlink.removeAddress(try Self.address(1), from: index)
            #expect(try !netlink.addresses(of: index).contains(try Self.address(1)))
        }
    }

    @Test("an echo request written to a TUN is answered by the kernel")
    func echo() throws {
        try inFreshNetwork {
            let tun = try TunDevice.open(name: "vmesh0")
            let netlink = try Netlink()
            let index = try netlink.index(of: "vmesh0")
            try netlink.setUp(index)
            try netlink.putAddress(try Self.address(1), on: index)
            #expect(try netlink.waitUntilUsable([try Self.address(1)], milliseconds: 10_000))
            let request = try Self.echoRequest(from: try Self.address(2).bytes, to: try Self.address(1).bytes)
            #expect(request.withUnsafeBytes { tun.write($0) } == .written)
            let reply = try #require(Self.readPacket(tun) { $0.count == 48 && $0[40] == 129 })
            #expect(Array(reply[8..<24]) == (try Self.address(1)).bytes)
        }
    }

    @Test(
        "C21: only packets whose first nibble is 6 are written", arguments: [0x00, 0x45, 0x50, 0x70, 0xF0] as [UInt8])
    func onlyIPv6(first: UInt8) throws {
        try inFreshNetwork {
            let tun = try TunDevice.open(name: "vmesh0")
            let netlink = try Netlink()
            try netlink.setUp(try netlink.index(of: "vmesh0"))
            let packet = [first] + [UInt8](repeating: 0, count: 39)
            #expect(packet.withUnsafeBytes { tun.write($0) } == .refused)
            #expect(tun.write(UnsafeRawBufferPointer(start: nil, count: 0)) == .refused)
        }
    }

    @Test("C23: a TUN that is down, and one that was deleted, are told apart; epoll reports the deletion")
    func faults() throws {
        try inFreshNetwork {
            let tun = try TunDevice.open(name: "vmesh0")
            let monitor = try NetlinkMonitor()
            let netlink = try Netlink()
            let index = try netlink.index(of: "vmesh0")
            let packet = [0x60] + [UInt8](repeating: 0, count: 39)
            #expect(packet.withUnsafeBytes { tun.write($0) } == .down)
            try netlink.setUp(index)
            #expect(packet.withUnsafeBytes { tun.write($0) } == .written)
            try netlink.deleteInterface(index)
            #expect(packet.withUnsafeBytes { tun.write($0) } == .gone)
            var buffer = [UInt8](repeating: 0, count: 100)
            #expect(buffer.withUnsafeMutableBytes { tun.read(into: $0) } == .gone)
            let reactor = try Reactor()
            let recorder = Recorder()
            _ = try reactor.add(tun.descriptor, interest: [], handler: recorder)
            try reactor.turn(deadline: 0)
            #expect(recorder.seen.first?.contains(.error) == true)

            let events = monitor.events()
            #expect(
                events.contains {
                    if case .link(let state) = $0 { state.index == index && state.isUp } else { false }
                })
            #expect(events.contains(.linkRemoved(index: index)))
        }
    }

    @Test("C24: the monitor tells of MTU and addresses")
    func monitor() throws {
        try inFreshNetwork {
            let tun = try TunDevice.open(name: "vmesh0")
            let netlink = try Netlink()
            let index = try netlink.index(of: "vmesh0")
            let monitor = try NetlinkMonitor()
            try netlink.setUp(index)
            try netlink.setMTU(index, 1333)
            let address = try Self.address(7, length: 128)
            try netlink.putAddress(address, on: index)
            #expect(try netlink.waitUntilUsable([address], milliseconds: 10_000))
            try netlink.removeAddress(address, from: index)
            let events = monitor.events()
            #expect(
                events.contains {
                    if case .link(let state) = $0 { state.index == index && state.mtu == 1333 } else { false }
                })
            #expect(events.contains(.addressAdded(index: index, address)))
            #expect(events.contains(.addressRemoved(index: index, address)))
            _ = tun
        }
    }

    @Test("a name that is in use, or is no TUN, says what to do")
    func refusals() throws {
        try inFreshNetwork {
            let tun = try TunDevice.open(name: "vmesh0")
            for (name, words) in [("vmesh0", "in use by another program"), ("lo", "no TUN interface")] {
                #expect { try TunDevice.open(name: name) } throws: { "\($0)".contains(words) }
            }
            _ = tun
        }
    }

    @Test("interface names", arguments: ["", "a/b", "tun%d", "sixteen-letters-", "a b", ".", "a:b"])
    func badNames(name: String) {
        #expect(throws: PlatformError.self) { try TunDevice.checkName(name) }
    }

    @Test("a truncated netlink datagram is read as far as it holds, at every length")
    func truncation() {
        var request = NetlinkRequest(type: NetlinkCode.newAddress, flags: 0, sequence: 7)
        request.address(index: 5, length: 64, flags: 0)
        request.attribute(NetlinkCode.addressLocal, Array(1...16))
        let whole = request.finished()
        #expect(NetlinkMonitor.parse(whole[...]).count == 1)
        for count in 0..<whole.count { #expect(NetlinkMonitor.parse(whole.prefix(count)).isEmpty) }
        // The message says that it is whole; its attribute is cut.
        for count in 16..<whole.count {
            var cut = Array(whole.prefix(count))
            cut.replaceSubrange(0..<4, with: [UInt8(count), 0, 0, 0])
            #expect(NetlinkMonitor.parse(cut[...]).isEmpty)
        }
    }

    /// Reads packets until one matches; nil after 100 others or 5 s of silence.
    private static func readPacket(_ tun: TunDevice, where matches: ([UInt8]) -> Bool) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: TunDevice.bufferSize)
        for _ in 0..<100 {
            switch buffer.withUnsafeMutableBytes({ tun.read(into: $0) }) {
            case .packet(let count): if matches(Array(buffer.prefix(count))) { return Array(buffer.prefix(count)) }
            case .wouldBlock: guard linux_poll_readable(tun.descriptor.raw, 5000) == 1 else { return nil }
            case .gone: return nil
            }
        }
        return nil
    }

    private static func echoRequest(from source: [UInt8], to destination: [UInt8]) throws -> [UInt8] {
        var message: [UInt8] = [128, 0, 0, 0, 0, 1, 0, 1]
        let pseudo = source + destination + [0, 0, 0, 8, 0, 0, 0, 58] + message
        var sum = stride(from: 0, to: pseudo.count, by: 2).reduce(0) { $0 + Int(pseudo[$1]) << 8 + Int(pseudo[$1 + 1]) }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        message[2] = UInt8(truncatingIfNeeded: ~sum >> 8)
        message[3] = UInt8(truncatingIfNeeded: ~sum)
        return [0x60, 0, 0, 0, 0, 8, 58, 64] + source + destination + message
    }
}
