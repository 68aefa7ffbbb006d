// Which links may live.

import Mesh
import Routing
import Testing
import Wire

@Suite("Sessions")
struct SessionTests {
    private static let ours = "vmesh/0.1"
    /// A peer whose id is below ours, and one above.
    private static let smaller = (0..<64).first { Simulation.id($0) < Bench.own } ?? 0
    private static let larger = (0..<64).first { Bench.own < Simulation.id($0) } ?? 0

    private func dialling(_ peer: Int, addresses: [String]? = nil) -> Bench {
        Bench {
            $0.peers = [
                ConfiguredPeer(name: Simulation.name(peer), addresses: addresses ?? ["host\(peer):5120"])
            ]
        }
    }

    // MARK: Identity

    @Test("B19: the configured name must be the one that answers")
    func nameMismatch() {
        var bench = dialling(1)
        let link = bench.open(2, direction: .outbound(configuredPeer: Simulation.name(1)))
        #expect(bench.closes == [link: .nameMismatch])
        #expect(bench.notices == [.nameMismatch(configured: Simulation.name(1), presented: Simulation.name(2))])
        #expect(bench.node.peer(Simulation.name(1), at: bench.now)?.status == .refused)
    }

    @Test("B6: a member of our CA with the pinned peer's CommonName is not the pinned peer")
    func pinIsByFingerprint() {
        var bench = Bench {
            $0.peers = [
                ConfiguredPeer(
                    name: "x.other.example", addresses: [], importList: [.init(prefix: prefix("2001:db8:b::/48"))])
            ]
        }
        let member = bench.open(3, name: "x.other.example")
        bench.announce(member, [route("2001:db8:b::/48", (3, 1))])
        // It is an internal peer under internal rules; a second one, pinned, is held to the list.
        #expect(bench.node.peer("x.other.example", at: bench.now)?.info?.trust == .internalCA)
    }

    @Test("C19 c: an address that leads to ourselves is refused, and not retried for minutes")
    func ownIdentity() {
        var bench = dialling(1)
        let link = bench.open(1000, name: Simulation.name(1), direction: .outbound(configuredPeer: Simulation.name(1)))
        #expect(bench.closes == [link: .ownIdentity])
        bench.pass(milliseconds: 400_000)
        #expect(bench.dials.isEmpty)
    }

    @Test("a blocked id is refused, and its live link cut")
    func blocked() {
        var bench = Bench()
        let link = bench.open(1)
        bench.happen(.command(.setBlocked([Simulation.id(1)]), token: 1))
        #expect(bench.closes == [link: .blocked])
        let again = bench.open(1)
        #expect(bench.closes == [again: .blocked])
    }

    @Test("B2: a session ends at its certificate's notAfter; a new one is refused")
    func certificateExpiry() {
        var bench = Bench()
        let link = bench.open(1, notAfter: Bench.wall + 60)
        bench.pass(milliseconds: 30_000)
        bench.happen(.linkActivity(link))
        bench.pass(milliseconds: 28_000)
        #expect(bench.node.peer(Simulation.name(1), at: bench.now)?.status == .up)
        bench.pass(milliseconds: 2_100)
        #expect(bench.closes == [link: .certificateExpired])
        let again = bench.open(1, notAfter: Bench.wall + 60)
        #expect(bench.closes == [again: .certificateExpired])
    }

    @Test(
        "D9, C25: a step of the wall clock cuts expired certificates and moves nothing else",
        arguments: [-31_536_000, 3_600])
    func clockStep(seconds: Int64) {
        var bench = Bench()
        let link = bench.open(1, notAfter: Bench.wall + 86_400)
        let before = bench.node.nextDeadline
        bench.happen(.wallClock(unixSeconds: Bench.wall + seconds))
        #expect(bench.closes.isEmpty)
        #expect(bench.node.nextDeadline == before)
        bench.happen(.wallClock(unixSeconds: Bench.wall + 86_401))
        #expect(bench.closes == [link: .certificateExpired])
    }

    // MARK: One link a peer

