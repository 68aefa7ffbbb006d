// Routes to announcements that every v1 node can read.
//
// A Go peer takes at most 4 MiB a message and 65,536 routes; past that it ends the session (W18, W22, A20). v1 adds up
// what comes in several messages, so a table goes out in parts of at most 1 MiB. `kind` tells our own nodes where a
// full table ends; an empty full table is therefore a message too.

import Routing

/// Collects routes and makes messages of them. Use once: `append` each route, then `finish`.
package struct AnnouncementEncoder {
    package enum Scope: Sendable {
        /// Some routes; no route, no message.
        case partial
        /// The whole table; always at least one message, the last of them marked as the end.
        case full
    }

    /// Bytes of one encoded `Message` at most.
    package static let maximumBytes = 1 << 20

    private let sender: NodeID
    private let scope: Scope
    private let maximumBytes: Int
    private let maximumRoutes: Int
    private var current = ProtobufWriter()
    private var currentCount = 0
    private var messages: [[UInt8]] = []

    /// Tag and length around the payload, and the field `kind` in it.
    private static let overhead = 6 + 3

    /// - Parameters:
    ///   - sender: our own id, which every path must begin with.
    ///   - maximumBytes: of one `Message`; at most 1 MiB, smaller for a peer that asks for less. A route that does not
    ///     fit alone still gets a message of its own, of at most about 3 KiB.
    package init(
        sender: NodeID, scope: Scope, maximumBytes: Int = AnnouncementEncoder.maximumBytes,
        maximumRoutes: Int = Announcement.maximumRoutes
    ) {
        self.sender = sender
        self.scope = scope
        self.maximumBytes = min(maximumBytes, Self.maximumBytes)
        self.maximumRoutes = min(max(1, maximumRoutes), Announcement.maximumRoutes)
    }

    /// Adds a route. False, and nothing added, for one that a v1 peer would end the session about or that nobody
    /// would take: no path, one that does not begin with us, one with an id twice or with more than 64 hops.
    package mutating func append(_ route: AnnouncedRoute) -> Bool {
        guard route.path.first?.id == sender, route.path.count <= AnnouncedRoute.maximumHops,
            !Self.hasDuplicate(route.path)
        else { return false }
        let count = Self.size(of: route)
        let whole = count + 1 + ProtobufWriter.size(of: UInt64(count))
        if currentCount > 0,
            currentCount == maximumRoutes || current.bytes.count + whole + Self.overhead > maximumBytes
        {
            close(as: scope == .full ? .fullPart : .partial)
        }
        current.header(1, count: count)
        Self.write(route, to: &current)
        currentCount += 1
        return true
    }

    /// The encoded `Message`s, to be sent in this order.
    package consuming func finish() -> [[UInt8]] {
        switch scope {
        case .partial: if currentCount > 0 { close(as: .partial) }
        case .full: close(as: .fullEnd)
        }
        return messages
    }

    /// All messages for some routes at once; routes that `append` refuses are left out.
    package static func messages(
        for routes: some Sequence<AnnouncedRoute>, sender: NodeID, scope: Scope
    ) -> [[UInt8]] {
        var encoder = AnnouncementEncoder(sender: sender, scope: scope)
        for route in routes { _ = encoder.append(route) }
        return encoder.finish()
    }

    private mutating func close(as kind: AnnouncementKind) {
        current.field(16, kind.number)
        messages.append(Envelope.message(tag: PeerMessage.Tag.announce, payload: current.bytes))
        current = ProtobufWriter()
        currentCount = 0
    }

    /// At most 64 ids, so that comparing each with each is quicker than a set.
    private static func hasDuplicate(_ path: [Hop]) -> Bool {
        path.indices.contains(where: { index in path[..<index].contains { $0.id == path[index].id } })
    }

    // MARK: Bytes of a route

    private static func size(of hop: Hop) -> Int { 34 + numberSize(UInt64(hop.latency)) }

    private static func size(of route: AnnouncedRoute) -> Int {
        // A hop has at most 40 bytes, so its length takes one.
        route.path.reduce(18 + numberSize(UInt64(route.prefix.length)) + (route.isWithdrawal ? 3 : 0)) {
            $0 + 2 + size(of: $1)
        }
    }

    private static func numberSize(_ value: UInt64) -> Int { value == 0 ? 0 : 1 + ProtobufWriter.size(of: value) }

    private static func write(_ route: AnnouncedRoute, to writer: inout ProtobufWriter) {
        writer.header(1, count: 16)
        writer.append(route.prefix.address.high)
        writer.append(route.prefix.address.low)
        writer.field(2, UInt64(route.prefix.length))
        for hop in route.path {
            writer.header(3, count: size(of: hop))
            writer.header(1, count: 32)
            writer.append(hop.id.words.0)
            writer.append(hop.id.words.1)
            writer.append(hop.id.words.2)
            writer.append(hop.id.words.3)
            writer.field(2, UInt64(hop.latency))
        }
        if route.isWithdrawal { writer.field(22, 1) }
    }
}
