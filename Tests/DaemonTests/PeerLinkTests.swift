// Two ends of a peer link in one process, over loopback: real sockets, TLS and HTTP/2, each end on a reactor of its own that
// the test turns by hand, so that one end can be made deaf. Deadlines are met by telling `tick` a later time; nothing sleeps.

import Testing

@testable import Daemon
@testable import Mesh
@testable import Platform
@testable import Routing
@testable import TLS
@testable import Wire

/// One node's links, and what they reported.
private final class End: LinkSink {
    enum Arrival: Equatable {
        case packet(UInt8)
        case ping
    }

    let reactor: Reactor
    private(set) var links: PeerLinks?
    var opened: [(LinkID, LinkInfo)] = []
    var closed: [(LinkID, LinkEnd)] = []
    var failures: [DialFailure] = []
    var connected: [String] = []
    var writable: [Bool] = []
    var faults: [String] = []
    var refused: [String] = []
    var arrivals: [Arrival] = []
    var retiredLinks = 0
    private(set) var address = ""

    init(_ context: TLSContext, isOwn: @escaping (SocketAddress) -> Bool = { _ in false }) throws {
        reactor = try Reactor()
        let links = try PeerLinks(
            reactor: reactor, context: context, userAgent: "vmesh/test", serverName: nil, sink: self,
            isOwnAddress: isOwn)
        let any = try #require(SocketAddress(numeric: "127.0.0.1", port: 0))
        try links.listen([StreamListener.tcp(any, options: PeerLinks.tcpOptions)])
        address = try #require(links.listenAddresses.first)
        self.links = links
    }

    /// The only link; the test fails where there is another number of them.
    func link() throws -> PeerLink {
        let all = try #require(links).links
        try #require(all.count == 1)
        return try #require(all.values.first)
    }

    func turn(waiting milliseconds: Int64 = 0) throws {
        try reactor.turn(deadline: SystemClock.now() + milliseconds * 1000)
        links?.flush()
    }

    func happened(_ event: Event) {
        switch event {
        case .dialConnected(let peer): connected.append(peer)
        case .dialFailed(_, _, let failure): failures.append(failure)
        case .linkOpened(let number, let info): opened.append((number, info))
        case .linkClosed(let number, let how): closed.append((number, how))
        case .linkWritable(_, let isWritable): writable.append(isWritable)
        case .linkFault(_, let text): faults.append(text)
        case .message(_, .ping): arrivals.append(.ping)
        default: break
        }
    }

    func received(_ packet: UnsafeRawBufferPointer, from link: PeerLink) { arrivals.append(.packet(packet[39])) }
    func refusedHandshake(_ code: String, _ detail: String, from address: SocketAddress) { refused.append(code) }
    func retired(_ link: PeerLink) { retiredLinks += 1 }
    func acceptExhausted(_ code: ErrorCode) {}
    func boundName(ofExternal fingerprint: [UInt8]) -> String? { nil }
}

@Suite("peer links over loopback", .serialized)
struct PeerLinkTests {
    private let pki: TestPKI
    private let a: End
    private let b: End

    init() throws {
        pki = try TestPKI(in: ScratchDirectory())
        try pki.node("a.vnet.example.com", file: "a")
        try pki.node("b.vnet.example.com", file: "b")
        a = try End(pki.context("a"))
        b = try End(pki.context("b"))
    }

    /// Turns both ends, or those given, until `condition` holds; at most 20 s, which only a failing test waits for.
    private func run(_ ends: [End]? = nil, until condition: () -> Bool) throws {
        let end = SystemClock.now() + 20_000_000
        while !condition() {
            try #require(SystemClock.now() < end, "nothing came of it")
            for one in ends ?? [a, b] { try one.turn(waiting: 1) }
        }
    }

    private func connect() throws -> (PeerLink, PeerLink) {
        try #require(a.links).dial(peer: "b.vnet.example.com", address: b.address)
        try run { a.opened.count == 1 && b.opened.count == 1 }
        let (near, far) = (try a.link(), try b.link())
        near.isLive = true
        far.isLive = true
        return (near, far)
    }

    private func packet(_ mark: UInt8, _ length: Int = 1400) -> [UInt8] {
        [0x60] + [UInt8](repeating: 0, count: 38) + [mark] + [UInt8](repeating: 0xEE, count: length - 40)
    }

    private func send(_ packet: [UInt8], on link: PeerLink) { packet.withUnsafeBytes { link.sendPacket($0) } }

    private var ping: [UInt8] { Envelope.message(tag: PeerMessage.Tag.ping, payload: []) }

