// What our nodes add to an announcement, in fields that v1 passes over.
//
//     Announcement { …; repeated bytes causes = 17; repeated bytes tokens = 18; }
//
// `causes` are revealed edge secrets of 16 bytes. The n-th `tokens` belongs to the n-th route: 12 bytes for each hop of
// its path, zeros where there is none. Both are hints: what is malformed is passed over, never the route (A13).
import Routing
import Wire

/// The extension of one announcement.
struct AnnouncementExtension {
    var causes: [EdgeSecret] = []
    /// By route, in the order of the routes; empty for a route without tokens.
    var tokens: [[EdgeToken?]] = []

    static let tokenCount = 12

    // MARK: Reading

    /// Reads a payload that the announcement's decoder has accepted.
    init(payload: [UInt8]) {
        var index = 0
        func varint() -> UInt64? {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 70, by: 7) {
                guard index < payload.count else { return nil }
                let byte = payload[index]
                index += 1
                value |= UInt64(byte & 0x7f) << shift
                if byte & 0x80 == 0 { return value }
            }
            return nil
        }
        while index < payload.count {
            guard let key = varint() else { return }
            switch key & 7 {
            case 0: guard varint() != nil else { return }
            case 1: index += 8
            case 5: index += 4
            case 2:
                guard let length = varint(), length <= UInt64(payload.count - index) else { return }
                let end = index + Int(length)
                read(field: key >> 3, payload[index..<end])
                index = end
            default: return
            }
        }
    }

    private mutating func read(field: UInt64, _ bytes: ArraySlice<UInt8>) {
        switch field {
        case 17:
            guard bytes.count == EdgeSecret.count, causes.count < EdgeKeeper.perMessage else { return }
            causes.append(EdgeSecret(bytes: Array(bytes)))
        case 18:
            let hops = bytes.count / Self.tokenCount
            guard tokens.count < Announcement.maximumRoutes, bytes.count % Self.tokenCount == 0,
                hops <= AnnouncedRoute.maximumHops
            else { return tokens.append([]) }
            tokens.append((0..<hops).map { Self.token(bytes.dropFirst($0 * Self.tokenCount)) })
        default: break
        }
    }

    private static func token(_ bytes: ArraySlice<UInt8>) -> EdgeToken? {
        let high = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let low = bytes.dropFirst(8).prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return high == 0 && low == 0 ? nil : EdgeToken(high: high, low: low)
    }

    // MARK: Writing

    static func append(_ cause: EdgeSecret, to bytes: inout [UInt8]) {
        bytes += [0x8a, 0x01, UInt8(EdgeSecret.count)]
        bytes += cause.bytes
    }

    /// At most 64 tokens.
    static func append(_ tokens: [EdgeToken?], to bytes: inout [UInt8]) {
        let count = tokens.count * tokenCount
        bytes += [0x92, 0x01]
        if count >= 0x80 { bytes.append(UInt8(truncatingIfNeeded: count) | 0x80) }
        bytes.append(UInt8(truncatingIfNeeded: count >= 0x80 ? count >> 7 : count))
        for token in tokens {
            let (high, low) = (token?.high ?? 0, token?.low ?? 0)
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: high >> shift)) }
            for shift in stride(from: 24, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: low >> shift)) }
        }
    }
}

/// Makes announcements with their extension, each well below 1 MiB.
struct AnnouncementWriter {
    private let sender: NodeID
    private let isFull: Bool
    private let causes: [EdgeSecret]
    private var routes: [AnnouncedRoute] = []
    private var extensions: [UInt8] = []
    private var size = 0
    private var messages: [[UInt8]] = []

    /// `isFull`: the whole table; at least one message, the last one marked as the end.
    init(sender: NodeID, isFull: Bool, causes: [EdgeSecret]) {
        self.sender = sender
        self.isFull = isFull
        self.causes = causes
    }

    /// `tokens`: one for each hop of the route's path.
    mutating func append(_ route: AnnouncedRoute, tokens: [EdgeToken?]) {
        size += Self.size(ofPath: route.path.count)
        routes.append(route)
        AnnouncementExtension.append(tokens, to: &extensions)
        if size > Self.largestSize || routes.count >= 60_000 { closeMessage(isEnd: false) }
    }

    /// An upper bound of what a route with a path of so many hops takes, extension included.
    static func size(ofPath count: Int) -> Int { 32 + count * (42 + AnnouncementExtension.tokenCount) }

    /// Bytes of a message. Far below the 1 MiB that W22 allows: a turn says one message to each peer, and while it
    /// writes them nobody else is served (G3).
    static let largestSize = 70_000
    /// From this size on a message is not worth filling up.
    static let fullSize = 64_000

    var isFullMessage: Bool { size > Self.fullSize || !messages.isEmpty }

    /// The messages; `isEnd` false: the whole table goes on in others.
    mutating func finish(isEnd: Bool = true) -> [[UInt8]] {
        if !isEnd {
            if !routes.isEmpty { closeMessage(isEnd: false) }
        } else if isFull || !routes.isEmpty || (messages.isEmpty && !causes.isEmpty) {
            closeMessage(isEnd: true)
        }
        return messages
    }

    private mutating func closeMessage(isEnd: Bool) {
        var payload: [UInt8] = []
        let encoded = AnnouncementEncoder.messages(for: routes, sender: sender, scope: isFull ? .full : .partial)
        if let message = encoded.first,
            let range = try? message.withUnsafeBytes({ bytes throws(WireError) in try Envelope.scan(bytes).payload })
        {
            payload = Array(message[range])
        }
        // Of a field said twice the last counts (protobuf): a part that is not the end, and causes without a route.
        if isFull, !isEnd { payload += [0x80, 0x01, 0x02] }
        if !isFull, payload.isEmpty { payload += [0x80, 0x01, 0x01] }
        for cause in causes { AnnouncementExtension.append(cause, to: &payload) }
        payload += extensions
        messages.append(PeerMessage.announce(payload).encoded())
        routes = []
        extensions = []
        size = 0
    }
}
