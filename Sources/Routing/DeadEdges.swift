// The edges of which their owner said that they are gone, kept long enough that a late announcement through one is known
// for what it is (protocol-v2 R2, R3).

/// A bounded memory of dead edge tokens: the newest 4,096 of them.
package struct DeadEdges: Sendable {
    private static let capacity = 4096

    private var tokens: Set<EdgeToken> = []
    /// In the order of their coming; a ring once it is full.
    private var order: [EdgeToken] = []
    private var next = 0

    package init() {}

    package func contains(_ token: EdgeToken) -> Bool { tokens.contains(token) }

    /// False if it was known.
    package mutating func insert(_ token: EdgeToken) -> Bool {
        guard tokens.insert(token).inserted else { return false }
        if order.count < Self.capacity {
            order.append(token)
        } else {
            tokens.remove(order[next])
            order[next] = token
            next = (next + 1) % Self.capacity
        }
        return true
    }
}

extension RIB {
    /// An edge is gone: every route through it is passed over from now on. False if that was known.
    package mutating func declareDead(_ token: EdgeToken) -> Bool {
        guard dead.insert(token) else { return false }
        guard paths.markDead(token) else { return true }
        // Only choices that stood on the edge can change: the others lose an alternative that they did not use.
        let paths = paths
        redecide { entry in
            guard case .link(let link) = entry.selection,
                let candidate = entry.candidates.first(where: { $0.link == link })
            else { return false }
            return paths[candidate.path].isDead
        }
        return true
    }
}
