// Paths said once: routes that came by the same way share one stored path, counted, with what selection needs of it.
//
// A peer that announces 100,000 prefixes of one origin names the same few hops in each; kept apart they would be most
// of the table's memory.

/// A stored path's number; meaningful only to the table that gave it.
package struct PathID: Hashable, Sendable {
    fileprivate(set) var index: UInt32
}

/// The interned paths of a RIB.
package struct PathTable: Sendable {
    /// What is known of one path.
    package struct Path: Sendable {
        /// From the announcing peer to the origin.
        package var hops: [Hop]
        /// By edge, empty where the announcer sent none: see `EdgeToken`.
        package var tokens: [EdgeToken?]
        /// The announcer's latency to us, microseconds; nil: not measured (0xFFFFFFFF).
        package var firstLatency: UInt64?
        /// The sum of the other latencies, microseconds, saturating.
        package var rest: UInt64
        /// A hop beyond the first has no measured latency: last resort only (A7).
        package var isLastResort: Bool
        /// A hash of ids and tokens, the same in every process.
        package var identity: UInt64
        /// One of its edges was declared dead.
        package var isDead = false
        fileprivate var references: UInt32 = 0
    }

    private struct Key: Hashable, Sendable {
        var hops: [Hop]
        var tokens: [EdgeToken?]
    }

    private var paths: [Path] = []
    private var free: [UInt32] = []
    private var numbers: [Key: UInt32] = [:]
    private var numbersByToken: [EdgeToken: Set<UInt32>] = [:]
    /// The path of the last call: whole announcements repeat it.
    private var latest: PathID?

    package init() {}

    /// Distinct paths stored.
    package var count: Int { numbers.count }

    package subscript(id: PathID) -> Path { paths[Int(id.index)] }

    /// The number of a path; counts one more user of it. `isDead` tells of a token whether its edge is dead.
    package mutating func intern(
        _ hops: [Hop], tokens: [EdgeToken?] = [], isDead: (EdgeToken) -> Bool = { _ in false }
    ) -> PathID {
        if let latest, paths[Int(latest.index)].references > 0, paths[Int(latest.index)].hops == hops,
            paths[Int(latest.index)].tokens == tokens
        {
            paths[Int(latest.index)].references &+= 1
            return latest
        }
        let key = Key(hops: hops, tokens: tokens)
        let id: PathID
        if let known = numbers[key] {
            id = PathID(index: known)
        } else {
            var path = Path(summing: hops, tokens: tokens)
            path.isDead = tokens.contains { $0.map(isDead) ?? false }
            if let recycled = free.popLast() {
                id = PathID(index: recycled)
                paths[Int(recycled)] = path
            } else {
                id = PathID(index: UInt32(truncatingIfNeeded: paths.count))
                paths.append(path)
            }
            numbers[key] = id.index
            for case let token? in tokens { numbersByToken[token, default: []].insert(id.index) }
        }
        paths[Int(id.index)].references &+= 1
        latest = id
        return id
    }

    /// One user less; the last one takes the path with it.
    package mutating func release(_ id: PathID) {
        let index = Int(id.index)
        guard paths[index].references > 0 else { return }
        paths[index].references -= 1
        guard paths[index].references == 0 else { return }
        numbers[Key(hops: paths[index].hops, tokens: paths[index].tokens)] = nil
        for case let token? in paths[index].tokens {
            numbersByToken[token]?.remove(id.index)
            if numbersByToken[token]?.isEmpty ?? false { numbersByToken[token] = nil }
        }
        paths[index].hops = []
        paths[index].tokens = []
        free.append(id.index)
    }

    /// Marks every path through the token's edge; false if there is none.
    package mutating func markDead(_ token: EdgeToken) -> Bool {
        guard let numbers = numbersByToken[token] else { return false }
        for number in numbers { paths[Int(number)].isDead = true }
        return true
    }
}

extension PathTable.Path {
    /// Adds a path up. Latencies are whole milliseconds on the wire.
    fileprivate init(summing hops: [Hop], tokens: [EdgeToken?]) {
        var rest: UInt64 = 0
        var isLastResort = false
        // FNV-1a over whole words: fast, and the same in every process, unlike `Hasher`.
        var identity: UInt64 = 0xcbf2_9ce4_8422_2325
        for (index, hop) in hops.enumerated() {
            for word in [hop.id.words.0, hop.id.words.1, hop.id.words.2, hop.id.words.3] {
                identity = (identity ^ word) &* 0x0000_0100_0000_01b3
            }
            if index < tokens.count, let token = tokens[index] {
                identity = (identity ^ token.high ^ UInt64(token.low) << 17) &* 0x0000_0100_0000_01b3
            }
            guard index > 0 else { continue }
            if hop.latency == Hop.unknownLatency {
                isLastResort = true
            } else {
                let (sum, overflow) = rest.addingReportingOverflow(UInt64(hop.latency) * 1000)
                rest = overflow ? .max : sum
            }
        }
        let first = hops.first?.latency ?? Hop.unknownLatency
        self.init(
            hops: hops, tokens: tokens, firstLatency: first == Hop.unknownLatency ? nil : UInt64(first) * 1000,
            rest: rest, isLastResort: isLastResort, identity: identity)
    }
}
