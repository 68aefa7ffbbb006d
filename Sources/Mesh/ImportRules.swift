// What may be accepted from whom (A1, A3–A6, A11, A12, W7, W8, W26).
//
// Rules that hold for everybody come first: the path, addresses that are never routed, our own prefixes. Then the lists:
// an internal peer with an entry in the signed policy is held to it, one without is allowed all but very short prefixes;
// an external peer without a list of its own is allowed nothing (RFC 8212).
import Routing
import Wire

/// The rules for one session, looked up once for all routes of a message.
struct ImportRules {
    let ourID: NodeID
    let isInternal: Bool
    let acceptsDefault: Bool
    /// See `Node.importList`.
    let list: [PrefixPolicy.Entry]?
}

extension Node {
    func importRules(for session: Session) -> ImportRules {
        let configured = peerRecords[session.peer]?.configuration
        return ImportRules(
            ourID: session.ourID, isInternal: session.info.trust == .internalCA,
            acceptsDefault: configured?.acceptsDefault ?? false, list: importList(for: session, configured))
    }

    /// Why a route may not be used; nil: it may.
    func rejection(of prefix: Prefix, ids hops: [Hop], by rules: ImportRules) -> RouteReason? {
        if hops.contains(where: { isOurs($0.id) || $0.id == rules.ourID }) { return .ownIDInPath }
        if Martians.contain(prefix) { return .martianPrefix }
        if configuration.localRoutes[prefix] != nil { return .ownPrefix }
        let covering = localPrefix(covering: prefix)
        if let list = rules.list {
            switch PrefixPolicy.verdict(prefix, in: list) {
            case .notWhitelisted: return .notWhitelisted
            case .maximumLengthExceeded: return .maximumLengthExceeded
            case .allowed: break
            }
            // A wide grant is not a grant of what is ours; one that lies inside our own prefix is meant so (A12, C9).
            if let covering {
                let isMeant = list.contains { entry in
                    covering.covers(entry.prefix) && PrefixPolicy.verdict(prefix, in: [entry]) == .allowed
                }
                return isMeant ? nil : .insideLocalPrefix
            }
            return nil
        }
        if !rules.isInternal { return .externalNotAllowed }
        if covering != nil { return .insideLocalPrefix }
        if prefix.length < 16, !rules.acceptsDefault { return .defaultOrShort }
        return nil
    }

    /// The list that a peer is held to; nil: none is written.
    func importList(for session: Session, _ configured: ConfiguredPeer?) -> [PrefixPolicy.Entry]? {
        let policy = configKeeper.policy
        guard session.info.trust != .internalCA else {
            let list = session.info.name.isEmpty ? nil : policy.entries(for: session.info.name)
            return list ?? (configKeeper.content.isDefaultDeny ? [] : nil)
        }
        if let known = configKeeper.content.external[session.info.id] {
            return known.imports.map(PrefixPolicy.Entry.init)
        }
        if let list = policy.entries(for: "sha256:\(session.info.id)") { return list }
        if let name = externalCommonName(session.info), let list = policy.entries(for: name) { return list }
        return configured?.importList
    }

    /// Our own prefix that covers another one, itself excepted.
    private func localPrefix(covering prefix: Prefix) -> Prefix? {
        for length in localLengths where length < prefix.length {
            if let candidate = Prefix(masking: prefix.address, length: length),
                configuration.localRoutes[candidate] != nil
            {
                return candidate
            }
        }
        return nil
    }

    /// Accepted routes that a peer may have.
    func limit(of configured: ConfiguredPeer?) -> Int {
        min(tunables.hardMaximumPrefixes, max(0, configured?.maximumPrefixes ?? tunables.maximumPrefixes))
    }

    /// Holds all that was received against the rules as they are now.
    mutating func judgeAgain(only link: LinkID? = nil) {
        // The rules read the node, the RIB is written: judge by a copy that shares everything but the RIB.
        var rib = self.rib
        self.rib = RIB(hysteresis: 0)
        var rules: [LinkID: ImportRules] = [:]
        for session in sessions where link == nil || session.link == link {
            rules[session.link] = importRules(for: session)
        }
        rib.judgeAgain(only: link) { prefix, link, path in
            rules[link].flatMap { rejection(of: prefix, ids: path.hops, by: $0) }
        }
        self.rib = rib
    }

    /// Whether a peer may be told a route that is not our own (W26): an internal one always, an external one what its
    /// export list names.
    func mayExport(_ prefix: Prefix, to session: Session) -> Bool {
        if session.info.trust == .internalCA { return true }
        let signed = configKeeper.content.external[session.info.id]?.exports.map(PrefixPolicy.Entry.init)
        guard let list = signed ?? peerRecords[session.peer]?.configuration?.exportList else { return false }
        return PrefixPolicy.verdict(prefix, in: list) == .allowed
    }
}

extension PrefixPolicy.Entry {
    /// The same grant as the policy's reader has it.
    init(_ entry: PolicyEntry) { self.init(prefix: entry.prefix, maximumLength: entry.maximumLength) }
}

/// Addresses that no route may lead to (A11).
enum Martians {
    private static let ranges: [Prefix] = [
        Prefix(masking: IPv6Address(high: 0xfe80 << 48, low: 0), length: 10),
        Prefix(masking: IPv6Address(high: 0xff00 << 48, low: 0), length: 8),
        Prefix(masking: IPv6Address(high: 0, low: 0), length: 128),
        Prefix(masking: IPv6Address(high: 0, low: 1), length: 128),
        Prefix(masking: IPv6Address(high: 0, low: 0xffff_0000_0000), length: 96),
    ].compactMap { $0 }

    /// Whether a prefix lies in one of them.
    static func contain(_ prefix: Prefix) -> Bool { ranges.contains { $0.covers(prefix) } }
}
