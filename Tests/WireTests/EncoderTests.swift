// What we announce: golden bytes, parts of at most 1 MiB, and the validator that looks at all of it once more.

import Routing
import Testing

@testable import Wire

@Suite("Wire: announcement encoder")
struct AnnouncementEncoderTests {
    static let us = id(0x11)

    private func announced(_ message: [UInt8]) throws -> (AnnouncementInfo, [AnnouncedRoute]) {
        guard case .announce(let payload) = try PeerMessage.decode(message) else { throw WireError.malformedEnvelope }
        var routes: [AnnouncedRoute] = []
        let info = try Announcement.decode(payload) { if case .route(let route) = $0 { routes.append(route) } }
        return (info, routes)
    }

    @Test("golden bytes: a route, a poisoned one, an empty table")
    func golden() throws {
        let prefix = try #require(Prefix(masking: address(0x2001_0DB8_000A_0000), length: 48))
        let ones = String(repeating: "11", count: 32)
        let full = AnnouncedRoute(prefix: prefix, path: [Hop(id: Self.us, latency: 7)])
        #expect(
            AnnouncementEncoder.messages(for: [full], sender: Self.us, scope: .full).map(text)
                == ["0802123f0a3a0a1020010db8000a0000000000000000000010301a240a20\(ones)1007800103"])
        let poison = AnnouncedRoute(prefix: prefix, path: [Hop(id: Self.us, latency: .max)], isWithdrawal: true)
        #expect(
            AnnouncementEncoder.messages(for: [poison], sender: Self.us, scope: .partial).map(text)
                == ["080212460a410a1020010db8000a0000000000000000000010301a280a20\(ones)10ffffffff0fb00101800101"])
        let none: [AnnouncedRoute] = []
        #expect(AnnouncementEncoder.messages(for: none, sender: Self.us, scope: .full).map(text) == ["08021203800103"])
        #expect(AnnouncementEncoder.messages(for: none, sender: Self.us, scope: .partial) == [])
    }

    @Test("routes that a v1 peer would end the session about are left out")
    func refused() throws {
        let prefix = try #require(Prefix(masking: address(0), length: 0))
        var encoder = AnnouncementEncoder(sender: Self.us, scope: .full)
        let long = [Hop(id: Self.us, latency: 0)] + (0..<64).map { Hop(id: id(UInt8($0 + 100)), latency: 0) }
        for path in [
            [], [Hop(id: id(2), latency: 0)], long,
            [Hop(id: Self.us, latency: 0), Hop(id: id(2), latency: 0), Hop(id: Self.us, latency: 0)],
            [Hop(id: Self.us, latency: 0), Hop(id: Self.us, latency: 0)],
        ] {
            let isTaken = encoder.append(AnnouncedRoute(prefix: prefix, path: path))
            #expect(!isTaken)
        }
        let isTaken = encoder.append(AnnouncedRoute(prefix: prefix, path: Array(long.prefix(64))))
        #expect(isTaken)
        #expect(try announced(encoder.finish()[0]).1.count == 1)
    }

    @Test("A20, C17e: 30,000 ten-hop routes go out in parts of at most 1 MiB, the last one marked, all of them there")
    func split() throws {
        var generator = SeededGenerator(seed: 20)
        let tail = (0..<9).map { _ in Hop(id: generator.nodeID(), latency: 5) }
        let sent = try (0..<30_000).map { number in
            AnnouncedRoute(
                prefix: try #require(Prefix(masking: address(0x2001_0DB8_0000_0000 | UInt64(number)), length: 64)),
                path: [Hop(id: Self.us, latency: 3)] + tail)
        }
        let messages = AnnouncementEncoder.messages(for: sent, sender: Self.us, scope: .full)
        #expect(messages.allSatisfy { $0.count <= 1 << 20 })
        // None is needlessly small: but for the last, the next route would not have fitted.
        #expect(messages.dropLast().allSatisfy { $0.count > (1 << 20) - 500 })
        let parts = try messages.map(announced)
        #expect(parts.map(\.0.kind) == Array(repeating: .fullPart, count: parts.count - 1) + [.fullEnd])
        #expect(parts.flatMap(\.1) == sent)
    }

    @Test("C17b: no more than 65,536 routes a message, however small they are")
    func routeLimit() throws {
        let prefix = try #require(Prefix(masking: address(0), length: 0))
        let route = AnnouncedRoute(prefix: prefix, path: [Hop(id: Self.us, latency: 0)])
        var encoder = AnnouncementEncoder(sender: Self.us, scope: .partial, maximumRoutes: 3)
        for _ in 0..<7 { _ = encoder.append(route) }
        let parts = try encoder.finish().map(announced)
        #expect(parts.map(\.0.count) == [3, 3, 1])
        #expect(parts.allSatisfy { $0.0.kind == .partial })
    }

    @Test("a message is filled to its last byte, and not past it")
    func exactSize() throws {
        let prefix = try #require(Prefix(masking: address(0x2001_0DB8_000A_0000), length: 48))
        let route = AnnouncedRoute(prefix: prefix, path: [Hop(id: Self.us, latency: 1)])
        for count in [2, 3, 40, 300, 17_000] {
            let routes = Array(repeating: route, count: count)
            let whole = AnnouncementEncoder.messages(for: routes, sender: Self.us, scope: .full)
            try #require(whole.count == 1)
            for room in -1...1 {
                var encoder = AnnouncementEncoder(
                    sender: Self.us, scope: .full, maximumBytes: whole[0].count + room)
                for route in routes { _ = encoder.append(route) }
                let parts = encoder.finish()
                #expect(parts.allSatisfy { $0.count <= whole[0].count + room })
                // Lengths of lengths are counted as for 1 MiB, so a small message may miss two bytes of its room.
                if room < 0 { #expect(parts.count == 2) } else if count > 300 { #expect(parts.count == 1) }
            }
        }
    }

    @Test("property: what is encoded passes the validator, reads back, and is what SwiftProtobuf would write")
    func property() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        for round in 0..<60 {
            let sent = (0..<generator.below(round == 0 ? 1 : 60)).compactMap { _ in
                generator.announcedRoute(from: Self.us)
            }
            let scope: AnnouncementEncoder.Scope = generator.below(2) == 0 ? .full : .partial
            var encoder = AnnouncementEncoder(sender: Self.us, scope: scope, maximumBytes: 4000)
            let taken = sent.count { encoder.append($0) }
            #expect(taken == sent.count, "seed \(seed)")
            var got: [AnnouncedRoute] = []
            for message in encoder.finish() {
                var validator = OutboundValidator(sender: Self.us)
                #expect(throws: Never.self, "seed \(seed)") { try validator.check(message) }
                got += try announced(message).1
                let again: [UInt8] = try ProtoMessage(serializedBytes: message).serializedBytes()
                #expect(again == message, "seed \(seed)")
                let payload: [UInt8] = [UInt8](try ProtoMessage(serializedBytes: message).payload)
                let rewritten: [UInt8] = try ProtoAnnouncement(serializedBytes: payload).serializedBytes()
                #expect(rewritten == payload, "seed \(seed)")
            }
            #expect(got == sent, "seed \(seed)")
        }
    }
}

