// Reading the RIB: for announcing, for the API, for tests.

extension RIB {
    /// The route chosen for a prefix.
    package struct Chosen: Sendable {
        package var selection: RIBSelection
        /// The path as the next hop announced it; nil for our own announcement.
        package var path: PathTable.Path?
        /// When the candidate expires; nil for our own.
        package var expires: Instant?
    }

    /// What is chosen for a prefix; nil: nothing.
    package func chosen(_ prefix: Prefix) -> Chosen? { table[prefix].flatMap(chosen(in:)) }

    private func chosen(in entry: RIBEntry) -> Chosen? {
        switch entry.selection {
        case .none: return nil
        case .local: return Chosen(selection: .local, path: nil, expires: nil)
        case .link(let link):
            guard let candidate = entry.candidates.first(where: { $0.link == link }) else { return nil }
            return Chosen(selection: .link(link), path: paths[candidate.path], expires: candidate.expires)
        }
    }

    /// Visits the chosen routes after a prefix, in order, until `body` answers false.
    package func forEachChosen(after prefix: Prefix? = nil, _ body: (Prefix, Chosen) -> Bool) {
        table.forEach(after: prefix) { prefix, entry in
            guard let chosen = chosen(in: entry) else { return true }
            return body(prefix, chosen)
        }
    }

    /// Visits every prefix after a prefix with all its candidates, until `body` answers false.
    package func forEachView(after prefix: Prefix? = nil, _ body: (Prefix, [RIBCandidateView]) -> Bool) {
        table.forEach(after: prefix) { prefix, entry in body(prefix, views(of: entry)) }
    }

    /// Every candidate of a prefix with its place in the choice; empty if nothing is known of it.
    package func views(of prefix: Prefix) -> [RIBCandidateView] { table[prefix].map(views(of:)) ?? [] }

    /// The prefixes of the table that cover an address, longest first.
    package func covering(_ address: IPv6Address) -> [Prefix] {
        (0...128).reversed().compactMap { length in
            Prefix(masking: address, length: length).flatMap { table[$0] == nil ? nil : $0 }
        }
    }

    /// The peer of an open link.
    package func id(of link: UInt32) -> NodeID? { links[link]?.id }
}
