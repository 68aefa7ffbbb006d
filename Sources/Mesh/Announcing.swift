// What we say of routes: the whole table at session start and every 20 s, changes as they happen, withdrawals at once.
//
// All sessions share one log of changed prefixes; each has a place in it and, when it may speak, says what is true now
// of each prefix between its place and the end. So nothing queues: a slow reader costs a number (A15, R8). A route is
// not told to its next hop nor to anybody in its path (W15). A prefix that was told and can be told no more is poisoned
// once: our id alone with latency 2^32-1, which makes a v1 node leave us, and a mark that ours read as a withdrawal (W5).
//
// A turn says at most about one message of each kind to a session. What is left, of a whole table or of the log, waits
// for the next turn, which comes at once while the link takes more: a table of any size never fills a link's queue, and
// packets and Pings do not wait for 50,000 routes to be written (A15, A20, A27).
import Routing
import Wire

extension Node {
    // MARK: After every turn

    /// Turns the RIB's changes into forwarding changes and news for the peers.
    mutating func settle() {
        applyChanges()
        for place in sessions.indices where sessions[place].isWritable {
            if sessions[place].outgoing.isTellingAll || sessions[place].outgoing.fullDue <= now {
                tellEverything(place)
            }
            if let due = sessions[place].outgoing.batchDue, due <= now {
                tellChanges(place)
            }
            tellConfig(place)
        }
        trimLog()
    }

    private mutating func applyChanges() {
        guard rib.hasChanges else {
            edges.isFresh = false
            return
        }
        let changes = rib.takeChanges()
        routeChanges &+= UInt64(changes.count)
        let moved = changes.filter(\.isNextHopChanged).map { FIBChange(prefix: $0.prefix, nextHop: $0.nextHop) }
        if !moved.isEmpty { effects.append(.fib(moved)) }
        changeLog += changes.map(\.prefix)
        for place in sessions.indices {
            if sessions[place].isWritable { withdrawLost(changes, place) }
            guard sessions[place].outgoing.batchDue == nil else { continue }
            let paced = sessions[place].outgoing.lastBatch?.adding(milliseconds: tunables.pacing) ?? now
            sessions[place].outgoing.batchDue = max(now.adding(milliseconds: tunables.coalescing), paced)
        }
        edges.isFresh = false
    }

    /// Withdrawals do not wait for the batch: what is said late of a dead route keeps it alive elsewhere (R8).
    private mutating func withdrawLost(_ changes: [RIBChange], _ place: Int) {
        guard !sessions[place].outgoing.told.isEmpty || edges.isFresh else { return }
        var lost: [AnnouncedRoute] = []
        for change in changes where sessions[place].outgoing.told[change.prefix] != nil {
            // About 1 MiB; the log has the others.
            guard lost.count < Self.maximumWithdrawals else { break }
            guard case .suppressed = word(on: change.prefix, rib.chosen(change.prefix), to: place) else { continue }
            sessions[place].outgoing.told[change.prefix] = nil
            lost.append(poison(change.prefix, place))
        }
        // A dead edge is said at once too, ahead of the routes that replace it.
        announce(lost.map { ($0, []) }, place)
    }

    // MARK: What to say of one prefix

    private enum Word {
        case route(AnnouncedRoute, tokens: [EdgeToken?], Session.Told)
        case suppressed(RouteReason?)
    }

    /// What a peer is to be told of a prefix; the reason is nil where there is no route.
    private func word(on prefix: Prefix, _ chosen: RIB.Chosen?, to place: Int) -> Word {
        guard let chosen else { return .suppressed(nil) }
        let session = sessions[place]
        let own = Hop(id: session.ourID, latency: wireLatency(session.liveness.mean))
        var told = Session.Told(
            identity: 0, cost: session.liveness.mean, fullCount: session.outgoing.fullCount)
        guard case .link(let nextHop) = chosen.selection, let path = chosen.path else {
            let token = edges.origins[prefix]?.token
            told.identity = token?.high ?? 0
            return .route(AnnouncedRoute(prefix: prefix, path: [own]), tokens: [token], told)
        }
        guard nextHop != session.link, !path.hops.contains(where: { $0.id == session.info.id }) else {
            return .suppressed(.splitHorizon)
        }
        guard mayExport(prefix, to: session) else { return .suppressed(.exportNotAllowed) }
        guard path.hops.count < AnnouncedRoute.maximumHops else { return .suppressed(.pathTooLong) }
        var hops = path.hops
        // A7: where the next hop has not measured yet, we have.
        if hops[0].latency == Hop.unknownLatency { hops[0].latency = wireLatency(latency(of: nextHop)) }
        let edge = self.place(of: nextHop).map { sessions[$0].edgeToken }
        told.identity = path.identity ^ (edge?.high ?? 0)
        let tokens = path.tokens.isEmpty ? [EdgeToken?](repeating: nil, count: hops.count) : path.tokens
        let (rest, _) = path.rest.addingReportingOverflow(UInt64(hops[0].latency) * 1000)
        told.cost = told.cost.map { $0 &+ rest }
        return .route(AnnouncedRoute(prefix: prefix, path: [own] + hops), tokens: [edge] + tokens, told)
    }