@Suite("Wire: outbound validator (W18)")
struct OutboundValidatorTests {
    static let us = [UInt8](repeating: 0x11, count: 32)
    static let other = [UInt8](repeating: 0x22, count: 32)

    private static func announce(_ routes: [[UInt8]]) -> [UInt8] { PeerMessage.announce(payload(routes)).encoded() }

    static let violations: [(String, OutboundViolation, [UInt8])] = {
        let hops = [hop(us, 1), hop(other, 2)]
        let many = [hop(us, 1)] + (0..<64).map { hop([UInt8](repeating: UInt8($0 + 100), count: 32), 1) }
        let small = route(hops: [hop(us, 0)])
        return [
            ("not a message", .undecodable, [0x0F]),
            ("an announcement that is none", .undecodable, hex("0802 1201 0f")),
            ("a route that is none", .undecodable, announce([[0x0F]])),
            ("a config that is none", .undecodable, hex("0805 1201 0f")),
            ("an announcement of more than 1 MiB", .tooLarge, announce(Array(repeating: small, count: (1 << 20) / 50))),
            (
                "a packet of more than 4 MiB", .tooLarge,
                PeerMessage.ip([UInt8](repeating: 0x60, count: 4 << 20)).encoded()
            ),
            ("a Pong that nobody asked for", .unsolicitedPong, PeerMessage.pong.encoded()),
            ("15 bytes of prefix", .badPrefixBytes, announce([route(prefix: Array(us.prefix(15)), hops: hops)])),
            ("no prefix", .badPrefixBytes, announce([route(prefix: [], length: 0, hops: hops)])),
            ("length 129", .prefixLengthOutOfRange, announce([route(length: 129, hops: hops)])),
            ("length 2^32+48", .prefixLengthOutOfRange, announce([route(length: (1 << 32) + 48, hops: hops)])),
            ("host bits", .hostBitsSet, announce([route(length: 46, hops: hops)])),
            ("no path", .emptyPath, announce([route(hops: [])])),
            ("an id of 31 bytes", .badHopID, announce([route(hops: hops + [hop(Array(us.dropLast()), 1)])])),
            ("a hop without id", .badHopID, announce([route(hops: [[]])])),
            ("another's id first", .foreignFirstHop, announce([route(hops: [hop(other, 1)])])),
            ("an id twice in a row", .repeatedHop, announce([route(hops: [hop(us, 1)] + hops)])),
            ("an id twice", .repeatedHop, announce([route(hops: hops + [hop(us, 1)])])),
            ("65 hops", .pathTooLong, announce([route(hops: many)])),
            ("65,537 routes, whatever they are", .tooManyRoutes, announce(Array(repeating: [], count: 65_537))),
        ]
    }()

    @Test("each rule has a message that fails it, the bad route last", arguments: violations.indices)
    func violation(index: Int) {
        let (name, violation, message) = Self.violations[index]
        var validator = OutboundValidator(sender: id(0x11))
        let error = #expect(throws: OutboundViolation.self, "\(name)") { try validator.check(message) }
        #expect(error == violation, "\(name)")
    }

    @Test("every rule has a row")
    func complete() { #expect(Set(Self.violations.map(\.1)) == Set(OutboundViolation.allCases)) }

    @Test("one Pong for each Ping, and not one more (A18)")
    func pongs() throws {
        var validator = OutboundValidator(sender: id(0x11))
        validator.notePing()
        validator.notePing()
        try validator.check(PeerMessage.pong.encoded())
        try validator.check(PeerMessage.pong.encoded())
        #expect(throws: OutboundViolation.unsolicitedPong) { try validator.check(PeerMessage.pong.encoded()) }
    }

    @Test("what v1 ignores or takes passes")
    func passes() throws {
        var validator = OutboundValidator(sender: id(0x11))
        for message in [
            .invalid, .ip([0x60]), .ping, .unknown(tag: 64), .announce([]),
            .distributedConfig(SignedConfig(certificate: [1], content: [UInt8](repeating: 0x20, count: 1 << 20))),
            .channelRequest(type: 0, token: Self.us), .channelResponse(type: 0, token: Self.us),
        ] as [PeerMessage] { try validator.check(message.encoded()) }
    }
}
