// Which sources a peer may speak for: what the forwarder's strict check asks of the node (RFC 3704).

import Routing

extension Node {
    /// The prefixes that are accepted from a link now, in order; at most the link's limit of routes.
    package func acceptedPrefixes(of link: LinkID) -> [Prefix] {
        guard rib.counts(of: link).accepted > 0 else { return [] }
        var prefixes: [Prefix] = []
        rib.forEachView { prefix, candidates in
            if candidates.contains(where: { $0.candidate?.link == link && $0.status != .rejected }) {
                prefixes.append(prefix)
            }
            return true
        }
        return prefixes
    }
}
