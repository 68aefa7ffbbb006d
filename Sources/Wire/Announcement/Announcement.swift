// Announcements as they come in.
//
// A v1 node sends its whole table every 30 s and has no word for "gone". Ours add two fields that v1 ignores:
// `Announcement.kind` tells partial announcements from parts of a full table, and `Route.withdrawn` marks a poisoned
// route for what it is. Routes are first taken as plain bytes, counted, and then decoded one by one, so that a bad one
// costs only itself (RFC 7606's lesson) and too many cost no memory (A2).

import Routing

/// What an announcement is to the table of its sender.
package enum AnnouncementKind: Sendable, Equatable {
    /// From a v1 node, which does not say: a full table, or a part of one.
    case unmarked
    /// Some routes changed; nothing is said about the others.
    case partial
    /// A part of the full table; more follows.
    case fullPart
    /// The last part of the full table: what no part since the last end has named is gone.
    case fullEnd

    /// A number that a later protocol may bring is taken as the one that says least about other routes.
    init(number: UInt32) {
        switch number {
        case 0: self = .unmarked
        case 2: self = .fullPart
        case 3: self = .fullEnd
        default: self = .partial
        }
    }

    var number: UInt64 {
        switch self {
        case .unmarked: 0
        case .partial: 1
        case .fullPart: 2
        case .fullEnd: 3
        }
    }
}

/// What is known about an announcement besides its routes.
package struct AnnouncementInfo: Sendable, Equatable {
    package var kind: AnnouncementKind
    /// Routes in it, malformed ones included.
    package var count: Int
    package var malformedCount: Int

    package init(kind: AnnouncementKind, count: Int, malformedCount: Int) {
        self.kind = kind
        self.count = count
        self.malformedCount = malformedCount
    }
}

/// The reader of announcements.
package struct Announcement {
    private init() {}

    /// Routes in one message at most: v1's limit too.
    package static let maximumRoutes = 65_536

    /// Decodes an announcement's payload and hands over its routes in order.
    ///
    /// Nothing is handed over before the whole message is known to be protobuf with not too many routes; so an
    /// announcement that kills the session changes no table first.
    /// - Throws: `.tooManyRoutes` or `.malformedPayload`: the session dies.
    package static func decode(
        _ payload: UnsafeRawBufferPointer, _ body: (DecodedRoute) -> Void
    ) throws(WireError) -> AnnouncementInfo {
        var info = AnnouncementInfo(kind: .unmarked, count: 0, malformedCount: 0)
        do throws(ProtobufDefect) {
            var reader = ProtobufReader(payload)
            while let field = try reader.next() {
                switch (field.number, field.value) {
                case (1, .bytes): info.count += 1
                case (16, .varint(let value)): info.kind = AnnouncementKind(number: UInt32(truncatingIfNeeded: value))
                default: break
                }
            }
        } catch { throw .malformedPayload(tag: PeerMessage.Tag.announce) }
        guard info.count <= maximumRoutes else { throw .tooManyRoutes }

        do throws(ProtobufDefect) {
            var reader = ProtobufReader(payload)
            while let field = try reader.next() {
                guard case (1, .bytes(let range)) = (field.number, field.value) else { continue }
                let route = RouteDecoder.decode(UnsafeRawBufferPointer(rebasing: payload[range]))
                if case .malformed = route { info.malformedCount += 1 }
                body(route)
            }
        } catch { throw .malformedPayload(tag: PeerMessage.Tag.announce) }
        return info
    }

    /// Decodes a payload in an array.
    package static func decode(
        _ payload: [UInt8], _ body: (DecodedRoute) -> Void
    ) throws(WireError) -> AnnouncementInfo {
        try payload.withRawBytes { bytes throws(WireError) in try decode(bytes, body) }
    }
}
