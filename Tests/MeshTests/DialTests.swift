// When peers are dialled, what the API says of them, and how all ends.

import Mesh
import Routing
import Testing
import Wire

@Suite("Dialling and orders")
struct DialTests {
    private static let ours = "vmesh/0.1"

    private func dialling(_ peer: Int, addresses: [String]? = nil) -> Bench {
        Bench {
            $0.peers = [
                ConfiguredPeer(name: Simulation.name(peer), addresses: addresses ?? ["host\(peer):5120"])
            ]
        }
    }

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

    @Test("C39: our own route has the time at which it came to be, and the counts know whom we miss")
    func since() {
        let own = prefix("2001:db8:a::/48")
        var bench = Bench {
            $0.localRoutes = [own: .vif(0)]
            $0.peers = [
                ConfiguredPeer(name: Simulation.name(1), addresses: ["192.0.2.1:1"], isEnabled: true),
                ConfiguredPeer(name: Simulation.name(2), addresses: ["192.0.2.2:1"], isEnabled: false),
            ]
        }
        let start = bench.now
        bench.pass(milliseconds: 5000)
        #expect(bench.node.route(own)?.candidates.map(\.firstSeen) == [start])
        #expect(bench.node.counters.peersDown == 1)
        bench.happen(.command(.setLocalRoutes([own: .discard]), token: 1))
        #expect(bench.node.route(own)?.candidates.map(\.updated) == [bench.now])
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
