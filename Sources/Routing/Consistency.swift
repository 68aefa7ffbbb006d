// Consistency assertion: what a neighbour says of itself outweighs what others say of it.
//
// Tokens tell of dead edges; they do not tell that a node has left a path of its own will. So when a path leads through
// another neighbour of ours, and that neighbour has lately told us something else of the same prefix, or withdrawn it,
// the path is older than the neighbour's word and is passed over (Pei et al., "Improving BGP convergence through
// consistency assertions", INFOCOM 2002). Only for two seconds after the neighbour's last word: the other may be the
// newer one, and a slow link must not hide a good route.

extension RIB {
    /// Milliseconds for which a neighbour's word outweighs what others say of it.
    static var assertionTime: Int64 { 2_000 }

    /// Whether a neighbour in the middle of a path has lately said something else of the prefix itself.
    func isContradicted(_ candidate: RIBCandidate, _ path: PathTable.Path, in entry: RIBEntry) -> Bool {
        guard entry.candidates.count > 1, path.hops.count > 1 else { return false }
        for word in entry.candidates where word.link != candidate.link {
            guard let link = links[word.link], link.isAsserting else { continue }
            guard now < word.updated.adding(milliseconds: Self.assertionTime) else { continue }
            guard let place = path.hops.firstIndex(where: { $0.id == link.id }), place > 0 else { continue }
            let own = paths[word.path].hops
            guard own.count == path.hops.count - place else { return true }
            for index in own.indices where own[index].id != path.hops[place + index].id { return true }
        }
        return false
    }

    /// A peer whose announcements tell every change at once: its word counts as above.
    package mutating func setAsserting(_ link: UInt32) { links[link]?.isAsserting = true }

    /// A peer says that it has no route any more; remembered for as long as that outweighs what others say.
    package mutating func withdrawAsserted(_ prefix: Prefix, from link: UInt32) {
        guard withdraw(prefix, from: link), links[link]?.isAsserting ?? false, table[prefix] != nil else { return }
        let until = now.adding(milliseconds: Self.assertionTime)
        let path = paths.intern([])
        let isKept = table.modify(prefix) { entry -> Bool in
            guard !entry.candidates.isEmpty else { return false }
            entry.candidates.append(
                RIBCandidate(
                    link: link, round: .max, path: path, rejection: .withdrawn, isStale: false, firstSeen: now,
                    updated: now, expires: until))
            return true
        }
        guard isKept ?? false else { return paths.release(path) }
        noteExpiry(until)
        decide(prefix, loss: nil)
    }
}
