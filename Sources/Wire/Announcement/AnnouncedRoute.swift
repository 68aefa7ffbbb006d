// One route as an announcement names it, and all that can be wrong with it.

import Routing

/// A route that could be read. Martians, loops and policy are not looked at yet.
package struct AnnouncedRoute: Sendable, Equatable {
    package var prefix: Prefix
    /// From the sender on: 1 to 64 hops, no id twice.
    package var path: [Hop]
    /// True if the sender says that it has no path any more. Only our own nodes say so; see `Announcement`.
    package var isWithdrawal: Bool

    /// Hops in a path at most (A6).
    package static let maximumHops = 64
    /// Bytes of an encoded route at most (A6), 64 hops and 512 bytes of extensions several times over.
    package static let maximumBytes = 8 << 10

    package init(prefix: Prefix, path: [Hop], isWithdrawal: Bool = false) {
        self.prefix = prefix
        self.path = path
        self.isWithdrawal = isWithdrawal
    }
}

/// Why one route of an announcement was refused. Where several hold, the first in this order is named.
package enum RouteDefect: String, Sendable, Equatable, CaseIterable {
    /// Not the protobuf `Route`.
    case undecodable
    /// More than `AnnouncedRoute.maximumBytes`.
    case routeTooLarge
    /// The prefix is not exactly 16 bytes.
    case badPrefixBytes
    /// A prefix length beyond 128.
    case prefixLengthOutOfRange
    /// Bits beyond the prefix length are set (W2: in v1 that bypasses every rule about local routes).
    case hostBitsSet
    /// No hop at all.
    case emptyPath
    /// A hop's id is not exactly 32 bytes.
    case badHopID
    /// More than `AnnouncedRoute.maximumHops` hops.
    case pathTooLong
    /// An id stands in the path twice with others between.
    case duplicateHop
}

/// What became of one route of an announcement.
package enum DecodedRoute: Sendable, Equatable {
    case route(AnnouncedRoute)
    /// A route that costs only itself. `prefix` is what it would have been about, for treating it as a withdrawal
    /// (RFC 7606 section 2); after `hostBitsSet` it is what a v1 node would make of it. Nil if that cannot be said.
    case malformed(reason: RouteDefect, prefix: Prefix?)
}