    private func latency(of link: LinkID) -> UInt64? { place(of: link).flatMap { sessions[$0].liveness.mean } }

    /// Whole milliseconds, rounded up, as v1 counts; its word for "unknown" is not a latency.
    private func wireLatency(_ microseconds: UInt64?) -> UInt32 {
        guard let microseconds else { return Hop.unknownLatency }
        return UInt32(
            clamping: min(UInt64(Hop.unknownLatency) - 1, microseconds / 1000 + (microseconds % 1000 > 0 ? 1 : 0)))
    }

    private func poison(_ prefix: Prefix, _ place: Int) -> AnnouncedRoute {
        let hop = Hop(id: sessions[place].ourID, latency: Hop.unknownLatency)
        return AnnouncedRoute(prefix: prefix, path: [hop], isWithdrawal: true)
    }

    // MARK: Batches and whole tables

    /// Withdrawals that are said at once in a turn.
    private static let maximumWithdrawals = 15_000

    /// Tells what changed since the session's place in the log, as far as one message holds.
    private mutating func tellChanges(_ place: Int) {
        sessions[place].outgoing.batchDue = nil
        let start = sessions[place].outgoing.cursor - changeLogStart
        sessions[place].outgoing.cursor = changeLogStart + changeLog.count
        guard start >= 0 else {
            sessions[place].outgoing.fullDue = now
            return
        }
        var said: Set<Prefix> = []
        var routes: [(AnnouncedRoute, [EdgeToken?])] = []
        var size = 0
        for index in changeLog.indices[start...] {
            guard size < AnnouncementWriter.fullSize else {
                sessions[place].outgoing.cursor = changeLogStart + index
                sessions[place].outgoing.batchDue = now
                break
            }
            let prefix = changeLog[index]
            guard said.insert(prefix).inserted else { continue }
            let former = sessions[place].outgoing.told[prefix]
            switch word(on: prefix, rib.chosen(prefix), to: place) {
            case .suppressed:
                guard former != nil else { continue }
                sessions[place].outgoing.told[prefix] = nil
                routes.append((poison(prefix, place), []))
                size += AnnouncementWriter.size(ofPath: 1)
            case .route(let route, let tokens, let told):
                if let former, !isWorthTelling(told, after: former) { continue }
                sessions[place].outgoing.told[prefix] = told
                routes.append((route, tokens))
                size += AnnouncementWriter.size(ofPath: route.path.count)
            }
        }
        guard !routes.isEmpty else { return }
        sessions[place].outgoing.lastBatch = now
        announce(routes, place)
    }

    /// R7: another path always; another latency only beyond the dead band.
    private func isWorthTelling(_ told: Session.Told, after former: Session.Told) -> Bool {
        guard told.identity == former.identity else { return true }
        guard let new = told.cost, let old = former.cost else { return told.cost != former.cost }
        return (new > old ? new - old : old - new) > max(tunables.deadBand, old / 10)
    }

    /// Begins to tell the whole table.
    private mutating func beginEverything(_ place: Int) {
        sessions[place].outgoing.isTellingAll = true
        sessions[place].outgoing.toldUpTo = nil
        sessions[place].outgoing.fullCount &+= 1
        sessions[place].outgoing.fullDue = now.adding(milliseconds: jitter.around(tunables.refreshInterval, percent: 5))
        sessions[place].outgoing.cursor = changeLogStart + changeLog.count
        sessions[place].outgoing.batchDue = nil
        sessions[place].outgoing.lastBatch = now
        sessions[place].outgoing.toldLatency = sessions[place].liveness.mean
    }

