// Whole meshes: loops, lifetimes, reachability and sameness, under random cuts and heals.

import Mesh
import Routing
import Testing
import Wire

@Suite("Meshes under a virtual clock")
struct ConvergenceTests {
    /// A mesh of our nodes; those below `origins` announce a prefix.
    static func mesh(
        _ topology: Topology, seed: UInt64, origins: Int, both: Bool = false
    ) -> Simulation {
        Simulation(
            topology, seed: seed,
            member: { node, configuration in
                Node(configuration: configuration, seed: seed &+ UInt64(node), now: Instant(microseconds: 0))
            },
            peersOfBoth: both,
            adjust: { configuration, node in
                if node < origins { configuration.localRoutes = [Simulation.prefix(node): .vif(0)] }
                // Fewer Pings than in the field: with hundreds of nodes they are most of what there is to simulate.
                configuration.tunables.pingInterval = 10_000
                configuration.tunables.ownPingInterval = 10_000
                configuration.tunables.ownDeadAfter = 45_000
            })
    }

    /// Counts forwarding loops that appear, and checks what must hold at every instant.
    final class Watch {
        var loops: [String] = []
        var checks = 0
        init(_ simulation: Simulation) {
            simulation.onChange = { [self] simulation, node, prefix in
                checks += 1
                let walk = simulation.follow(prefix, from: node)
                if walk.isLoop { loops.append("\(simulation.now) \(prefix) \(walk.nodes)") }
                guard let view = (simulation.members[node] as? Node)?.route(prefix)?.selected else { return }
                let ids = view.path.map(\.id)
                #expect(Set(ids).count == ids.count, "I1: a selected path is simple")
                #expect(!ids.contains(Simulation.id(node)), "I1: a selected path is not through ourselves")
                if let expires = view.expires {
                    #expect(expires.microseconds > simulation.now, "a selected route has not outlived its time")
                }
            }
        }
    }

    /// At rest every node of an origin's component reaches it, along the very path that its table shows.
    static func expectRest(_ simulation: Simulation, origins: Int) {
        for origin in 0..<origins {
            let prefix = Simulation.prefix(origin)
            let component = simulation.component(of: origin)
            for node in 0..<simulation.topology.count {
                let walk = simulation.follow(prefix, from: node)
                guard component.contains(node) else {
                    #expect(simulation.fib[node][prefix] == nil, "I9: no way, no route: \(node) to \(origin)")
                    continue
                }
                #expect(walk.isDelivered && walk.nodes.last == origin, "I9: \(node) reaches \(origin): \(walk.nodes)")
                let path = (simulation.members[node] as? Node)?.route(prefix)?.selected?.path.map(\.id) ?? []
                #expect(path == walk.nodes.dropFirst().map(Simulation.id), "I7: what is told is what is walked")
            }
        }
    }

    @Test("C11: a line of three learns, loses and learns again")
    func line() {
        let simulation = Self.mesh(.line(3), seed: 1, origins: 3)
        simulation.start()
        simulation.run(until: 3_000_000)
        Self.expectRest(simulation, origins: 3)
        simulation.cut(0)
        simulation.run(until: 4_000_000)
        Self.expectRest(simulation, origins: 3)
        simulation.heal(0)
        simulation.run(until: 20_000_000)
        Self.expectRest(simulation, origins: 3)
        #expect(simulation.failures.isEmpty)
    }

    /// A trial of random cuts and heals; answers the simulation and what was watched.
    private func trial(_ topology: Topology, seed: UInt64, steps: Int, origins: Int) -> (Simulation, Watch) {
        let simulation = Self.mesh(topology, seed: seed, origins: origins)
        let watch = Watch(simulation)
        simulation.start()
        simulation.run(until: 8_000_000)
        Self.expectRest(simulation, origins: origins)
        for step in 0..<steps {
            simulation.at(8_000_000 + Int64(step) * 200_000) { simulation in
                let edge = Int(simulation.random.next() % UInt64(simulation.topology.edges.count))
                if simulation.isUp[edge] { simulation.cut(edge) } else { simulation.heal(edge) }
            }
        }
        simulation.run(until: simulation.now + Int64(steps) * 200_000 + 1_000_000)
        for edge in simulation.isUp.indices { simulation.heal(edge) }
        simulation.run(until: simulation.now + 15_000_000)
        Self.expectRest(simulation, origins: origins)
        return (simulation, watch)
    }

