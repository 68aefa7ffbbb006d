// A whole mesh in one process under a virtual clock.
//
// Every node is the real `Node` (or a model of the Go daemon); what it sends is encoded, carried with its edge's delay in
// order, and decoded. An edge can be cut and healed: both ends learn of it by a closed link after a while of their own,
// as with a broken TCP connection. Loss is delay, since it is TCP. The same seed gives the same trace, which is hashed.

import Mesh
import Routing
import Wire

/// What a simulated member of the mesh is.
protocol SimMember {
    mutating func start(at now: Instant) -> [Effect]
    mutating func handle(_ event: Event, at now: Instant) -> [Effect]
    var nextDeadline: Instant? { get }
    /// Whether this member's own software may be told from a v1 node.
    var software: String? { get }
}

extension Node: SimMember {
    var software: String? { "vmesh/test" }
}

/// The mesh.
final class Simulation {
    enum Item {
        case tick(node: Int, order: UInt64)
        case dialled(from: Int, peer: Int)
        case deliver(link: LinkID, bytes: [UInt8])
        case closed(link: LinkID, LinkEnd)
        case action((Simulation) -> Void)
    }

    /// One end of a link.
    struct End {
        var node: Int
        var far: LinkID
        var edge: Int
        var isOpen = true
    }

    let topology: Topology
    var members: [any SimMember]
    private(set) var now: Int64 = 0
    private(set) var heap = EventHeap<Item>()
    var random: SimRandom
    var isUp: [Bool]
    private(set) var ends: [LinkID: End] = [:]
    private var lastLink: LinkID = 0
    private var tickOrders: [UInt64]
    private let edgeNumbers: [[Int]: Int]
    /// What each node forwards by.
    private(set) var fib: [[Prefix: NextHop]]
    private(set) var trace: UInt64 = 0xcbf2_9ce4_8422_2325
    private(set) var messages = 0
    private(set) var notices: [(node: Int, notice: Notice)] = []
    /// Microseconds that an end takes at most to notice that its edge was cut.
    var detection: Int64 = 200_000
    /// Every edge is dialled from both ends.
    var isDialledFromBothEnds = false
    /// Called after each change of a node's forwarding table.
    var onChange: ((Simulation, Int, Prefix) -> Void)?
    var failures: [String] = []

    init(
        _ topology: Topology, seed: UInt64, member: (Int, NodeConfiguration) -> any SimMember,
        peersOfBoth: Bool = false,
        adjust: (inout NodeConfiguration, Int) -> Void = { _, _ in }
    ) {
        self.topology = topology
        random = SimRandom(seed: seed)
        isUp = topology.edges.map { _ in true }
        fib = Array(repeating: [:], count: topology.count)
        tickOrders = Array(repeating: 0, count: topology.count)
        var numbers: [[Int]: Int] = [:]
        for (index, edge) in topology.edges.enumerated() { numbers[[edge.low, edge.high]] = index }
        edgeNumbers = numbers
        members = []
        for node in 0..<topology.count {
            var configuration = NodeConfiguration(
                name: Self.name(node), domain: "mesh.test", id: Self.id(node), wallClock: 1_800_000_000)
            configuration.peers = topology.edges.compactMap { edge in
                if edge.low == node { return Self.peer(edge.high) }
                return peersOfBoth && edge.high == node ? Self.peer(edge.low) : nil
            }
            adjust(&configuration, node)
            members.append(member(node, configuration))
        }
    }

