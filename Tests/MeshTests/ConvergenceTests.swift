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
                configuration.tunables.pingInterval = 10_000
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

    @Test("I7–I9, no loop at any instant: random cuts and heals", arguments: [UInt64(1), 2])
    func churn(seed: UInt64) {
        let origins = 12
        let simulation = Self.mesh(.geometric(200, seed: seed), seed: seed, origins: origins)
        let watch = Watch(simulation)
        simulation.start()
        simulation.run(until: 10_000_000)
        Self.expectRest(simulation, origins: origins)
        for step in 0..<60 {
            simulation.at(10_000_000 + Int64(step) * 200_000) { simulation in
                let edge = Int(simulation.random.next() % UInt64(simulation.topology.edges.count))
                if simulation.isUp[edge] { simulation.cut(edge) } else { simulation.heal(edge) }
            }
        }
        simulation.run(until: 24_000_000)
        for edge in simulation.isUp.indices { simulation.heal(edge) }
        simulation.run(until: 40_000_000)
        Self.expectRest(simulation, origins: origins)
        print("seed \(seed): \(watch.checks) changes, \(watch.loops.count) loops, \(simulation.messages) messages")
        #expect(watch.loops.isEmpty, "seed \(seed): \(watch.loops.prefix(3))")
    }
}
