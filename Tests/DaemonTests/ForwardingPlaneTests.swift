// The data plane with a real TUN in a network namespace: the kernel is one end, the test is the peer.

import Mesh
import Platform
import Routing
import Testing

@testable import Daemon

@Suite("Forwarding plane", .serialized)
struct ForwardingPlaneTests {
    private static func tunBench(workers: Int = 1, mtu: Int? = nil) throws -> PlaneBench {
        let bench = try PlaneBench(workers: workers)
        // The short prefix makes the kernel send to the whole mesh by this interface.
        let addresses = [try interfaceAddress("2001:db8:a::1", 32)]
        try bench.plane.open([
            VifSettings(index: 0, name: "main", kind: .tun(interface: "vmesh0", addresses: addresses, mtu: mtu))
        ])
        try bench.plane.start()
        bench.plane.publish(
            ForwardingPolicy(links: [LinkFacts(link: 7)], localPrefixes: [try Prefix(parsing: "2001:db8:a::/48")]))
        try bench.route("2001:db8:a::/48", .vif(0))
        try bench.route("2001:db8:b::/48", .link(7))
        return bench
    }

    @Test("a peer's echo request reaches the kernel, and the answer leaves by the peer's link", arguments: [1, 3])
    func echo(workers: Int) throws {
        try inFreshNetwork {
            let bench = try Self.tunBench(workers: workers)
            let request = try echoRequest(from: "2001:db8:b::1", to: "2001:db8:a::1")
            bench.receive(request, from: 7)
            #expect(try bench.run { bench.client.packet(icmpType: 129) != nil })
            let reply = try #require(bench.client.packet(icmpType: 129))
            #expect(Array(reply[8..<24]) == Array(request[24..<40]))
            // The kernel says 64; passing it on is a hop.
            #expect(reply[7] == 63)
            #expect(bench.client.batches > 0)
            let link = try #require(bench.plane.counters(of: 7))
            #expect((link.receivedPackets, link.receivedBytes) == (1, UInt64(request.count)))
            #expect((link.sentPackets, link.sentBytes) == (1, UInt64(reply.count)))
            // A packet is counted after it was written, so the kernel may have answered before.
            #expect(try bench.run { bench.plane.vifs[0].counters.sentPackets == 1 })
            let vif = bench.plane.vifs[0]
            #expect(vif.isUp && vif.device == "vmesh0" && vif.mtu == 1500)
            #expect(vif.missingAddresses.isEmpty)
        }
    }

    @Test("no route: counted, and the peer is told by ICMPv6")
    func noRoute() throws {
        try inFreshNetwork {
            let bench = try Self.tunBench()
            bench.receive(try echoRequest(from: "2001:db8:b::1", to: "2001:db8:c::1"), from: 7)
            #expect(try bench.run { bench.client.packet(icmpType: 1) != nil })
            #expect(bench.client.packets.first?.link == 7)
            #expect(bench.drops(link: 7) == [.noRoute: 1])
        }
    }

    @Test(
        "C21, C5: what is not IPv6 never reaches the interface",
        arguments: [0x45, 0x00, 0x70] as [UInt8])
    func notIPv6(first: UInt8) throws {
        try inFreshNetwork {
            let bench = try Self.tunBench()
            bench.receive(try echoRequest(from: "2001:db8:b::1", to: "2001:db8:a::1", first: first), from: 7)
            bench.receive([], from: 7)
            #expect(try bench.run { bench.drops(link: 7) == [.notIPv6: 1, .malformed: 1] })
            #expect(bench.plane.vifs.first?.counters.sentPackets == 0)
        }
    }

    @Test("a packet by a link that the policy does not know is dropped")
    func unknownLink() throws {
        try inFreshNetwork {
            let bench = try Self.tunBench()
            bench.receive(try echoRequest(from: "2001:db8:b::1", to: "2001:db8:a::1"), from: 8)
            bench.receive(try echoRequest(from: "2001:db8:b::1", to: "2001:db8:a::1"), from: 7)
            #expect(try bench.run { bench.client.packet(icmpType: 129) != nil })
            #expect(bench.plane.counters(of: 8) == nil)
            #expect(try bench.run { bench.plane.vifs[0].counters.sentPackets == 1 })
        }
    }