    static func name(_ node: Int) -> String { "n\(node).mesh.test" }
    static func peer(_ node: Int) -> ConfiguredPeer {
        ConfiguredPeer(name: name(node), addresses: ["host\(node):5120"])
    }
    /// Ids in an order of their own, so that the smaller one is not always the smaller number.
    static func id(_ node: Int) -> NodeID {
        var random = SimRandom(seed: UInt64(node) &* 7919 &+ 17)
        return NodeID(bytes: (0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) }) ?? zero
    }
    static let zero = NodeID(words: (0, 0, 0, 0))
    static func prefix(_ node: Int) -> Prefix {
        Prefix(masking: IPv6Address(high: 0x2001_0db8_0000_0000 | UInt64(node) << 16, low: 0), length: 48) ?? anywhere
    }
    static let anywhere = Prefix(address0: 0)

    // MARK: Running

    func start() {
        for node in members.indices {
            heap.push(.action { $0.turn(node) { $0.start(at: $1) } }, at: Int64(random.next() % 100_000))
        }
    }

    func at(_ time: Int64, _ action: @escaping (Simulation) -> Void) { heap.push(.action(action), at: time) }

    func run(until end: Int64) {
        while let next = heap.nextTime, next <= end, let (time, item) = heap.pop() {
            now = time
            perform(item)
        }
        now = max(now, end)
    }

    private func perform(_ item: Item) {
        switch item {
        case .tick(let node, let order):
            if tickOrders[node] == order { event(.tick, node) }
        case .dialled(let from, let peer): dialled(from, peer)
        case .deliver(let link, let bytes):
            guard let end = ends[link], end.isOpen else { return }
            guard let message = try? PeerMessage.decode(bytes) else { return failures.append("undecodable message") }
            event(.message(link, message), end.node)
        case .closed(let link, let why):
            guard let end = ends.removeValue(forKey: link) else { return }
            event(.linkClosed(link, why), end.node)
        case .action(let action): action(self)
        }
    }

    func event(_ event: Event, _ node: Int) { turn(node) { $0.handle(event, at: $1) } }

    private func turn(_ node: Int, _ body: (inout any SimMember, Instant) -> [Effect]) {
        let effects = body(&members[node], Instant(microseconds: now))
        for effect in effects { carryOut(effect, node) }
        tickOrders[node] += 1
        if let deadline = members[node].nextDeadline, deadline.microseconds < .max {
            heap.push(.tick(node: node, order: tickOrders[node]), at: max(now + 1, deadline.microseconds))
        }
    }

    private func note(_ word: UInt64) { trace = (trace ^ word) &* 0x0000_0100_0000_01b3 }

    private func carryOut(_ effect: Effect, _ node: Int) {
        note(UInt64(truncatingIfNeeded: now))
        note(UInt64(node))
        switch effect {
        case .send(let link, let bytes):
            messages += 1
            for byte in bytes { note(UInt64(byte)) }
            guard let end = ends[link], end.isOpen, isUp[end.edge] else { return }
            heap.push(.deliver(link: end.far, bytes: bytes), at: now + topology.edges[end.edge].delay)
        case .dial(_, let address, _):
            guard let peer = Int(address.dropFirst(4).prefix { $0 != ":" }) else { return }
            let edge = edgeNumbers[[min(node, peer), max(node, peer)]]
            let delay = edge.map { topology.edges[$0].delay } ?? 1_000
            heap.push(.dialled(from: node, peer: peer), at: now + 3 * delay)
        case .close(let link, let reason): close(link, reason)
        case .fib(let changes):
            for change in changes { fib[node][change.prefix] = change.nextHop }
            for change in changes { onChange?(self, node, change.prefix) }
        case .notice(let notice): notices.append((node, notice))
        case .linkUp, .cancelDial, .verifyConfig, .persistConfig, .reply, .stopped: break
        }
    }

    private func dialled(_ from: Int, _ peer: Int) {
        guard let edge = edgeNumbers[[min(from, peer), max(from, peer)]], isUp[edge] else {
            event(
                .dialFailed(
                    peer: Self.name(peer), address: "host\(peer):5120", .unreachable("no answer")), from)
            return
        }
        let (near, far) = (lastLink + 1, lastLink + 2)
        lastLink += 2
        ends[near] = End(node: from, far: far, edge: edge)
        ends[far] = End(node: peer, far: near, edge: edge)
        let delay = topology.edges[edge].delay
        heap.push(
            .action { simulation in
                guard simulation.ends[far] != nil else { return }
                simulation.event(
                    .linkOpened(far, simulation.info(from, .inbound, simulation.members[from].software)), peer)
            }, at: now + delay)
        event(
            .linkOpened(near, info(peer, .outbound(configuredPeer: Self.name(peer)), members[peer].software)), from)
    }

    private func info(_ node: Int, _ direction: LinkDirection, _ software: String?) -> LinkInfo {
        LinkInfo(
            id: Self.id(node), name: Self.name(node), trust: .internalCA, direction: direction,
            remoteAddress: "host\(node):\(5120 + (direction == .inbound ? 1 : 0))", certificateNotAfter: .max / 4,
            software: software)
    }

    private func close(_ link: LinkID, _ reason: CloseReason) {
        guard let end = ends[link], end.isOpen else { return }
        ends[link]?.isOpen = false
        heap.push(.closed(link: link, .local), at: now + 1)
        let isDuplicate = reason == .duplicate || reason == .duplicateIdentity
        let delay = topology.edges[end.edge].delay
        heap.push(.closed(link: end.far, isDuplicate ? .duplicate : .remote), at: now + delay)
    }

    // MARK: Breaking things

    func cut(_ edge: Int) {
        guard isUp[edge] else { return }
        isUp[edge] = false
        for link in ends.keys.sorted() where ends[link]?.edge == edge {
            let wait = Int64(random.next() % UInt64(max(1, detection)))
            ends[link]?.isOpen = false
            heap.push(.closed(link: link, .failed("cut")), at: now + 1 + wait)
        }
    }

    func heal(_ edge: Int) { isUp[edge] = true }

    // MARK: Following packets

    /// Where a packet for a prefix goes from a node, by the forwarding tables as they are and the no-return rule.
    func follow(_ prefix: Prefix, from start: Int) -> (nodes: [Int], isLoop: Bool, isDelivered: Bool) {
        var nodes = [start]
        var seen: Set<Int> = [start]
        var previous: Int?
        var node = start
        while let hop = fib[node][prefix] {
            guard case .link(let link) = hop.kind else { return (nodes, false, true) }
            guard let end = ends[link], end.isOpen, let next = ends[end.far]?.node ?? nil, next != previous else {
                break
            }
            nodes.append(next)
            guard seen.insert(next).inserted else { return (nodes, true, false) }
            previous = node
            node = next
        }
        return (nodes, false, false)
    }

    /// The nodes that can reach another over edges that are up.
    func component(of node: Int) -> Set<Int> {
        var seen: Set<Int> = [node]
        var queue = [node]
        while let next = queue.popLast() {
            for (index, edge) in topology.edges.enumerated() where isUp[index] {
                if edge.low == next, seen.insert(edge.high).inserted { queue.append(edge.high) }
                if edge.high == next, seen.insert(edge.low).inserted { queue.append(edge.low) }
            }
        }
        return seen
    }
}

extension NodeID {
    init(words: (UInt64, UInt64, UInt64, UInt64)) {
        let bytes = [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        }
        self = NodeID(bytes: bytes) ?? NodeID(repeating: 0)
    }
    init(repeating byte: UInt8) {
        guard let id = NodeID(bytes: [UInt8](repeating: byte, count: 32)) else {
            preconditionFailure("32 bytes are an id")
        }
        self = id
    }
}

extension Prefix {
    /// ::/0, or another prefix of length 0.
    init(address0 high: UInt64) {
        guard let prefix = Prefix(masking: IPv6Address(high: high, low: 0), length: 0) else {
            preconditionFailure("0 is a length")
        }
        self = prefix
    }
}
