// Random, damaged and cut-off bytes into everything that reads a peer's bytes.
//
// Two things must hold: nothing traps, and our own reader takes, refuses and understands exactly what SwiftProtobuf
// does. The seed stands in the failure.

import Routing
import Testing

@testable import Wire

@Suite("Wire: hostile input (A14)")
struct HostileInputTests {
    /// Bytes of a kind that changes with `round`.
    private static func input(_ round: Int, _ generator: inout SeededGenerator, _ seeds: [[UInt8]]) -> [UInt8] {
        switch round % 8 {
        case 0, 1: generator.bytes(generator.below(48))
        case 2: Array(seeds[generator.below(seeds.count)].prefix(generator.below(200)))
        case 3, 4: generator.damaged(seeds[generator.below(seeds.count)])
        case 5: PeerMessage.announce(generator.protobuf(depth: 2)).encoded()
        default: generator.protobuf()
        }
    }

    /// Valid messages of every kind.
    private static func seeds(_ generator: inout SeededGenerator) -> [[UInt8]] {
        let us = generator.nodeID()
        let announced = (0..<4).compactMap { _ in generator.announcedRoute(from: us, hops: 1 + generator.below(3)) }
        let messages: [PeerMessage] = [
            .ip(hex("6000000000103a40")), .ping, .pong, .unknown(tag: 64),
            .distributedConfig(SignedConfig(certificate: generator.bytes(20), content: Array("{}".utf8))),
            .channelRequest(type: 0, token: generator.bytes(32)), .channelResponse(type: 0, token: generator.bytes(32)),
        ]
        return messages.map { $0.encoded() }
            + announced.flatMap { AnnouncementEncoder.messages(for: [$0], sender: us, scope: .full) }
    }

    @Test("property: 200,000 buffers of every kind, and nothing traps")
    func neverTraps() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        let seeds = Self.seeds(&generator)
        var understood = 0
        var routes = 0
        var validator = OutboundValidator(sender: generator.nodeID())
        for round in 0..<200_000 {
            let bytes = Self.input(round, &generator, seeds)
            if let message = try? PeerMessage.decode(bytes) {
                understood += 1
                if case .announce(let payload) = message { _ = try? Announcement.decode(payload) { _ in routes += 1 } }
            }
            _ = try? Announcement.decode(bytes) { _ in routes += 1 }
            _ = try? validator.check(bytes)
            var deframer = GRPCDeframer()
            _ = try? deframer.push(bytes)
        }
        // Else the input is so bad that nothing was tried.
        #expect(understood > 20_000, "seed \(seed)")
        #expect(routes > 5_000, "seed \(seed)")
    }

    @Test("property: envelopes are read as SwiftProtobuf reads them, on every input")
    func envelopeAgrees() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        let seeds = Self.seeds(&generator)
        var taken = 0
        for round in 0..<60_000 {
            let bytes = Self.input(round, &generator, seeds)
            let ours = try? bytes.withRawBytes { body throws(WireError) in
                let (tag, payload) = try Envelope.scan(body)
                return (tag, Array(body[payload]))
            }
            let theirs = (try? ProtoMessage(serializedBytes: bytes)).map { ($0.tag, [UInt8]($0.payload)) }
            if theirs != nil { taken += 1 }
            #expect(ours?.0 == theirs?.0 && ours?.1 == theirs?.1, "seed \(seed): \(text(bytes))")
        }
        #expect(taken > 1000 && taken < 59_000, "seed \(seed)")
    }

    @Test("property: routes are read as SwiftProtobuf reads them, but for latencies beyond 32 bits (A7)")
    func routeAgrees() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        let us = generator.nodeID()
        var good = 0
        for round in 0..<30_000 {
            var bytes = generator.protobuf()
            if round % 3 != 0, let announced = generator.announcedRoute(from: us, hops: 1 + generator.below(3)),
                let message = AnnouncementEncoder.messages(for: [announced], sender: us, scope: .partial).first,
                let payload = try? ProtoMessage(serializedBytes: message).payload,
                let encoded = try? ProtoRawAnnouncement(serializedBytes: payload).routes.first
            {
                bytes = round % 3 == 1 ? [UInt8](encoded) : generator.damaged([UInt8](encoded))
            }
            let ours = bytes.withRawBytes { RouteDecoder.decode($0) }
            let theirs = Self.verdict(try? ProtoRoute(serializedBytes: bytes))
            if case .route = ours { good += 1 }
            switch (ours, theirs) {
            case (.malformed(.undecodable, _), .malformed(.undecodable, _)): break
            case (.route(let our), .route(var their)) where our.path.count == their.path.count:
                // What SwiftProtobuf cuts to 32 bits is the highest known latency for us.
                for (index, hop) in our.path.enumerated() where hop.latency == Hop.unknownLatency - 1 {
                    their.path[index] = Hop(id: their.path[index].id, latency: hop.latency)
                }
                #expect(our == their, "seed \(seed): \(text(bytes))")
            default: #expect(ours == theirs, "seed \(seed): \(text(bytes))")
            }
        }
        #expect(good > 10_000, "seed \(seed)")
    }

    /// The rules for a route once more, naively, over what SwiftProtobuf made of it.
    private static func verdict(_ route: ProtoRoute?) -> DecodedRoute {
        guard let route else { return .malformed(reason: .undecodable, prefix: nil) }
        guard let address = IPv6Address(bytes: route.prefix) else {
            return .malformed(reason: .badPrefixBytes, prefix: nil)
        }
        guard let prefix = Prefix(masking: address, length: Int(route.prefixLength)) else {
            return .malformed(reason: .prefixLengthOutOfRange, prefix: nil)
        }
        if prefix.address != address { return .malformed(reason: .hostBitsSet, prefix: prefix) }
        if route.path.isEmpty { return .malformed(reason: .emptyPath, prefix: prefix) }
        var path: [Hop] = []
        for hop in route.path {
            guard let id = NodeID(bytes: hop.id) else { return .malformed(reason: .badHopID, prefix: prefix) }
            if path.last?.id != id { path.append(Hop(id: id, latency: hop.latency)) }
        }
        if path.count > 64 { return .malformed(reason: .pathTooLong, prefix: prefix) }
        if Set(path.map(\.id)).count < path.count { return .malformed(reason: .duplicateHop, prefix: prefix) }
        return .route(AnnouncedRoute(prefix: prefix, path: path, isWithdrawal: route.withdrawn))
    }

    @Test("property: announcements are counted and cut up as SwiftProtobuf does, on every input")
    func announcementAgrees() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<30_000 {
            let bytes = generator.protobuf()
            let ours = try? Announcement.decode(bytes) { _ in }
            let theirs = try? ProtoRawAnnouncement(serializedBytes: bytes)
            #expect(ours?.count == theirs?.routes.count, "seed \(seed): \(text(bytes))")
            #expect(ours?.kind == theirs.map { AnnouncementKind(number: $0.kind) }, "seed \(seed): \(text(bytes))")
        }
    }
}