    @Test("a session comes up, each end knows the other, and both speak")
    func session() throws {
        let (near, far) = try connect()
        #expect(a.connected == ["b.vnet.example.com"])
        let (dialled, accepted) = (a.opened[0].1, b.opened[0].1)
        #expect(dialled.name == "b.vnet.example.com" && dialled.direction == .outbound(configuredPeer: dialled.name))
        #expect(accepted.name == "a.vnet.example.com" && accepted.direction == .inbound)
        #expect(dialled.trust == .internalCA && accepted.trust == .internalCA)
        #expect(accepted.software == "vmesh/test" && near.isOurs && far.isOurs)
        #expect(try #require(b.links).admission.pending == 0, "a peer is no pending handshake")

        #expect(near.send(ping))
        send(packet(7), on: near)
        #expect(far.send(ping))
        send(packet(9), on: far)
        try run { a.arrivals.count == 2 && b.arrivals.count == 2 }
        #expect(b.arrivals == [.ping, .packet(7)] && a.arrivals == [.ping, .packet(9)])
        #expect(near.counters.sentPackets == 1 && near.counters.sentBytes == 1400)
        #expect(near.counters.receivedPackets == 1 && near.counters.receivedBytes == 1400)
    }

    @Test("a packet before the node has named the link live is dropped and counted")
    func notLive() throws {
        let (near, _) = try connect()
        near.isLive = false
        send(packet(1), on: near)
        #expect(near.counters.drops["channel_down"]?.packets == 1)
        #expect(near.queuedPackets == 0)
    }

    @Test("A27: control that comes last goes before the packets that wait; a full data queue drops, control does not")
    func priority() throws {
        let (near, _) = try connect()
        // B is deaf: the kernel and HTTP/2 take what they take, then the queue fills.
        var sent = 0
        while near.counters.drops["queue_full"] == nil {
            send(packet(1), on: near)
            sent += 1
            if sent % 32 == 0 { try a.turn() }
            try #require(sent < 200_000, "the queue never fills")
        }
        let waiting = near.queuedPackets
        let dropped = Int(near.counters.drops["queue_full"]?.packets ?? 0)
        #expect(near.data.count <= PeerLink.Bound.data && waiting > 100)
        #expect(near.send(ping))
        try run { b.arrivals.count == sent - dropped + 1 }
        let place = try #require(b.arrivals.firstIndex(of: .ping))
        // One packet may have been begun.
        #expect(b.arrivals.count - place - 1 >= waiting - 1, "\(place) of \(b.arrivals.count), \(waiting) waited")
    }

    @Test("A15: a reader that does not read: the node is told to hold back, and to go on when it reads again")
    func holdBack() throws {
        let (near, _) = try connect()
        let large = Envelope.message(tag: 99, payload: [UInt8](repeating: 1, count: 60_000))
        var sent = 0
        while a.writable.isEmpty {
            #expect(near.send(large))
            sent += 1
            if sent % 8 == 0 { try a.turn() }
            try #require(sent < 2000, "never held back")
        }
        #expect(a.writable == [false])
        #expect(near.control.count > PeerLink.Bound.controlHigh)
        try run { a.writable.count == 2 }
        #expect(a.writable == [false, true])
        #expect(a.closed.isEmpty && b.faults.isEmpty)
    }

    @Test("A15: a queue over its last bound says so, and holds no more than that")
    func controlBound() throws {
        let (near, _) = try connect()
        let large = [UInt8](repeating: 1, count: 1 << 20)
        var taken = 0
        while near.send(large) {
            taken += 1
            try #require(taken < 10)
        }
        #expect(near.control.count <= PeerLink.Bound.control)
    }

    @Test("A15: nothing could be sent for 30 s: the link is given up, not a moment before")
    func stall() throws {
        let (near, _) = try connect()
        while near.counters.drops["queue_full"] == nil {
            send(packet(1), on: near)
            try a.turn()
        }
        let links = try #require(a.links)
        let deadline = near.lastProgress + 30_000_000
        #expect(near.nextDeadline == deadline)
        links.tick(deadline - 1)
        #expect(a.closed.isEmpty)
        links.tick(deadline)
        #expect(a.closed.first?.1 == .failed("nothing could be sent for 30 s"))
        #expect(a.retiredLinks == 1 && links.links.isEmpty)
    }

    @Test("an idle link has no deadline")
    func idle() throws {
        let (near, far) = try connect()
        try run { !near.hasUnsent && !far.hasUnsent }
        #expect(near.nextDeadline == nil)
        try #require(a.links).tick(.max)
        #expect(a.closed.isEmpty)
    }

    @Test("the one that accepted refuses a second link, and the dialler learns why")
    func duplicate() throws {
        let (_, far) = try connect()
        far.close(.duplicate)
        try run { a.closed.count == 1 && b.closed.count == 1 }
        #expect(a.closed[0].1 == .duplicate)
        #expect(b.closed[0].1 == .local)
    }

    @Test("what waits as control still leaves before the goodbye, packets do not")
    func farewell() throws {
        let (near, _) = try connect()
        #expect(near.send(ping))
        near.close(.shutdown)
        send(packet(1), on: near)
        try run { a.closed.count == 1 && b.closed.count == 1 }
        #expect(b.arrivals == [.ping])
        #expect(a.closed[0].1 == .local && b.closed[0].1 == .remote)
        #expect(near.counters.drops["channel_down"]?.packets == 1)
    }