    @Test("I1, I7–I9, no loop at any instant: 200 nodes, random cuts and heals", arguments: [UInt64(1), 2])
    func churn(seed: UInt64) {
        let (simulation, watch) = trial(.geometric(200, seed: seed), seed: seed, steps: 60, origins: 6)
        #expect(watch.loops.isEmpty, "seed \(seed): \(watch.loops.prefix(3))")
        #expect(watch.checks > 1_000 && simulation.failures.isEmpty)
    }

    @Test("the same in other shapes", arguments: [UInt64(11), 12, 13])
    func shapes(seed: UInt64) {
        for topology in [Topology.ring(20), .clique(8), .geometric(40, neighbours: 3, seed: seed)] {
            let (_, watch) = trial(topology, seed: seed, steps: 60, origins: 5)
            #expect(watch.loops.isEmpty, "seed \(seed): \(watch.loops.prefix(3))")
        }
    }

    @Test("the same seed is the same trace, another seed is another")
    func sameness() {
        func trace(_ seed: UInt64) -> UInt64 {
            trial(.geometric(30, seed: 3), seed: seed, steps: 20, origins: 5).0.trace
        }
        let first = trace(5)
        #expect(first == trace(5))
        #expect(first != trace(6))
    }

    @Test("C11: a withdrawn prefix is gone everywhere at once, without a loop", arguments: [UInt64(1), 2])
    func withdrawal(seed: UInt64) {
        let simulation = Self.mesh(.geometric(100, seed: seed), seed: seed, origins: 3)
        let watch = Watch(simulation)
        simulation.start()
        simulation.run(until: 8_000_000)
        simulation.event(.command(.setLocalRoutes([:]), token: 1), 0)
        simulation.run(until: 9_000_000)
        #expect(simulation.fib.allSatisfy { $0[Simulation.prefix(0)] == nil })
        #expect(watch.loops.isEmpty, "seed \(seed): \(watch.loops.prefix(3))")
    }

    @Test("C19 a, A25: both ends of every edge dial at once: one session an edge within 2 s, the same at both ends")
    func bothDial() {
        let simulation = Self.mesh(.clique(12), seed: 4, origins: 12, both: true)
        simulation.start()
        simulation.run(until: 2_100_000)
        let open = simulation.ends.values.filter(\.isOpen)
        #expect(open.count == 2 * simulation.topology.edges.count)
        #expect(Set(open.map(\.edge)).count == simulation.topology.edges.count)
        Self.expectRest(simulation, origins: 12)
    }

    @Test(
        "W5, W18, W20: among v1 nodes: routes both ways, no session reset, and around a lost node",
        arguments: [UInt64(1), 2])
    func mixed(seed: UInt64) throws {
        let simulation = Simulation(
            .geometric(24, neighbours: 3, seed: seed), seed: seed,
            member: { node, configuration -> any SimMember in
                let now = Instant(microseconds: 0)
                return node % 2 == 0
                    ? Node(configuration: configuration, seed: seed &+ UInt64(node), now: now)
                    : V1Node(configuration: configuration, now: now)
            },
            adjust: { configuration, node in
                if node < 4 { configuration.localRoutes = [Simulation.prefix(node): .vif(0)] }
            })
        simulation.start()
        simulation.run(until: 200_000_000)
        for origin in 0..<4 {
            for node in 0..<24 {
                #expect(simulation.follow(Simulation.prefix(origin), from: node).isDelivered, "\(node) to \(origin)")
            }
        }
        for edge in simulation.topology.edges.indices {
            let ends = simulation.topology.edges[edge]
            if ends.low == 1 || ends.high == 1 { simulation.cut(edge) }
        }
        simulation.run(until: 900_000_000)
        for node in simulation.component(of: 2) {
            #expect(simulation.follow(Simulation.prefix(2), from: node).isDelivered, "\(node)")
        }
        for case let member as V1Node in simulation.members { #expect(member.resets.isEmpty) }
    }
}