    @Test("C23: a deleted TUN comes back with its addresses and its MTU, and forwards again; nothing spins")
    func deletedTUN() throws {
        try inFreshNetwork {
            let bench = try Self.tunBench(mtu: 1400)
            let netlink = try Netlink()
            // Given by the administrator, not by the configuration: it comes back too.
            let index = try netlink.index(of: "vmesh0")
            try netlink.putAddress(try interfaceAddress("2001:db8:a::9", 128), on: index)
            #expect(
                try bench.run { bench.plane.vifs[0].addresses.contains(try interfaceAddress("2001:db8:a::9", 128)) })
            try netlink.deleteInterface(index)
            #expect(try bench.run { !bench.plane.vifs[0].isUp })
            #expect(bench.plane.vifs[0].lastError == "vmesh0 was deleted")
            var turns = 0
            #expect(
                try bench.run {
                    turns += 1
                    return bench.plane.vifs[0].isUp
                })
            #expect(turns < 100)
            let vif = bench.plane.vifs[0]
            #expect(vif.mtu == 1400)
            #expect(vif.addresses.contains(try interfaceAddress("2001:db8:a::1", 32)))
            #expect(vif.addresses.contains(try interfaceAddress("2001:db8:a::9", 128)))
            #expect(try netlink.waitUntilUsable(vif.addresses.filter { !$0.isLinkLocal }, milliseconds: 10_000))
            bench.receive(try echoRequest(from: "2001:db8:b::1", to: "2001:db8:a::9"), from: 7)
            #expect(try bench.run { bench.client.packet(icmpType: 129) != nil })
        }
    }

    @Test("C24: MTU and addresses are followed, a missing address is reported and not put back")
    func administrator() throws {
        try inFreshNetwork {
            let bench = try Self.tunBench()
            let netlink = try Netlink()
            let index = try netlink.index(of: "vmesh0")
            try netlink.setMTU(index, 1300)
            #expect(try bench.run { bench.plane.vifs[0].mtu == 1300 })
            bench.receive(try echoRequest(from: "2001:db8:b::1", to: "2001:db8:a::1", payload: 1253), from: 7)
            #expect(try bench.run { bench.drops(link: 7)[.packetTooBig] == 1 })
            // The worker counts first and answers then.
            #expect(try bench.run { bench.client.packet(icmpType: 2) != nil })
            #expect(bench.client.packet(icmpType: 2).map { Array($0[44..<48]) } == [0, 0, 5, 20])

            try netlink.setUp(index, false)
            #expect(try bench.run { !bench.plane.vifs[0].isUp })
            bench.receive(try echoRequest(from: "2001:db8:b::1", to: "2001:db8:a::1"), from: 7)
            #expect(try bench.run { bench.drops(link: 7)[.vifDown] == 1 })
            try netlink.setUp(index)
            #expect(try bench.run { bench.plane.vifs[0].isUp })

            // Setting down took the address away with it.
            let own = try interfaceAddress("2001:db8:a::1", 32)
            #expect(try bench.run { bench.plane.vifs[0].missingAddresses == [own] })
            try netlink.putAddress(own, on: index)
            #expect(try bench.run { bench.plane.vifs[0].missingAddresses.isEmpty })
        }
    }

    @Test("C16: our own connection to a peer that is routed into the tunnel is dropped, and a dial is warned")
    func recursion() throws {
        try inFreshNetwork {
            let bench = try Self.tunBench()
            let endpoint = try #require(SocketAddress(numeric: "2001:db8:b::5", port: 5120))
            let beside = try #require(SocketAddress(numeric: "2001:db8:b::5", port: 5121))
            bench.plane.publish(
                ForwardingPolicy(
                    links: [LinkFacts(link: 7)], localPrefixes: [try Prefix(parsing: "2001:db8:a::/48")],
                    underlay: [endpoint, try #require(SocketAddress(numeric: "192.0.2.1", port: 5120))]))
            let tunnelled = try StreamSocket.connect(to: endpoint)
            let ordinary = try StreamSocket.connect(to: beside)
            #expect(try bench.run { bench.drops(vif: 0)[.recursion] ?? 0 > 0 })
            #expect(try bench.run { bench.client.packets.contains { $0.bytes[6] == 6 } })
            #expect(bench.client.packets.allSatisfy { $0.bytes[6] != 6 || $0.bytes[42...43] == [0x14, 0x01] })
            #expect(bench.plane.leadsIntoTunnel(endpoint))
            #expect(!bench.plane.leadsIntoTunnel(try #require(SocketAddress(numeric: "2001:db9::1", port: 1))))
            #expect(!bench.plane.leadsIntoTunnel(try #require(SocketAddress(numeric: "192.0.2.1", port: 1))))
            _ = (tunnelled, ordinary)
        }
    }

    @Test("an interface goes and comes at run time; its name is free at once")
    func removal() throws {
        try inFreshNetwork {
            let bench = try Self.tunBench()
            let settings = VifSettings(index: 0, name: "main", kind: .tun(interface: "vmesh0", addresses: [], mtu: nil))
            for _ in 0..<20 {
                bench.plane.remove(0)
                // At once, but for the moment in which a program that another test starts holds a copy of the device,
                // from its fork to its exec.
                #expect(try bench.run { (try? Netlink().index(of: "vmesh0")) == nil })
                try bench.plane.add(settings)
            }
            #expect(throws: PlatformError.self) { try bench.plane.add(settings) }
            bench.plane.remove(0)
            bench.receive(try echoRequest(from: "2001:db8:b::1", to: "2001:db8:a::1"), from: 7)
            #expect(try bench.run { bench.drops(link: 7)[.vifDown] == 1 })
        }
    }

    @Test("an interface that cannot be made takes the others of the same call with it")
    func failedOpen() throws {
        try inFreshNetwork {
            let bench = try PlaneBench()
            #expect(throws: PlatformError.self) {
                try bench.plane.open([
                    VifSettings(index: 0, name: "good", kind: .tun(interface: "vmesh0", addresses: [], mtu: nil)),
                    VifSettings(index: 1, name: "bad", kind: .tun(interface: "lo", addresses: [], mtu: nil)),
                ])
            }
            #expect(bench.plane.vifs.isEmpty)
            #expect(throws: PlatformError.self) { try Netlink().index(of: "vmesh0") }
        }
    }

    @Test("a dummy swallows what it gets and counts it")
    func dummy() throws {
        let bench = try PlaneBench()
        try bench.plane.open([VifSettings(index: 3, name: "none", kind: .dummy)])
        try bench.plane.start()
        bench.plane.publish(ForwardingPolicy(links: [LinkFacts(link: 7)]))
        try bench.route("2001:db8:a::/48", .vif(3))
        try bench.route("2001:db8:b::/48", .link(7))
        for _ in 0..<1000 { bench.receive(try echoRequest(from: "2001:db8:b::1", to: "2001:db8:a::1"), from: 7) }
        #expect(try bench.run { bench.plane.vifs[0].counters.sentPackets == 1000 })
        #expect(bench.plane.vifs[0].mtu == nil)
    }
}
