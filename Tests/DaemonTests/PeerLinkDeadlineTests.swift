// What a link's deadlines must not do: end an idle link at its first byte, or hold up the node's end.

import Testing

@testable import Daemon
@testable import Mesh
@testable import Platform
@testable import TLS
@testable import Wire

/// Takes what links report; only openings and ends are kept.
private final class Listener: LinkSink {
    var opened: [LinkID] = []
    var closed: [LinkID] = []
    var failures: [DialFailure] = []

    func happened(_ event: Event) {
        switch event {
        case .linkOpened(let number, _): opened.append(number)
        case .linkClosed(let number, _): closed.append(number)
        case .dialFailed(_, _, let failure): failures.append(failure)
        default: break
        }
    }

    func received(_ packet: UnsafeRawBufferPointer, from link: PeerLink) {}
    func refusedHandshake(_ code: String, _ detail: String, from address: SocketAddress) {}
    func retired(_ link: PeerLink) {}
    func acceptExhausted(_ code: ErrorCode) {}
    func boundName(ofExternal fingerprint: [UInt8]) -> String? { nil }
}

@Suite("deadlines of peer links", .serialized)
struct PeerLinkDeadlineTests {
    private let reactor: Reactor
    private let near = Listener()
    private let far = Listener()
    private let dialling: PeerLinks
    private let listening: PeerLinks
    private let address: String

    init() throws {
        let pki = try TestPKI(in: ScratchDirectory())
        try pki.node("a.vnet.example.com", file: "a")
        try pki.node("b.vnet.example.com", file: "b")
        reactor = try Reactor()
        dialling = try PeerLinks(
            reactor: reactor, context: pki.context("a"), userAgent: "vmesh/test", serverName: nil, sink: near,
            isOwnAddress: { _ in false })
        listening = try PeerLinks(
            reactor: reactor, context: pki.context("b"), userAgent: "vmesh/test", serverName: nil, sink: far,
            isOwnAddress: { _ in false })
        let any = try #require(SocketAddress(numeric: "127.0.0.1", port: 0))
        try listening.listen([StreamListener.tcp(any, options: PeerLinks.tcpOptions)])
        address = try #require(listening.listenAddresses.first)
    }

    private func run(until condition: () -> Bool) throws {
        let end = SystemClock.now() + 20_000_000
        while !condition() {
            try #require(SystemClock.now() < end, "nothing came of it")
            try reactor.turn(deadline: SystemClock.now() + 1000)
            dialling.flush()
            listening.flush()
        }
    }

    @Test("A15: a stall counts from when something waits: an idle link is not ended by its first byte")
    func idleIsNoStall() throws {
        dialling.dial(peer: "b.vnet.example.com", address: address)
        try run { near.opened.count == 1 && far.opened.count == 1 }
        let link = try #require(dialling.links.values.first)
        try run { !link.hasUnsent }
        link.lastProgress = reactor.now - 60_000_000
        #expect(link.send(PeerMessage.ping.encoded()))
        dialling.tick(reactor.now)
        #expect(near.closed.isEmpty)
        #expect(link.nextDeadline == reactor.now + PeerLink.Bound.stall)
    }

    @Test("D12: handshakes under way do not hold up the end, and give their slots back")
    func handshakesAtTheEnd() throws {
        let target = try #require(try Platform.HostPort(parsing: address).numeric)
        let stranger = try StreamSocket.connect(to: target, options: TCPOptions())
        try run { listening.links.count == 1 }
        listening.stopListening()
        #expect(listening.links.isEmpty && listening.admission.pending == 0)
        #expect(far.opened.isEmpty && far.closed.isEmpty)
        stranger.close()
    }

    @Test("B19: one that answers under another name is refused before it takes us for a peer")
    func otherName() throws {
        dialling.dial(peer: "c.vnet.example.com", address: address)
        try run { near.failures.count == 1 && listening.links.isEmpty }
        #expect(near.failures[0].code == CloseReason.nameMismatch.rawValue)
        #expect(near.opened.isEmpty && far.opened.isEmpty && far.closed.isEmpty)
    }
}
