// What a node is told at start, and what commands may change later.
import Routing
import Wire

/// Everything that a node knows before anything happens.
package struct NodeConfiguration: Sendable {
    /// Our CommonName, e.g. "a.vnet.example.com".
    package var name: String
    /// What follows the name's first dot.
    package var domain: String
    /// SHA-256 of our leaf's DER.
    package var id: NodeID
    /// Ids that were ours until a short while ago (W19): a path through one is a path through us.
    package var aliases: [NodeID]
    package var localRoutes: [Prefix: LocalRoute]
    package var peers: [ConfiguredPeer]
    package var blocked: Set<NodeID>
    /// The config that was in force when the process ended; trusted as it is, also past its expiry (B14).
    package var storedConfig: VerifiedConfig?
    /// The newest issue time and content hash ever adopted (B11); nothing older is adopted again.
    package var highWaterMark: ConfigMark?
    /// Unix seconds at start.
    package var wallClock: Int64
    package var tunables: Tunables

    package init(
        name: String, domain: String, id: NodeID, aliases: [NodeID] = [], localRoutes: [Prefix: LocalRoute] = [:],
        peers: [ConfiguredPeer] = [], blocked: Set<NodeID> = [], storedConfig: VerifiedConfig? = nil,
        highWaterMark: ConfigMark? = nil, wallClock: Int64, tunables: Tunables = Tunables()
    ) {
        self.name = name
        self.domain = domain
        self.id = id
        self.aliases = aliases
        self.localRoutes = localRoutes
        self.peers = peers
        self.blocked = blocked
        self.storedConfig = storedConfig
        self.highWaterMark = highWaterMark
        self.wallClock = wallClock
        self.tunables = tunables
    }
}

/// Where a prefix of our own leads.
package enum LocalRoute: Hashable, Sendable {
    /// The index of a virtual interface.
    case vif(Int)
    /// Announced, and packets are dropped.
    case discard

    var nextHop: NextHop {
        switch self {
        case .vif(let index): .vif(index)
        case .discard: .discard
        }
    }
}

/// A peer of the configuration.
package struct ConfiguredPeer: Hashable, Sendable {
    /// The CommonName that must answer, or the name that the configuration binds to a pin.
    package var name: String
    /// "host:port", tried in turn; may be empty for a peer that only dials us.
    package var addresses: [String]
    package var isEnabled: Bool
    /// External peers: the prefixes that are accepted; nil: the signed policy decides.
    package var importList: [PrefixPolicy.Entry]?
    /// External peers: the prefixes that are announced beside our own ones.
    package var exportList: [PrefixPolicy.Entry]?
    /// Accepted routes; nil: `Tunables.maximumPrefixes`.
    package var maximumPrefixes: Int?
    /// Admits a default route and prefixes shorter than /16 (A1).
    package var acceptsDefault: Bool
    /// Microseconds that a route through this peer costs at least (A8).
    package var costFloor: UInt64

    package init(
        name: String, addresses: [String], isEnabled: Bool = true, importList: [PrefixPolicy.Entry]? = nil,
        exportList: [PrefixPolicy.Entry]? = nil, maximumPrefixes: Int? = nil, acceptsDefault: Bool = false,
        costFloor: UInt64 = 0
    ) {
        self.name = name
        self.addresses = addresses
        self.isEnabled = isEnabled
        self.importList = importList
        self.exportList = exportList
        self.maximumPrefixes = maximumPrefixes
        self.acceptsDefault = acceptsDefault
        self.costFloor = costFloor
    }
}
