// The routing information base: what every peer announced (Adj-RIB-In), kept apart from what was chosen (Loc-RIB).
//
// Routes come in already judged by the node's import rules; the RIB counts them, keeps them with their verdict, chooses,
// and collects the prefixes whose choice changed until `takeChanges` hands them over, once a batch. Rejected routes stay
// (at most 1,024 a peer, the oldest go first), so that the API can say why and a changed filter lets them in at once.
//
// Nothing here is per route on the clock: one bound says when the earliest route may expire, and one walk of the table
// then expires all that are due and finds the next bound.

/// The routes of a node.
package struct RIB: Sendable {
    var table = PrefixTable<RIBEntry>()
    package internal(set) var paths = PathTable()
    var links: [UInt32: RIBLink] = [:]
    var dead = DeadEdges()
    private var changed: [Prefix] = []
    /// Prefixes with a contradicted candidate, and when that must be looked at again; in order of time.
    private var rechecks: [(prefix: Prefix, at: Instant)] = []
    /// The time of this turn.
    package var now = Instant(microseconds: 0)
    /// Microseconds by which another route must at least be better.
    package var hysteresis: UInt64
    private let maximumRejected: Int
    /// Nothing expires before this; nil: nothing is there that could.
    package private(set) var earliestExpiry: Instant?
    /// Selected routes, ours included.
    package private(set) var selectedCount = 0
    package private(set) var localCount = 0

    package init(hysteresis: UInt64, maximumRejected: Int = 1024) {
        self.hysteresis = hysteresis
        self.maximumRejected = maximumRejected
    }

    /// Prefixes with anything known of them.
    package var prefixCount: Int { table.count }
    package var candidateCount: Int { links.values.reduce(localCount) { $0 + $1.accepted + $1.rejected } }
    package var rejectedCount: Int { links.values.reduce(0) { $0 + $1.rejected } }
    package var hasChanges: Bool { !changed.isEmpty }

    // MARK: Links

    /// A session begins: its peer may now be a next hop.
    package mutating func open(link: UInt32, id: NodeID, limit: Int, costFloor: UInt64 = 0) {
        links[link] = RIBLink(id: id, limit: limit, costFloor: costFloor)
    }

    /// A session ended: all that it announced goes at once.
    package mutating func close(link: UInt32) {
        guard let state = links.removeValue(forKey: link), state.accepted + state.rejected > 0 else { return }
        sweepCandidates(loss: .previousPeerDown) { $0.link == link }
    }

    /// The configuration of a link's peer changed. What was refused for the old limit waits for `judgeAgain`.
    package mutating func setLimit(_ limit: Int, costFloor: UInt64, of link: UInt32) {
        guard let state = links[link] else { return }
        links[link]?.limit = limit
        links[link]?.costFloor = costFloor
        if state.costFloor != costFloor { redecide { entry in entry.candidates.contains { $0.link == link } } }
    }

    /// Our own round trip to a link's peer, microseconds, moved enough to choose again.
    package mutating func setLatency(_ latency: UInt64?, of link: UInt32) {
        guard let state = links[link], state.latency != latency else { return }
        links[link]?.latency = latency
        guard state.accepted > 0 else { return }
        redecide { entry in entry.candidates.contains { $0.link == link } }
        noteUnmeasured(link)
    }

    /// Where a chosen path's first hop was told without a latency, ours stands in for it: that is news to others.
    private mutating func noteUnmeasured(_ link: UInt32) {
        var touched: [Prefix] = []
        table.forEach { prefix, entry in
            if entry.selection == .link(link),
                entry.candidates.contains(where: { $0.link == link && paths[$0.path].firstLatency == nil })
            {
                touched.append(prefix)
            }
            return true
        }
        for prefix in touched { decide(prefix, loss: nil, refreshed: .link(link)) }
    }

    /// Routes of a link that are accepted, and that are rejected.
    package func counts(of link: UInt32) -> (accepted: Int, rejected: Int) {
        (links[link]?.accepted ?? 0, links[link]?.rejected ?? 0)
    }

    // MARK: Routes

    /// Our own announcement of a prefix; nil withdraws it.
    package mutating func setLocal(_ prefix: Prefix, _ nextHop: NextHop?) {
        guard nextHop != nil || table[prefix] != nil else { return }
        var delta = 0
        table.modify(prefix, default: RIBEntry()) { entry in
            delta = (nextHop == nil ? 0 : 1) - (entry.local == nil ? 0 : 1)
            entry.local = nextHop
        }
        localCount += delta
        decide(prefix, loss: nil, refreshed: .local)
    }

    /// A route from a peer, already judged; answers why it is rejected, if it is.
    @discardableResult
    package mutating func receive(
        _ route: RIBRoute, from link: UInt32, round: UInt32, at now: Instant, lifetime: Int64
    ) -> RouteReason? {
        guard let state = links[link] else { return nil }
        // Surplus beyond what is kept to be shown costs a look-up and nothing else: a flood of it must not hold up others.
        if route.rejection == nil, state.accepted >= state.limit, state.rejected >= maximumRejected,
            !(table[route.prefix]?.candidates.contains { $0.link == link } ?? false)
        {
            return .prefixLimit
        }
        let path = paths.intern(route.hops, tokens: route.tokens, isDead: dead.contains)
        let expires = now.adding(milliseconds: lifetime)
        var rejection = route.rejection
        var former: RIBCandidate?
        table.modify(route.prefix, default: RIBEntry()) { entry in
            let index = entry.candidates.firstIndex { $0.link == link }
            former = index.map { entry.candidates[$0] }
            // Keep what is there and refuse the surplus (A2).
            let isIn = former.map { $0.rejection == nil } ?? false
            if rejection == nil, !isIn, state.accepted >= state.limit { rejection = .prefixLimit }
            let candidate = RIBCandidate(
                link: link, round: round, path: path, rejection: rejection, isStale: false,
                firstSeen: former?.firstSeen ?? now, updated: former?.path == path ? former?.updated ?? now : now,
                expires: expires)
            if let index { entry.candidates[index] = candidate } else { entry.candidates.append(candidate) }
        }
        if let former { paths.release(former.path) }
        count(former, -1)
        links[link]?.accepted += rejection == nil ? 1 : 0
        links[link]?.rejected += rejection == nil ? 0 : 1
        noteExpiry(expires)
        let isSame = former.map { $0.path == path && $0.rejection == rejection && !$0.isStale } ?? false
        if !isSame { decide(route.prefix, loss: nil, refreshed: .link(link)) }
        if rejection != nil, former?.rejection == nil || former?.rejection == .withdrawn {
            boundRejected(link, adding: route.prefix)
        }
        return rejection
    }

    /// A peer has no route to a prefix any more; false if it had none.
    @discardableResult
    package mutating func withdraw(_ prefix: Prefix, from link: UInt32) -> Bool {
        let removed = table.modify(prefix) { entry -> RIBCandidate? in
            entry.candidates.firstIndex { $0.link == link }.map { entry.candidates.remove(at: $0) }
        }
        guard case let candidate?? = removed else { return false }
        forget(candidate)
        decide(prefix, loss: nil)
        return true
    }

    /// What a link announced before `round` is withdrawn: the end of a marked full announcement.
    package mutating func withdrawUnnamed(from link: UInt32, round: UInt32) {
        sweepCandidates(loss: nil) { $0.link == link && $0.round != round }
    }

    /// What a v1 link announced before `round` is passed over, and expires at `deadline` unless it is named again.
    package mutating func markStale(from link: UInt32, round: UInt32, until deadline: Instant) {
        var touched: [Prefix] = []
        table.modifyAll { prefix, entry in
            guard let index = entry.candidates.firstIndex(where: { $0.link == link }) else { return }
            guard entry.candidates[index].round != round, !entry.candidates[index].isStale else { return }
            entry.candidates[index].isStale = true
            entry.candidates[index].expires = min(entry.candidates[index].expires, deadline)
            touched.append(prefix)
        }
        guard !touched.isEmpty else { return }
        noteExpiry(deadline)
        for prefix in touched { decide(prefix, loss: nil) }
    }

    /// Removes every route whose time has come or comes within 200 ms, so that none outlives its lifetime and walks of
    /// the table are at least that far apart.
    package mutating func expire(at now: Instant) {
        let due = rechecks.prefix { $0.at <= now }.map(\.prefix)
        rechecks.removeFirst(due.count)
        for prefix in due { decide(prefix, loss: nil) }
        guard let bound = earliestExpiry, bound <= now else { return }
        let horizon = now.adding(milliseconds: 200)
        var next: Instant?
        sweepCandidates(loss: .previousExpired) { candidate in
            if candidate.expires <= horizon { return true }
            next = next.map { min($0, candidate.expires) } ?? candidate.expires
            return false
        }
        earliestExpiry = next
    }

    /// When `expire` is to be called next; nil: there is nothing that could expire.
    package var nextDeadline: Instant? {
        guard let recheck = rechecks.first?.at else { return earliestExpiry }
        return earliestExpiry.map { min($0, recheck) } ?? recheck
    }

    mutating func noteExpiry(_ instant: Instant) {
        earliestExpiry = earliestExpiry.map { min($0, instant) } ?? instant
    }

    /// Judges every candidate again, after a change of the import rules. `judge` answers the new rejection; routes that
    /// were malformed keep theirs.
    package mutating func judgeAgain(
        only link: UInt32? = nil, _ judge: (Prefix, UInt32, PathTable.Path) -> RouteReason?
    ) {
        var touched: [(Prefix, UInt32, RouteReason?)] = []
        table.forEach { prefix, entry in
            for candidate in entry.candidates where link == nil || candidate.link == link {
                let path = paths[candidate.path]
                guard !path.hops.isEmpty, !(candidate.rejection?.isStructural ?? false) else { continue }
                let rejection = judge(prefix, candidate.link, path)
                if rejection != candidate.rejection { touched.append((prefix, candidate.link, rejection)) }
            }
            return true
        }
        // Rejections first, so that what they free is there for the others.
        for pass in [true, false] {
            for (prefix, link, verdict) in touched where (verdict != nil) == pass {
                setRejection(verdict, of: prefix, link)
            }
        }
    }

    private mutating func setRejection(_ verdict: RouteReason?, of prefix: Prefix, _ link: UInt32) {
        guard let state = links[link] else { return }
        let rejection = verdict ?? (state.accepted >= state.limit ? .prefixLimit : nil)
        var former: RIBCandidate?
        table.modify(prefix) { entry in
            guard let index = entry.candidates.firstIndex(where: { $0.link == link }) else { return }
            former = entry.candidates[index]
            entry.candidates[index].rejection = rejection
        }
        guard let former else { return }
        count(former, -1)
        links[link]?.accepted += rejection == nil ? 1 : 0
        links[link]?.rejected += rejection == nil ? 0 : 1
        if rejection != nil, former.rejection == nil { boundRejected(link, adding: prefix) }
        decide(prefix, loss: nil)
    }

    // MARK: Changes

    /// The prefixes whose choice changed since the last call, each once, in the order in which they changed first.
    package mutating func takeChanges() -> [RIBChange] {
        var changes: [RIBChange] = []
        changes.reserveCapacity(changed.count)
        for prefix in changed {
            var isEmpty = false
            let change = table.modify(prefix) { entry -> RIBChange in
                let nextHop: NextHop? =
                    switch entry.selection {
                    case .none: nil
                    case .local: entry.local
                    case .link(let link): .link(link)
                    }
                let isNextHopChanged = nextHop != entry.installed
                entry.installed = nextHop
                entry.isChanged = false
                isEmpty = entry.candidates.isEmpty && entry.local == nil
                return RIBChange(
                    prefix: prefix, selection: entry.selection, nextHop: nextHop, isNextHopChanged: isNextHopChanged)
            }
            if isEmpty { table.remove(prefix) }
            if let change { changes.append(change) }
        }
        changed.removeAll(keepingCapacity: changed.count < 4096)
        return changes
    }

    /// Chooses again for one prefix and notes a change. `refreshed`: if this is the choice, it is not what it was.
    mutating func decide(_ prefix: Prefix, loss: RouteReason?, refreshed: RIBSelection? = nil) {
        guard let entry = table[prefix] else { return }
        let (selection, reason) = select(entry, loss: loss)
        let isOther = selection != entry.selection
        let isEmpty = entry.candidates.isEmpty && entry.local == nil
        if isOther { selectedCount += (selection == .none ? 0 : 1) - (entry.selection == .none ? 0 : 1) }
        // A contradiction lasts for a while only; at most one look a prefix is planned, and not for more of them than
        // a table of ordinary size has.
        if entry.candidates.count > 1, rechecks.count < 65_536,
            entry.candidates.contains(where: { isContradicted($0, paths[$0.path], in: entry) })
        {
            rechecks.append((prefix, now.adding(milliseconds: Self.assertionTime)))
        }
        let isNoted = (isOther || refreshed == selection || isEmpty) && !entry.isChanged
        table.modify(prefix) { entry in
            entry.selection = selection
            entry.reason = reason
            if isNoted { entry.isChanged = true }
        }
        if isNoted { changed.append(prefix) }
    }

    /// Chooses again wherever `isTouched` says so.
    mutating func redecide(_ loss: RouteReason? = nil, where isTouched: (RIBEntry) -> Bool) {
        var touched: [Prefix] = []
        table.forEach { prefix, entry in
            if isTouched(entry) { touched.append(prefix) }
            return true
        }
        for prefix in touched { decide(prefix, loss: loss) }
    }

    /// Removes the candidates that `isGone` names, in one walk.
    private mutating func sweepCandidates(loss: RouteReason?, where isGone: (RIBCandidate) -> Bool) {
        var touched: [Prefix] = []
        var gone: [RIBCandidate] = []
        table.modifyAll { prefix, entry in
            let before = gone.count
            entry.candidates.removeAll { candidate in
                guard isGone(candidate) else { return false }
                gone.append(candidate)
                return true
            }
            if gone.count != before { touched.append(prefix) }
        }
        for candidate in gone { forget(candidate) }
        for prefix in touched { decide(prefix, loss: loss) }
    }

    // MARK: Counting

    private mutating func forget(_ candidate: RIBCandidate) {
        paths.release(candidate.path)
        count(candidate, -1)
    }

    private mutating func count(_ candidate: RIBCandidate?, _ change: Int) {
        guard let candidate, candidate.rejection != .withdrawn else { return }
        if candidate.rejection == nil {
            links[candidate.link]?.accepted += change
        } else {
            links[candidate.link]?.rejected += change
        }
    }

    /// Drops the oldest rejected routes of a link beyond the bound.
    private mutating func boundRejected(_ link: UInt32, adding prefix: Prefix) {
        guard var order = links[link]?.rejectedOrder else { return }
        links[link]?.rejectedOrder = []
        order.append(prefix)
        // The list may name prefixes that are rejected no more; it is cleaned when it has grown to four times the bound.
        if order.count > maximumRejected * 4 || (links[link]?.rejected ?? 0) > maximumRejected + maximumRejected / 8 {
            var seen: Set<Prefix> = []
            order = order.reversed().filter { isRejected($0, link) && seen.insert($0).inserted }.reversed()
            let surplus = max(0, order.count - maximumRejected)
            for prefix in order.prefix(surplus) { withdraw(prefix, from: link) }
            order.removeFirst(surplus)
        }
        links[link]?.rejectedOrder = order
    }

    private func isRejected(_ prefix: Prefix, _ link: UInt32) -> Bool {
        table[prefix]?.candidates.contains { $0.link == link && $0.rejection != nil } ?? false
    }
}

extension RouteReason {
    /// The route itself is malformed: no change of rules can admit it.
    package var isStructural: Bool {
        switch self {
        case .invalidPrefix, .pathTooLong, .duplicateHop, .badHopID, .badPath, .latencyOverflow: true
        default: false
        }
    }
}
