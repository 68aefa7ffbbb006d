// Ping, Pong, latency and death.

import Mesh
import Routing
import Testing
import Wire

@Suite("Liveness")
struct LivenessTests {
    private func dialling(_ peer: Int, addresses: [String]? = nil) -> Bench {
        Bench {
            $0.peers = [
                ConfiguredPeer(name: Simulation.name(peer), addresses: addresses ?? ["host\(peer):5120"])
            ]
        }
    }

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

    @Test("D2, D3: a node of ours is asked every second and dead after 3 s without a byte")
    func deathOfOurs() {
        var bench = Bench { $0.tunables.ownDeadAfter = Tunables().ownDeadAfter }
        let link = bench.open(1, software: "vmesh/1.0")
        for _ in 0..<5 {
            #expect(bench.messages(to: link).contains(.ping))
            bench.pass(milliseconds: 5)
            bench.happen(.message(link, .pong))
            bench.pass(milliseconds: 1_000)
        }
        // Hung between two Pongs: 3 s after the last, whatever else was asked in between.
        bench.pass(milliseconds: 1_900)
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
}