    @Test("D12: a goodbye to a deaf peer takes a second, not longer")
    func deafFarewell() throws {
        let (near, _) = try connect()
        while near.counters.drops["queue_full"] == nil {
            send(packet(1), on: near)
            try a.turn()
        }
        #expect(near.send([UInt8](repeating: 0, count: 100_000)))
        near.close(.shutdown)
        try a.turn()
        let deadline = try #require(near.deadline)
        #expect(deadline - a.reactor.now <= 1_000_000)
        try #require(a.links).tick(deadline)
        #expect(a.closed.first?.1 == .local)
    }

    @Test("A21: a stranger who says nothing is let go after ten seconds, and counted")
    func handshakeDeadline() throws {
        let links = try #require(b.links)
        let target = try Platform.HostPort(parsing: b.address).numeric
        let stranger = try StreamSocket.connect(to: try #require(target), options: TCPOptions())
        try run([b]) { links.links.count == 1 }
        #expect(links.admission.pending == 1)
        let deadline = try #require(try b.link().nextDeadline)
        #expect(deadline - b.reactor.now <= 10_000_000)
        links.tick(deadline - 1)
        #expect(links.links.count == 1)
        links.tick(deadline)
        #expect(links.links.isEmpty && links.admission.pending == 0)
        #expect(b.refused == ["unreachable"] && b.opened.isEmpty && b.closed.isEmpty)
        stranger.close()
    }

    @Test("A21: the ninth handshake from one network is shed, and a peer's session stays")
    func shed() throws {
        let (near, _) = try connect()
        let links = try #require(b.links)
        let target = try #require(try Platform.HostPort(parsing: b.address).numeric)
        let strangers = try (0..<9).map { _ in try StreamSocket.connect(to: target, options: TCPOptions()) }
        try run([b]) { links.handshakesShed == 1 }
        #expect(links.admission.pending == 8 && links.links.count == 9)
        for stranger in strangers { stranger.close() }
        try run([b]) { links.links.count == 1 }
        #expect(links.admission.pending == 0)
        #expect(near.send(ping))
        try run { b.arrivals == [.ping] }
    }

    @Test("bytes that are no TLS cost the connection and nothing else")
    func garbage() throws {
        let links = try #require(b.links)
        let target = try #require(try Platform.HostPort(parsing: b.address).numeric)
        let stranger = try StreamSocket.connect(to: target, options: TCPOptions())
        #expect(stranger.waitWritable(milliseconds: 5000))
        let text = Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        _ = try text.withUnsafeBytes { try stranger.write($0) }
        try run([b]) { b.refused.count == 1 }
        #expect(links.links.isEmpty)
        _ = try connect()
    }

    @Test("a node of another CA is refused in the handshake, and the dialler is told so")
    func foreign() throws {
        let other = try TestPKI(in: pki.directory, name: "other")
        try other.node("x.vnet.example.com", file: "x")
        let x = try End(other.context("x"))
        try #require(x.links).dial(peer: "b.vnet.example.com", address: b.address)
        try run([x, b]) { x.failures.count == 1 && b.refused.count == 1 }
        #expect(x.failures[0].code == "unknown_ca")
        #expect(b.opened.isEmpty && x.opened.isEmpty)
    }

    @Test("nobody listens; the name has no port; the address is our own (D14)")
    func dialFailures() throws {
        let links = try #require(a.links)
        let any = try #require(SocketAddress(numeric: "127.0.0.1", port: 0))
        let listener = try StreamListener.tcp(any)
        let free = try #require(listener.address)
        listener.closeAndRemove()
        links.dial(peer: "b", address: "\(free)")
        try run([a]) { a.failures.count == 1 }
        links.dial(peer: "b", address: "nonsense")
        #expect(a.failures.count == 2)
        let careful = try End(pki.context("a")) { $0.isLoopback }
        try #require(careful.links).dial(peer: "b", address: b.address)
        try run([careful]) { careful.failures.count == 1 }
        #expect(careful.failures[0].detail.contains("own prefixes"))
        for failure in a.failures + careful.failures { #expect(failure.code == "unreachable") }
    }

    @Test("a dial that is given up leaves nothing behind and reports nothing")
    func cancelled() throws {
        let links = try #require(a.links)
        links.dial(peer: "b.vnet.example.com", address: b.address)
        try run([a]) { links.links.count == 1 }
        links.cancelDial("b.vnet.example.com")
        try run([a]) { links.links.isEmpty }
        #expect(a.failures.isEmpty && a.opened.isEmpty && a.closed.isEmpty)
    }

    @Test("a message that is too large for the protocol ends this session by its rule, not the process")
    func violation() throws {
        let (near, _) = try connect()
        // A length of 4 MiB and a byte, said in a frame's head.
        let head: [UInt8] = [0, 0x00, 0x40, 0x00, 0x01]
        #expect(head.withUnsafeBytes { near.control.append([], $0) } == true)
        near.resume()
        try run { b.faults.count == 1 }
        #expect(b.faults[0].contains("4"), "\(b.faults)")
    }
}
