// Large announcements in parts: together they say what the whole said, and what must not be cut is not.

import Routing
import Testing

@testable import Wire

@Suite("Wire: parts of an announcement")
struct AnnouncementPartsTests {
    /// A route with nothing in it but its number, so that order and completeness show.
    private static func payload(_ count: Int) -> [UInt8] {
        (0..<count).flatMap { number -> [UInt8] in
            var route = ProtobufWriter(capacity: 8)
            route.field(2, UInt64(number % 129))
            return [0x0A, UInt8(route.bytes.count)] + route.bytes
        }
    }

    @Test(
        "G3, A2: the parts are cut between routes, in order, none empty, none above the limit",
        arguments: [(0, 4), (1, 4), (4, 4), (5, 4), (8, 4), (9, 4), (1000, 7), (65_536, 2048)])
    func parts(count: Int, limit: Int) throws {
        let whole = Self.payload(count)
        let parts = Announcement.parts(of: whole, limit: limit)
        #expect(parts.flatMap { $0 } == whole)
        #expect(parts.count == max(1, (count + limit - 1) / limit))
        for part in parts {
            let info = try Announcement.decode(part) { _ in }
            #expect(info.count <= limit)
            #expect(info.kind == .unmarked)
        }
    }

    @Test("what speaks of the message as a whole, cannot be read, or must die as a whole stays whole")
    func uncut() {
        let routes = Self.payload(10)
        let marked = routes + [0x80, 0x01, 0x03]
        let truncated = routes + [0x0A, 0x05, 0x00]
        let tooMany = Self.payload(65_537)
        for whole in [marked, truncated, tooMany] {
            #expect(Announcement.parts(of: whole, limit: 4) == [whole])
        }
    }
}
