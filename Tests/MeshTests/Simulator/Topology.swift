// Shapes of meshes to try.

/// Nodes 0..<count and the pairs that are joined, with one-way delays in microseconds.
struct Topology {
    struct Edge: Hashable {
        var low: Int
        var high: Int
        var delay: Int64
    }
    var count: Int
    var edges: [Edge]

    static func line(_ count: Int, delay: Int64 = 5_000) -> Topology {
        Topology(count: count, edges: (1..<count).map { Edge(low: $0 - 1, high: $0, delay: delay) })
    }

    static func ring(_ count: Int, delay: Int64 = 5_000) -> Topology {
        var ring = line(count, delay: delay)
        ring.edges.append(Edge(low: 0, high: count - 1, delay: delay))
        return ring
    }

    static func clique(_ count: Int, delay: Int64 = 5_000) -> Topology {
        var edges: [Edge] = []
        for high in 1..<count { for low in 0..<high { edges.append(Edge(low: low, high: high, delay: delay)) } }
        return Topology(count: count, edges: edges)
    }

    /// Points in a unit square, each joined to its nearest neighbours, and everything to one component.
    static func geometric(_ count: Int, neighbours: Int = 4, seed: UInt64) -> Topology {
        var random = SimRandom(seed: seed)
        let points = (0..<count).map { _ in
            (x: Double.random(in: 0..<1, using: &random), y: Double.random(in: 0..<1, using: &random))
        }
        func distance(_ a: Int, _ b: Int) -> Double {
            let (dx, dy) = (points[a].x - points[b].x, points[a].y - points[b].y)
            return (dx * dx + dy * dy).squareRoot()
        }
        var pairs: Set<[Int]> = []
        for node in 0..<count {
            let near = (0..<count).filter { $0 != node }.sorted { distance(node, $0) < distance(node, $1) }
            for other in near.prefix(neighbours) { pairs.insert([min(node, other), max(node, other)]) }
        }
        // Join components by the shortest pair between them.
        var component = Array(0..<count)
        func root(_ node: Int) -> Int { component[node] == node ? node : root(component[node]) }
        for pair in pairs { component[root(pair[0])] = root(pair[1]) }
        while true {
            let outside = (0..<count).filter { root($0) != root(0) }
            guard !outside.isEmpty else { break }
            var best = (0, outside[0], Double.infinity)
            for inside in 0..<count where root(inside) == root(0) {
                for other in outside where distance(inside, other) < best.2 {
                    best = (inside, other, distance(inside, other))
                }
            }
            pairs.insert([min(best.0, best.1), max(best.0, best.1)])
            component[root(best.1)] = root(best.0)
        }
        let edges = pairs.sorted { ($0[0], $0[1]) < ($1[0], $1[1]) }.map { pair in
            Edge(low: pair[0], high: pair[1], delay: 1_000 + Int64(distance(pair[0], pair[1]) * 60_000))
        }
        return Topology(count: count, edges: edges)
    }
}