    @Test(
        "A25, C19 a: of two simultaneous links between ours the one that the smaller id dialled lives",
        arguments: [true, false])
    func simultaneous(outboundFirst: Bool) {
        for peer in [Self.smaller, Self.larger] {
            var bench = dialling(peer)
            let out = LinkDirection.outbound(configuredPeer: Simulation.name(peer))
            let first = bench.open(peer, direction: outboundFirst ? out : .inbound, software: Self.ours)
            let second = bench.open(peer, direction: outboundFirst ? .inbound : out, software: Self.ours)
            let smallerDialled = (peer == Self.larger) == outboundFirst ? first : second
            if smallerDialled == second {
                #expect(bench.closes == [first: .duplicate])
            } else {
                #expect(bench.closes.isEmpty, "the older one is asked first whether it lives")
                bench.happen(.message(first, .pong))
                #expect(bench.closes == [second: .duplicate])
            }
            #expect(bench.node.peer(Simulation.name(peer), at: bench.now)?.link == smallerDialled)
        }
    }

    @Test("A25: towards v1 the first link stays, the second is refused once the first has answered")
    func secondOfV1() {
        var bench = Bench()
        let first = bench.open(1)
        let second = bench.open(1)
        bench.happen(.message(first, .pong))
        #expect(bench.closes == [second: .duplicate])
    }

    @Test("A26, C19 d: a half-open link is replaced after a second of silence, and nothing that was said is lost")
    func halfOpen() {
        var bench = Bench()
        let old = bench.open(1)
        bench.announce(old, [route("2001:db8:c::/48", (1, 3))])
        bench.pass(milliseconds: 5_000)
        let new = bench.open(1)
        bench.announce(new, [route("2001:db8:b::/48", (1, 3))])
        #expect(bench.fib.isEmpty)
        bench.pass(milliseconds: 999)
        #expect(bench.closes.isEmpty)
        bench.pass(milliseconds: 1)
        #expect(bench.closes == [old: .replaced])
        #expect(bench.chosenLink(prefix("2001:db8:b::/48")) == new)
        #expect(bench.route(prefix("2001:db8:c::/48")) == nil)
    }

    @Test("A26: what comes on a waiting link is kept up to the bound")
    func pendingIsBounded() {
        var bench = Bench { $0.tunables.maximumPendingBytes = 10_000 }
        bench.open(1)
        let new = bench.open(1)
        bench.happen(.message(new, .announce([UInt8](repeating: 0, count: 9_000))))
        #expect(bench.closes.isEmpty)
        bench.happen(.message(new, .announce([UInt8](repeating: 0, count: 9_000))))
        #expect(bench.closes == [new: .protocolViolation])
    }

    @Test("B7, C19 b: one certificate on two hosts: the older link stays, an alarm names both, no flip-flop")
    func duplicateIdentity() {
        var bench = Bench()
        let first = bench.open(1, host: "192.0.2.1:40000")
        let second = bench.open(1, host: "192.0.2.2:40000")
        bench.happen(.message(first, .ping))
        #expect(bench.closes == [second: .duplicateIdentity])
        #expect(bench.notices.contains(.duplicateIdentity(kept: "192.0.2.1:40000", refused: "192.0.2.2:40000")))
        // The first falls silent: one change, and within a minute no other.
        let third = bench.open(1, host: "192.0.2.2:40000")
        bench.pass(milliseconds: 1_100)
        #expect(bench.closes == [first: .replaced])
        let fourth = bench.open(1, host: "192.0.2.1:40000")
        bench.pass(milliseconds: 1_100)
        #expect(bench.closes == [fourth: .duplicateIdentity])
        #expect(bench.node.peer(Simulation.name(1), at: bench.now)?.link == third)
    }

    @Test("B16, W19: a renewed certificate is the same node and takes over at once")
    func renewed() {
        var bench = Bench()
        let old = bench.open(1)
        let new = bench.open(2, name: Simulation.name(1))
        #expect(bench.closes == [old: .replaced])
        #expect(bench.node.peer(Simulation.name(1), at: bench.now)?.link == new)
    }
}