    /// Tells the next part of the whole table; at its end, poisons what was told before and cannot be told any more.
    /// What changes meanwhile is told from the log, under the same count, so that neither end takes it for gone.
    private mutating func tellEverything(_ place: Int) {
        if !sessions[place].outgoing.isTellingAll { beginEverything(place) }
        let count = sessions[place].outgoing.fullCount
        var writer = AnnouncementWriter(sender: sessions[place].ourID, isFull: true, causes: [])
        var told = sessions[place].outgoing.told
        sessions[place].outgoing.told = [:]
        var last: Prefix?
        rib.forEachChosen(after: sessions[place].outgoing.toldUpTo) { prefix, chosen in
            if case .route(let route, let tokens, let now) = word(on: prefix, chosen, to: place) {
                writer.append(route, tokens: tokens)
                told[prefix] = now
            }
            if writer.isFullMessage { last = prefix }
            return last == nil
        }
        if let last {
            sessions[place].outgoing.told = told
            sessions[place].outgoing.toldUpTo = last
            for message in writer.finish(isEnd: false) { send(message, place) }
            return
        }
        sessions[place].outgoing.isTellingAll = false
        // More than these are poisoned by the next whole table; ours read their absence as a withdrawal anyway.
        let lost = told.filter { $0.value.fullCount != count }.keys.sorted().prefix(Self.maximumWithdrawals)
        for prefix in lost { told[prefix] = nil }
        sessions[place].outgoing.told = told
        for message in writer.finish() { send(message, place) }
        announce(lost.map { (poison($0, place), []) }, place)
    }

    private mutating func announce(_ routes: [(AnnouncedRoute, [EdgeToken?])], _ place: Int) {
        guard !routes.isEmpty || (edges.isFresh && sessions[place].isOurs) else { return }
        var writer = AnnouncementWriter(
            sender: sessions[place].ourID, isFull: false, causes: edges.causes(at: now))
        for (route, tokens) in routes { writer.append(route, tokens: tokens) }
        for message in writer.finish() { send(message, place) }
    }

    /// Sends what v1 can read; towards v1 nobody's word is taken for that (W18).
    mutating func send(_ message: [UInt8], _ place: Int) {
        if !sessions[place].isOurs {
            do throws(OutboundViolation) {
                try sessions[place].validator.check(message)
            } catch {
                return notice(.outboundRefused(detail: error.rawValue), link: sessions[place].link)
            }
        }
        effects.append(.send(sessions[place].link, message))
    }

    // MARK: Back-pressure

    mutating func setWritable(_ link: LinkID, _ isWritable: Bool) {
        if let index = pending.firstIndex(where: { $0.link == link }) { pending[index].isWritable = isWritable }
        guard let place = place(of: link) else { return }
        sessions[place].isWritable = isWritable
        // Withdrawals were not said while the queue was full: the log has them.
        if isWritable, sessions[place].outgoing.cursor < changeLogStart + changeLog.count {
            sessions[place].outgoing.batchDue = now
        }
    }

    /// Cuts off what everybody was told. A session that lags behind the whole table's size is told everything instead.
    private mutating func trimLog() {
        let end = changeLogStart + changeLog.count
        let bound = max(65_536, 2 * rib.prefixCount)
        var first = end
        for place in sessions.indices {
            if end - sessions[place].outgoing.cursor > bound {
                sessions[place].outgoing.cursor = end
                sessions[place].outgoing.fullDue = now
            }
            first = min(first, sessions[place].outgoing.cursor)
        }
        guard first > changeLogStart else { return }
        if first == end {
            changeLog.removeAll(keepingCapacity: changeLog.count < 4096)
        } else {
            guard first - changeLogStart > changeLog.count / 2 else { return }
            changeLog.removeFirst(first - changeLogStart)
        }
        changeLogStart = first
    }

    // MARK: Leaving

    /// D12: withdraws everything, then closes every link.
    mutating func shutDown() {
        notice(.shutdown)
        for place in sessions.indices {
            let told = sessions[place].outgoing.told.keys.sorted()
            announce(told.map { (poison($0, place), []) }, place)
        }
        for key in peerRecords.keys.sorted() where peerRecords[key]?.dial.phase != .waiting {
            effects.append(.cancelDial(peer: peerRecords[key]?.name ?? key))
        }
        for session in sessions { effects.append(.close(session.link, .shutdown)) }
        for link in pending { effects.append(.close(link.link, .shutdown)) }
        sessions = []
        pending = []
        isStopping = true
        effects.append(.stopped)
    }

    // MARK: For the API

    /// What the peer of a link was told, or why not: a page.
    package func advertised(to link: LinkID, after: Prefix?, limit: Int) -> (items: [AdvertisedView], next: Prefix?) {
        guard let place = place(of: link), limit > 0 else { return ([], nil) }
        var items: [AdvertisedView] = []
        var isMore = false
        rib.forEachChosen(after: after) { prefix, chosen in
            guard items.count < limit else {
                isMore = true
                return false
            }
            switch word(on: prefix, chosen, to: place) {
            case .route(let route, _, _): items.append(AdvertisedView(prefix: prefix, path: route.path, reason: nil))
            case .suppressed(let reason): items.append(AdvertisedView(prefix: prefix, path: nil, reason: reason))
            }
            return true
        }
        return (items, isMore ? items.last?.prefix : nil)
    }
}
