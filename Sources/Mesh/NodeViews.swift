// Reading a node, for the management API. Nothing here changes anything.
import Routing
import Wire

extension Node {
    /// Configured and seen peers, by name.
    package func peers(at now: Instant) -> [PeerView] {
        peerRecords.keys.sorted().compactMap { key in peerRecords[key].map { view(of: $0) } }
    }

    /// By name (case does not matter) or 64-digit id.
    package func peer(_ name: String, at now: Instant) -> PeerView? {
        recordKey(name).flatMap { peerRecords[$0] }.map { view(of: $0) }
    }

    /// The name under which an id was last seen; nil: never.
    package func name(of id: NodeID) -> String? {
        if id == configuration.id { return configuration.name }
        // Asked for every hop of every route that is shown: no sorting, no copies.
        return peerRecords.lazy.filter { $0.value.id == id }.min { $0.key < $1.key }?.value.name
    }

    private func view(of record: PeerRecord) -> PeerView {
        let session = record.link.flatMap { place(of: $0) }.map { sessions[$0] }
        let counts = session.map { rib.counts(of: $0.link) } ?? (0, 0)
        return PeerView(
            name: record.name, id: record.id, configuration: record.configuration, status: status(of: record),
            statusSince: record.statusSince, link: record.link, info: session?.info, attempts: record.dial.attempts,
            retryAt: dialDue(record), lastError: record.lastError, latency: session?.liveness.view ?? LatencyView(),
            routesReceived: counts.0 + counts.1, routesAccepted: counts.0, routesRejected: counts.1,
            routesAdvertised: session?.outgoing.told.count ?? 0, routesLimit: limit(of: record.configuration),
            rejected: record.rejected, sessionEnds: record.sessionEnds,
            configSync: session.map(configSync) ?? ConfigSyncView(), warnings: record.warnings)
    }

    private func status(of record: PeerRecord) -> PeerStatus {
        if record.link != nil { return .up }
        guard let configured = record.configuration else { return .idle }
        guard configured.isEnabled else { return .disabled }
        switch record.dial.phase {
        case .dialing: return .connecting
        case .handshaking: return .handshaking
        case .waiting:
            if record.dial.isRefused { return .refused }
            return dialDue(record) == nil ? .idle : .backoff
        }
    }

    private func configSync(_ session: Session) -> ConfigSyncView {
        var view = ConfigSyncView()
        view.mark = session.config.isSame ? configKeeper.current?.mark : session.config.mark
        view.lastSent = session.config.lastSent
        view.lastReceived = session.config.lastReceived
        if session.config.isSame {
            view.status = .inSync
        } else if let theirs = session.config.mark, let ours = configKeeper.current?.mark {
            view.status = theirs == ours ? .inSync : theirs < ours ? .behind : .ahead
        } else if configKeeper.current == nil, session.config.lastReceived == nil {
            view.status = .none
        }
        return view
    }

    // MARK: Routes

    /// Routes in the order of their prefixes, after `after`, that `isIncluded`. Looks at no more than 100,000 of them,
    /// so that a filter that matches nothing does not hold the control loop; `next` then says where to go on.
    package func routes(after: Prefix?, limit: Int, where isIncluded: (RouteView) -> Bool) -> RoutePage {
        var page = RoutePage(routes: [], next: nil)
        var last: Prefix?
        var looked = 0
        rib.forEachView(after: after) { prefix, candidates in
            guard page.routes.count < limit, looked < 100_000 else {
                page.next = last
                return false
            }
            looked += 1
            last = prefix
            let view = RouteView(prefix: prefix, candidates: candidates.map { self.view(of: $0, to: prefix) })
            if isIncluded(view) { page.routes.append(view) }
            return true
        }
        return page
    }

    package func route(_ prefix: Prefix) -> RouteView? {
        let candidates = rib.views(of: prefix)
        guard !candidates.isEmpty else { return nil }
        return RouteView(prefix: prefix, candidates: candidates.map { view(of: $0, to: prefix) })
    }

    /// Every prefix of the table that covers the address, longest first.
    package func lookup(_ address: IPv6Address) -> [RouteView] {
        rib.covering(address).compactMap(route)
    }

    private func view(of view: RIBCandidateView, to prefix: Prefix) -> CandidateView {
        let candidate = view.candidate
        let session = candidate.flatMap { place(of: $0.link) }.map { sessions[$0] }
        let status: CandidateView.Status =
            switch view.status {
            case .selected: .selected
            case .alternate: .alternate
            case .rejected: .rejected
            }
        var local: LocalRoute?
        switch view.local?.kind {
        case .vif(let index)?: local = .vif(index)
        case .discard?: local = .discard
        default: break
        }
        let since = localSince[prefix] ?? now
        return CandidateView(
            link: candidate?.link, peerID: session?.info.id, peerName: session.flatMap { peerRecords[$0.peer]?.name },
            local: local, path: view.hops, cost: view.cost, status: status, reason: view.reason,
            threshold: view.threshold, firstSeen: candidate?.firstSeen ?? since, updated: candidate?.updated ?? since,
            expires: candidate?.expires)
    }

    /// Sums over the node.
    package var counters: NodeCounters {
        NodeCounters(
            prefixes: rib.prefixCount, candidates: rib.candidateCount, selected: rib.selectedCount,
            rejected: rib.rejectedCount, local: rib.localCount, routeChanges: routeChanges,
            peersConfigured: peerRecords.values.reduce(0) { $0 + ($1.configuration == nil ? 0 : 1) },
            peersUp: sessions.count,
            peersDown: peerRecords.values.reduce(0) {
                $0 + ($1.link == nil && $1.configuration?.isEnabled == true ? 1 : 0)
            },
            peersInbound: sessions.reduce(0) { $0 + ($1.info.direction == .inbound ? 1 : 0) })
    }
}
