// Announcements from peers: what is taken, what costs a route, what costs the session.

import Routing
import Testing

@testable import Wire

@Suite("Wire: announcements")
struct AnnouncementTests {
    static let x = [UInt8](repeating: 0x11, count: 32)
    static let y = [UInt8](repeating: 0x22, count: 32)
    static let z = [UInt8](repeating: 0x33, count: 32)
    static let a48 = Prefix(masking: address(0x2001_0DB8_000A_0000), length: 48)

    private func good(_ path: [Hop], isWithdrawal: Bool = false) throws -> [DecodedRoute] {
        [.route(AnnouncedRoute(prefix: try #require(Self.a48), path: path, isWithdrawal: isWithdrawal))]
    }

    @Test("C9: the frame of the case, a default route from the node of thirty-two 11s")
    func caseFrame() throws {
        let frame = hex(
            "0802123c0a3a0a100000000000000000000000000000000010001a240a20" + String(repeating: "11", count: 32) + "1001"
        )
        guard case .announce(let payload) = try PeerMessage.decode(frame) else {
            Issue.record("not an announcement")
            return
        }
        let everything = try #require(Prefix(masking: address(0), length: 0))
        let expected = AnnouncedRoute(prefix: everything, path: [Hop(id: id(0x11), latency: 1)])
        #expect(try routes(payload) == [.route(expected)])
        let info = try Announcement.decode(payload) { _ in }
        #expect(info == AnnouncementInfo(kind: .unmarked, count: 1, malformedCount: 0))
    }

    @Test(
        "the kind of an announcement; one that nobody knows says least about other routes",
        arguments: [
            ("", .unmarked), ("800100", .unmarked), ("800101", .partial), ("800102", .fullPart), ("800103", .fullEnd),
            ("800104", .partial), ("8001ffffffff0f", .partial), ("800101 800103", .fullEnd), ("82010103", .unmarked),
        ] as [(String, AnnouncementKind)])
    func kinds(bytes: String, kind: AnnouncementKind) throws {
        let info = try Announcement.decode(hex(bytes)) { _ in }
        #expect(info == AnnouncementInfo(kind: kind, count: 0, malformedCount: 0))
    }

    @Test("a route marked as withdrawn, whatever latency it has for v1's sake")
    func withdrawn() throws {
        let poisoned = route(hops: [hop(Self.x, UInt64(UInt32.max))], more: hex("b00101"))
        let path = [Hop(id: id(0x11), latency: .max)]
        #expect(try routes(payload([poisoned])) == good(path, isWithdrawal: true))
        #expect(
            try routes(payload([route(hops: [hop(Self.x, 1)], more: hex("b00100"))]))
                == good([Hop(id: id(0x11), latency: 1)]))
    }

    @Test(
        "A7: a latency that does not fit 32 bits is the highest that is known, never a low one",
        arguments: [
            (0, 0), (1, 1), (0xFFFF_FFFE, .max - 1), (0xFFFF_FFFF, .max), (0x1_0000_0005, .max - 1),
            (0x1_0000_0000, .max - 1), (UInt64.max, .max - 1),
        ] as [(UInt64, UInt32)])
    func latency(varint: UInt64, latency: UInt32) throws {
        #expect(
            try routes(payload([route(hops: [hop(Self.x, varint)])])) == good([Hop(id: id(0x11), latency: latency)]))
    }

    @Test("A5, W1: consecutive equal ids are one hop, with the latency of the first")
    func collapse() throws {
        let doubled = route(hops: [hop(Self.x, 4), hop(Self.x, 9), hop(Self.x, 7), hop(Self.y, 2)])
        #expect(
            try routes(payload([doubled])) == good([Hop(id: id(0x11), latency: 4), Hop(id: id(0x22), latency: 2)]))
        // 40 hops, each twice: 40 after collapsing, which is within the limit.
        let forty = (0..<40).flatMap { number in
            let hop = hop([UInt8](repeating: UInt8(number + 1), count: 32), 1)
            return [hop, hop]
        }
        #expect(try routes(payload([route(hops: forty)])) == good((1...40).map { Hop(id: id($0), latency: 1) }))
    }

    @Test("A13: fields that nobody knows, or of another type than ours, are passed over")
    func extensions() throws {
        for more in ["8a0103616263", "b0060f", "b2010101", "a20100", "d90101020304050607 08", "9b019c01", "1805"] {
            let odd = route(hops: [hop(Self.x, 1) + hex("820101ff")], more: hex(more))
            #expect(try routes(payload([odd])) == good([Hop(id: id(0x11), latency: 1)]), "\(more)")
        }
    }

