// Which of several routes to one prefix is used (protocol-v2 R5, R6).
//
// Our own announcement always wins. Else the least of (tier, cost, path length, peer id); the present choice stays while
// it is eligible, of the same tier, and less than the hysteresis worse: exactly 10 ms better switches, as in v1 (C14).
// A lost choice is replaced at once.

/// The order of eligible routes; the least is the best.
struct RouteRank: Comparable, Sendable {
    /// 0: plain; 1: latency not known throughout; 2: no longer in the peer's full announcement.
    var tier: UInt8
    /// Microseconds, saturating.
    var cost: UInt64
    var length: Int
    var id: NodeID

    static func < (left: RouteRank, right: RouteRank) -> Bool {
        if left.tier != right.tier { return left.tier < right.tier }
        if left.cost != right.cost { return left.cost < right.cost }
        if left.length != right.length { return left.length < right.length }
        return left.id < right.id
    }
}

extension RIB {
    /// The rank of a candidate; nil: not eligible (R5).
    func rank(of candidate: RIBCandidate, in entry: RIBEntry) -> RouteRank? {
        guard candidate.rejection == nil, let link = links[candidate.link] else { return nil }
        let path = paths[candidate.path]
        guard !path.isDead, !path.hops.isEmpty, !isContradicted(candidate, path, in: entry) else { return nil }
        let (cost, isMeasured) = cost(of: path, over: link)
        let tier: UInt8 = candidate.isStale ? 2 : isMeasured && !path.isLastResort ? 0 : 1
        return RouteRank(tier: tier, cost: cost, length: path.hops.count, id: link.id)
    }

    /// A8: the first hop costs the larger of what the peer says and what we measured; A7: sums saturate.
    func cost(of path: PathTable.Path, over link: RIBLink) -> (microseconds: UInt64, isMeasured: Bool) {
        let first = max(path.firstLatency ?? 0, link.latency ?? 0, link.costFloor)
        let (sum, overflow) = first.addingReportingOverflow(path.rest)
        return (overflow ? .max : sum, path.firstLatency != nil || link.latency != nil)
    }

    /// The choice for an entry and why; `loss` says why the former choice is gone, if it is.
    func select(_ entry: RIBEntry, loss: RouteReason?) -> (RIBSelection, RouteReason) {
        if entry.local != nil { return (.local, .localAnnouncement) }
        var best: (link: UInt32, rank: RouteRank)?
        var second: RouteRank?
        var present: RouteRank?
        for candidate in entry.candidates {
            guard let rank = rank(of: candidate, in: entry) else { continue }
            if entry.selection == .link(candidate.link) { present = rank }
            if let leader = best, leader.rank < rank {
                if second.map({ rank < $0 }) ?? true { second = rank }
            } else {
                second = best?.rank
                best = (candidate.link, rank)
            }
        }
        guard let best else { return (.none, loss ?? .onlyCandidate) }
        if let present, present.tier == best.rank.tier, case .link(let link) = entry.selection {
            if link == best.link { return (entry.selection, standing(entry.reason, best.rank, second)) }
            if present.cost &- best.rank.cost < hysteresis { return (entry.selection, .hysteresis) }
        }
        let isFirst = entry.selection == .none || entry.selection == .local
        let reason = present == nil && !isFirst ? loss : nil
        return (.link(best.link), reason ?? advantage(best.rank, second))
    }

    /// The reason of a choice that did not change: what brought it about, unless that is true no more.
    private func standing(_ reason: RouteReason, _ best: RouteRank, _ second: RouteRank?) -> RouteReason {
        switch reason {
        case .previousExpired, .previousPeerDown: reason
        default: advantage(best, second)
        }
    }

    private func advantage(_ best: RouteRank, _ second: RouteRank?) -> RouteReason {
        guard let second else { return .onlyCandidate }
        let isEven = best.tier == second.tier && best.cost == second.cost && best.length == second.length
        return isEven ? .tieBreakPeerID : .lowerLatency
    }

    /// Every candidate of an entry with its place in the choice: the selected one first, the rejected ones last.
    func views(of entry: RIBEntry) -> [RIBCandidateView] {
        var views: [RIBCandidateView] = []
        if let local = entry.local {
            views.append(
                RIBCandidateView(
                    candidate: nil, local: local, hops: [], cost: 0, status: .selected, reason: .localAnnouncement))
        }
        let ranked = entry.candidates.filter { $0.rejection != .withdrawn }
            .map { (candidate: $0, rank: rank(of: $0, in: entry)) }
        let chosen = ranked.first { entry.selection == .link($0.candidate.link) }?.rank
        for (candidate, rank) in ranked {
            let path = paths[candidate.path]
            var view = RIBCandidateView(
                candidate: candidate, local: nil, hops: path.hops, cost: nil, status: .alternate,
                reason: .higherLatency)
            if let rank, rank.tier != 1 { view.cost = rank.cost }
            if let rejection = candidate.rejection {
                view.status = .rejected
                view.reason = rejection
            } else if entry.selection == .link(candidate.link) {
                view.status = .selected
                view.reason = entry.reason
                if entry.reason == .hysteresis { view.threshold = rank.map { $0.cost - min($0.cost, hysteresis) } }
            } else {
                view.reason = reasonPassedOver(candidate, rank, chosen: chosen, isLocal: entry.local != nil)
                if view.reason == .withinHysteresis {
                    view.threshold = chosen.map { $0.cost - min($0.cost, hysteresis) }
                }
            }
            views.append(view)
        }
        let order: [RIBCandidateView.Status] = [.selected, .alternate, .rejected]
        return order.flatMap { status in views.filter { $0.status == status } }
    }

    private func reasonPassedOver(
        _ candidate: RIBCandidate, _ rank: RouteRank?, chosen: RouteRank?, isLocal: Bool
    ) -> RouteReason {
        if isLocal { return .localRouteExists }
        guard let rank else { return paths[candidate.path].isDead ? .deadEdge : .contradicted }
        if candidate.isStale { return .stale }
        guard let chosen else { return .superseded }
        if rank.tier > chosen.tier { return .latencyUnknown }
        if rank < chosen { return .withinHysteresis }
        return rank.cost == chosen.cost && rank.length == chosen.length ? .tieBreakPeerID : .higherLatency
    }
}
