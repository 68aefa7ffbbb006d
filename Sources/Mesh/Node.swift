// One node's behaviour as a value: told what happened and what time it is, it answers with what should be done.
import Routing
import Wire

/// A VMesh node. The same events at the same times with the same seed give the same effects, in the same order.
package struct Node: Sendable {
    /// `seed` feeds jitter only.
    package init(configuration: NodeConfiguration, seed: UInt64, now: Instant) {}

    /// What is to be done at the very start (dials, local routes into the FIB). Call once.
    package mutating func start(at now: Instant) -> [Effect] { [] }

    /// What is to be done now that `event` happened.
    package mutating func handle(_ event: Event, at now: Instant) -> [Effect] { [] }

    /// When to send the next `Event.tick`.
    package var nextDeadline: Instant? { nil }

    // MARK: Views

    /// Configured and seen peers, by name.
    package func peers(at now: Instant) -> [PeerView] { [] }
    /// By name (case does not matter) or 64-digit id.
    package func peer(_ key: String, at now: Instant) -> PeerView? { nil }
    /// Routes in the order of their prefixes, after `after`, that `isIncluded`; looks at no more than 100,000.
    package func routes(after: Prefix?, limit: Int, where isIncluded: (RouteView) -> Bool) -> RoutePage {
        RoutePage(routes: [], next: nil)
    }
    package func route(_ prefix: Prefix) -> RouteView? { nil }
    /// Every prefix of the table that covers the address, longest first.
    package func lookup(_ address: IPv6Address) -> [RouteView] { [] }
    /// What the peer of this link was told, or why not, a page.
    package func advertised(to link: LinkID, after: Prefix?, limit: Int) -> (items: [AdvertisedView], next: Prefix?) {
        ([], nil)
    }
    package var counters: NodeCounters { NodeCounters() }
    package var distributedConfig: ConfigView {
        ConfigView(
            current: nil, isExpired: false, adoptedAt: nil, source: nil, held: nil, highWaterMark: nil, warnings: [])
    }
}