    static let defects: [(String, RouteDefect, [UInt8], Bool)] = {
        let hops = [hop(x, 1), hop(y, 2)]
        let many = (0..<65).map { hop([UInt8](repeating: UInt8($0), count: 32), 1) }
        let huge = (0..<10_000).map { number in
            hop((0..<32).map { UInt8(truncatingIfNeeded: number >> ($0 % 2 * 8)) }, 1)
        }
        return [
            ("A3: no path", .emptyPath, route(hops: []), true),
            ("A5: an id again, with others between", .duplicateHop, route(hops: hops + [hop(x, 3)]), true),
            ("A6: an id of 0 bytes", .badHopID, route(hops: [hop(x, 1), hop([], 1)]), true),
            ("A6: an id of 31 bytes", .badHopID, route(hops: [hop(Array(x.dropLast()), 1)]), true),
            ("A6: an id of 33 bytes", .badHopID, route(hops: [hop(x + [1], 1)]), true),
            ("A6: an id of 5000 bytes", .badHopID, route(hops: [hop([UInt8](repeating: 1, count: 5000), 1)]), true),
            ("A6: 65 hops", .pathTooLong, route(hops: many), true),
            (
                "A6: more than 8 KiB", .routeTooLarge,
                route(hops: hops, more: [0x9A, 1, 0x81, 0x40] + [UInt8](repeating: 0, count: 8193)), true
            ),
            ("C17d: 10,000 hops", .routeTooLarge, route(hops: huge), true),
            ("A9: prefix length 129", .prefixLengthOutOfRange, route(length: 129, hops: hops), false),
            ("A9: prefix length 2^32-1", .prefixLengthOutOfRange, route(length: 0xFFFF_FFFF, hops: hops), false),
            ("A9: no prefix", .badPrefixBytes, route(prefix: [], hops: hops), false),
            ("A9: 4 bytes of prefix", .badPrefixBytes, route(prefix: [10, 0, 0, 0], length: 8, hops: hops), false),
            ("A9: 15 bytes of prefix", .badPrefixBytes, route(prefix: Array(x.prefix(15)), hops: hops), false),
            ("A9: 17 bytes of prefix", .badPrefixBytes, route(prefix: Array(x.prefix(17)), hops: hops), false),
            (
                "A10: a bit just past the length", .hostBitsSet,
                route(prefix: hex("20010db8000a8000 0000000000000000"), hops: hops), true
            ),
            (
                "A10: the last bit", .hostBitsSet, route(prefix: hex("20010db8000a0000 0000000000000001"), hops: hops),
                true
            ),
            ("A14: a hop cut short", .undecodable, route(hops: hops, more: [0x1A, 0x05, 0x0A]), true),
            ("A14: a hop that is not protobuf", .undecodable, route(hops: hops, more: [0x1A, 0x01, 0x0F]), true),
            ("A14: not protobuf at all", .undecodable, [0xFF, 0xFF], false),
            (
                "the prefix comes before the path", .hostBitsSet,
                route(prefix: hex("20010db8000a0000 0000000000000001"), hops: []), true
            ),
        ]
    }()

    @Test("each malformed route costs only itself, and names its prefix for a withdrawal", arguments: defects.indices)
    func malformed(index: Int) throws {
        let (name, reason, bytes, hasPrefix) = Self.defects[index]
        let sentinel = route(hops: [hop(Self.z, 7)])
        let expected = try good([Hop(id: id(0x33), latency: 7)])
        let bad = DecodedRoute.malformed(reason: reason, prefix: hasPrefix ? Self.a48 : nil)
        #expect(try routes(payload([sentinel, bytes, sentinel])) == expected + [bad] + expected, "\(name)")
        let info = try Announcement.decode(payload([bytes, bytes])) { _ in }
        #expect(info == AnnouncementInfo(kind: .unmarked, count: 2, malformedCount: 2), "\(name)")
    }

    @Test("every defect has a row")
    func complete() { #expect(Set(Self.defects.map(\.1)) == Set(RouteDefect.allCases)) }

    @Test("A14: groups in a hop are skipped 98 deep, one less than in the route around it")
    func groups() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: 0x4B, count: depth) + Array(repeating: 0x4C, count: depth)
        }
        let expected = try good([Hop(id: id(0x11), latency: 1)])
        let bad = [DecodedRoute.malformed(reason: .undecodable, prefix: Self.a48)]
        #expect(try routes(payload([route(hops: [hop(Self.x, 1) + nested(98)])])) == expected)
        #expect(try routes(payload([route(hops: [hop(Self.x, 1) + nested(99)])])) == bad)
        #expect(try routes(payload([route(hops: [hop(Self.x, 1)], more: nested(99))])) == expected)
        #expect(try routes(payload([route(hops: [hop(Self.x, 1)], more: nested(100))])) == bad)
        for depth in 97...101 {
            let encoded = route(hops: [hop(Self.x, 1) + nested(depth)])
            let isTaken = (try? ProtoRoute(serializedBytes: encoded)) != nil
            #expect(isTaken == (depth <= 98), "SwiftProtobuf itself")
        }
    }

    @Test("A2, C17b: 65,536 routes are read; one more ends the session before any is")
    func count() throws {
        // Two bytes a route: the smallest there is.
        let most = payload(Array(repeating: [], count: 65_536))
        var count = 0
        let info = try Announcement.decode(most) { _ in count += 1 }
        #expect(count == 65_536)
        #expect(info.count == 65_536)
        var decoded = 0
        let error = #expect(throws: WireError.self) { try Announcement.decode(most + [0x0A, 0]) { _ in decoded += 1 } }
        #expect(error == .tooManyRoutes)
        #expect(error?.scope == .session)
        #expect(decoded == 0)
    }

    @Test("A14: an announcement that is not protobuf ends the session, and none of its routes count")
    func notProtobuf() {
        let good = payload([route(hops: [hop(Self.x, 1)])])
        for tail in ["0a", "0a05", "80", "0f", "0c", "8001", "0affffffff0f", "00"] {
            var decoded = 0
            let error = #expect(throws: WireError.self) {
                try Announcement.decode(good + hex(tail)) { _ in decoded += 1 }
            }
            #expect(error == .malformedPayload(tag: 2), "\(tail)")
            #expect(error?.scope == .session)
            #expect(decoded == 0, "\(tail)")
        }
    }
}
