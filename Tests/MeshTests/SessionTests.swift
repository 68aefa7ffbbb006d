// Which links may live, how they are kept alive, when peers are dialled.

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

    // MARK: Liveness

    @Test("Ping at once, then every 2 s, never two in flight")
    func pings() {
        var bench = Bench()
        let link = bench.open(1)
        #expect(bench.messages(to: link).contains(.ping))
        bench.pass(milliseconds: 20_000)
        #expect(!bench.messages(to: link).contains(.ping), "the first is unanswered")
        bench.happen(.message(link, .pong))
        #expect(bench.messages(to: link).filter { $0 == .ping }.count == 1, "the next was due long since")
        bench.pass(milliseconds: 5)
        bench.happen(.message(link, .pong))
        bench.pass(milliseconds: 1_990)
        #expect(!bench.messages(to: link).contains(.ping))
        bench.pass(milliseconds: 5)
        #expect(bench.messages(to: link).filter { $0 == .ping }.count == 1)
    }

    @Test("W6: after 30 s one more Ping, and the ambiguous answer is not measured")
    func ambiguousSample() {
        var bench = Bench { $0.tunables.deadAfter = 100_000 }
        let link = bench.open(1)
        bench.pass(milliseconds: 30_001)
        #expect(bench.messages(to: link).filter { $0 == .ping }.count == 1)
        bench.happen(.message(link, .pong))
        bench.happen(.message(link, .pong))
        #expect(bench.notices.isEmpty, "two were asked for")
        #expect(bench.node.peer(Simulation.name(1), at: bench.now)?.latency.samples == 0)
        bench.pass(milliseconds: 2_000)
        bench.pass(milliseconds: 12)
        bench.happen(.message(link, .pong))
        #expect(bench.node.peer(Simulation.name(1), at: bench.now)?.latency.samples == 1)
    }

    @Test("latency is the mean of the last ten")
    func mean() {
        var bench = Bench()
        let link = bench.open(1)
        for round in 0..<12 {
            bench.pass(milliseconds: round < 2 ? 1_000 : Int64(round))
            bench.happen(.message(link, .pong))
            bench.pass(milliseconds: 2_000 - (round < 2 ? 1_000 : Int64(round)))
        }
        let latency = bench.node.peer(Simulation.name(1), at: bench.now)?.latency
        #expect(latency?.samples == 10)
        #expect(latency?.mean == 6_500)
        #expect(latency?.minimum == 2_000)
    }

    @Test("D2, D16: 45 s without a byte is death, any byte is life; a missing Pong alone is not")
    func death() {
        var bench = Bench()
        let link = bench.open(1)
        bench.pass(milliseconds: 44_000)
        bench.happen(.linkActivity(link))
        bench.pass(milliseconds: 44_900)
        #expect(bench.closes.isEmpty)
        bench.pass(milliseconds: 200)
        #expect(bench.closes == [link: .dead])
    }

    @Test("D10: after hours of suspend everything is out of date at once, and dialled anew")
    func resume() {
        var bench = dialling(1)
        let link = bench.open(1, direction: .outbound(configuredPeer: Simulation.name(1)))
        bench.announce(link, [route("2001:db8:b::/48", (1, 3))])
        bench.now = bench.now.adding(milliseconds: 8 * 3_600_000)
        bench.happen(.tick)
        #expect(bench.closes == [link: .dead])
        #expect(bench.fib == [FIBChange(prefix: prefix("2001:db8:b::/48"), nextHop: nil)])
        bench.pass(milliseconds: 3_000)
        #expect(bench.dials == ["host1:5120"])
    }

    @Test("A17: every Ping is answered once, within 20 a second and 40 at once")
    func pingFlood() {
        var bench = Bench()
        let link = bench.open(1)
        var pongs = 0
        for _ in 0..<100 {
            bench.happen(.message(link, .ping))
            pongs += bench.messages(to: link).filter { $0 == .pong }.count
        }
        #expect(pongs == 40)
        bench.pass(milliseconds: 1_000)
        pongs = 0
        for _ in 0..<100 {
            bench.happen(.message(link, .ping))
            pongs += bench.messages(to: link).filter { $0 == .pong }.count
        }
        #expect(pongs == 20)
    }

    @Test("A18: a Pong that nobody asked for is counted and ignored")
    func unsolicitedPong() {
        var bench = Bench()
        let link = bench.open(1)
        bench.happen(.message(link, .pong))
        bench.happen(.message(link, .pong))
        #expect(bench.notices == [.unsolicitedPong])
        #expect(bench.closes.isEmpty)
        #expect(bench.node.peer(Simulation.name(1), at: bench.now)?.latency.samples == 1)
    }

    // MARK: Dialling

    @Test("dials at once at start; unreachable: 250 ms doubling to 10 s, a fifth of jitter")
    func backoff() {
        var bench = dialling(1)
        #expect(bench.dials == ["host1:5120"])
        for expected in [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000] as [Int64] {
            bench.happen(.dialFailed(peer: Simulation.name(1), address: "host1:5120", .unreachable("no")))
            let start = bench.now
            let retry = bench.node.peer(Simulation.name(1), at: bench.now)?.retryAt
            let wait = retry?.milliseconds(since: start) ?? 0
            #expect(wait >= expected * 4 / 5 && wait <= expected * 6 / 5)
            bench.pass(milliseconds: wait + 1)
            #expect(bench.dials.count == 1)
        }
    }

    @Test("B1, C24: refusals: 1 s doubling to 60 s, one notice a minute")
    func refusals() {
        var bench = dialling(1)
        var notices = 0
        let start = bench.now
        while bench.now.milliseconds(since: start) < 600_000 {
            bench.happen(
                .dialFailed(
                    peer: Simulation.name(1), address: "host1:5120", .authentication(code: "unknown_ca", detail: "no")))
            notices += bench.notices.count
            #expect(bench.node.peer(Simulation.name(1), at: bench.now)?.status == .refused)
            let wait = bench.node.peer(Simulation.name(1), at: bench.now)?.retryAt?.milliseconds(since: bench.now) ?? 0
            #expect(wait >= 800 && wait <= 72_000)
            bench.pass(milliseconds: wait + 1)
            #expect(bench.dials.count == 1)
        }
        #expect(notices >= 5 && notices <= 11)
    }

    @Test("several addresses are tried in turn without a pause, then the pause")
    func addresses() {
        var bench = dialling(1, addresses: ["one:1", "two:2"])
        #expect(bench.dials == ["one:1"])
        bench.happen(.dialFailed(peer: Simulation.name(1), address: "one:1", .unreachable("no")))
        bench.pass(milliseconds: 15)
        #expect(bench.dials == ["two:2"])
        bench.happen(.dialFailed(peer: Simulation.name(1), address: "two:2", .unreachable("no")))
        bench.pass(milliseconds: 100)
        #expect(bench.dials.isEmpty)
        bench.pass(milliseconds: 250)
        #expect(bench.dials == ["one:1"])
    }

    @Test("W20: refused as the second link: 100 s towards v1, a second towards ours; nobody here is dialled")
    func duplicatePause() {
        var bench = dialling(1)
        bench.happen(.dialFailed(peer: Simulation.name(1), address: "host1:5120", .duplicate))
        bench.pass(milliseconds: 79_000)
        #expect(bench.dials.isEmpty)
        let link = bench.open(1, software: Self.ours)
        bench.pass(milliseconds: 30_000)
        #expect(bench.dials.isEmpty, "it is here already")
        bench.happen(.linkClosed(link, .duplicate))
        bench.pass(milliseconds: 1_300)
        #expect(bench.dials == ["host1:5120"])
    }

    @Test("statuses are api.md's words")
    func statuses() {
        var bench = dialling(1)
        func status() -> PeerStatus? { bench.node.peer(Simulation.name(1).uppercased(), at: bench.now)?.status }
        #expect(status() == .connecting)
        bench.happen(.dialConnected(peer: Simulation.name(1)))
        #expect(status() == .handshaking)
        bench.happen(.dialFailed(peer: Simulation.name(1), address: "host1:5120", .unreachable("no")))
        #expect(status() == .backoff)
        let link = bench.open(1)
        #expect(status() == .up)
        var disabled = ConfiguredPeer(name: Simulation.name(1), addresses: ["host1:5120"])
        disabled.isEnabled = false
        bench.happen(.command(.setPeers([disabled]), token: 1))
        #expect(bench.closes == [link: .unconfigured])
        #expect(status() == .disabled)
        disabled.isEnabled = true
        disabled.addresses = []
        bench.happen(.command(.setPeers([disabled]), token: 2))
        #expect(status() == .idle)
        #expect(bench.node.peer(Simulation.id(1).description, at: bench.now)?.name == Simulation.name(1))
    }

    @Test("D12: on shutdown everything told is withdrawn, then every link closed, then no more")
    func shutdown() {
        var bench = Bench { $0.localRoutes = [prefix("2001:db8:a::/48"): .vif(0)] }
        let link = bench.open(1)
        bench.pass(milliseconds: 100)
        bench.happen(.shutdown)
        #expect(bench.announced(to: link).map(\.isWithdrawal) == [true])
        #expect(bench.closes == [link: .shutdown])
        if case .stopped? = bench.effects.last {} else { Issue.record("the last effect is the end") }
        #expect(bench.node.nextDeadline == nil)
    }

    @Test("reset: hard closes, soft tells everything again; unknown peers are named")
    func reset() {
        var bench = Bench { $0.localRoutes = [prefix("2001:db8:a::/48"): .vif(0)] }
        let link = bench.open(1)
        bench.pass(milliseconds: 100)
        bench.happen(.command(.resetPeer(Simulation.name(1), .soft), token: 1))
        #expect(bench.announced(to: link).count == 1)
        bench.happen(.command(.resetPeer("nobody", .hard), token: 2))
        if case .reply(2, .peerNotFound)? = bench.effects.last {} else { Issue.record("peerNotFound") }
        bench.happen(.command(.resetPeer(Simulation.name(1), .hard), token: 3))
        #expect(bench.closes == [link: .reset])
    }
}
