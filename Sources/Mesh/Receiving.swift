// What peers say: liveness, announcements, and all that is ignored.
import Routing
import Wire

extension Node {
    /// Any byte from a peer is a sign of life.
    mutating func heard(_ link: LinkID) {
        guard let place = place(of: link) else { return }
        sessions[place].liveness.lastHeard = now
        if !pending.isEmpty { refusePending(against: link) }
    }

    mutating func received(_ message: PeerMessage, on link: LinkID) {
        guard let place = place(of: link) else { return keep(message, onPending: link) }
        heard(link)
        switch message {
        case .announce(let payload): receiveAnnouncement(payload, place)
        case .ping: receivePing(place)
        case .pong: receivePong(place)
        case .distributedConfig(let config): receiveConfig(config, place)
        // Packets have their own way; the plaintext channel and later protocols are none of the node's business.
        case .invalid, .ip, .channelRequest, .channelResponse, .unknown: break
        }
    }

    // MARK: Liveness

    mutating func sendPing(_ place: Int) {
        sessions[place].liveness.pingSent(at: now)
        effects.append(.send(sessions[place].link, PeerMessage.ping.encoded()))
    }

    private mutating func receivePing(_ place: Int) {
        sessions[place].validator.notePing()
        guard sessions[place].replies.take(at: now) else { return notice(.pingFlood, link: sessions[place].link) }
        send(PeerMessage.pong.encoded(), place)
    }

    private mutating func receivePong(_ place: Int) {
        switch sessions[place].liveness.pongReceived(at: now) {
        case .unsolicited: notice(.unsolicitedPong, link: sessions[place].link)
        case .ambiguous: break
        case .sample: latencyMeasured(place)
        }
    }

    /// Routes are judged anew only when the latency moved enough to matter: each time it does, the table is walked.
    private mutating func latencyMeasured(_ place: Int) {
        guard let mean = sessions[place].liveness.mean else { return }
        let isFirst = sessions[place].judgedLatency == nil
        if let former = sessions[place].judgedLatency {
            let moved = former > mean ? former - mean : mean - former
            guard moved > max(1_000, former / 10) else { return }
        }
        sessions[place].judgedLatency = mean
        rib.setLatency(mean, of: sessions[place].link)
        // A v1 peer adds up what it is told, so "unknown" must not stand until the next refresh; and what it was told
        // must not be far off.
        let told = sessions[place].outgoing.toldLatency
        let isFarOff = told.map { ($0 > mean ? $0 - mean : mean - $0) > max(tunables.deadBand, $0 / 10) } ?? true
        if isFarOff, !isFirst || !sessions[place].isOurs, !sessions[place].outgoing.told.isEmpty {
            sessions[place].outgoing.fullDue = min(
                sessions[place].outgoing.fullDue, now.adding(milliseconds: tunables.coalescing))
        }
    }

    // MARK: Announcements

    private mutating func receiveAnnouncement(_ payload: [UInt8], _ place: Int) {
        var routes: [DecodedRoute] = []
        let info: AnnouncementInfo
        do throws(WireError) {
            info = try Announcement.decode(payload) { routes.append($0) }
        } catch {
            return fault(sessions[place].link, "announcement: \(error)")
        }
        beginRound(info.kind, place)
        let (link, peer) = (sessions[place].link, sessions[place].peer)
        let extra = AnnouncementExtension(payload: payload)
        let rules = importRules(for: sessions[place])
        var surplus: UInt64 = 0
        // One notice a message and one sum: 65,536 of them must not hold up everybody's packets (A2).
        defer { if surplus > 1 { peerRecords[peer]?.rejected[.prefixLimit, default: 0] += surplus - 1 } }
        for (index, route) in routes.enumerated() {
            if receive(route, index < extra.tokens.count ? extra.tokens[index] : [], by: rules, place) {
                surplus += 1
                if surplus == 1, case .route(let first) = route { rejected(first.prefix, .prefixLimit, place) }
            }
            // Ten bad paths end the session in the middle of a message.
            guard place < sessions.count, sessions[place].link == link else { return }
        }
        if info.kind == .fullEnd {
            sessions[place].intake.isInFull = false
            rib.withdrawUnnamed(from: link, round: sessions[place].intake.round)
        }
        checkLimit(place)
        for cause in extra.causes { learn(cause, place) }
    }

    /// R3: a revealed secret makes every path through its edge ineligible, and is handed on if that was news here.
    private mutating func learn(_ cause: EdgeSecret, _ place: Int) {
        guard !edges.isKnown(cause), sessions[place].causes.take(at: now) else { return }
        if rib.declareDead(cause.token) { edges.reveal(cause, at: now) }
    }

    /// Ours say where a whole table begins and ends; v1's whole table is a run of messages less than a second apart.
    private mutating func beginRound(_ kind: AnnouncementKind, _ place: Int) {
        switch kind {
        case .unmarked:
            if sessions[place].intake.roundEnds == nil { sessions[place].intake.round &+= 1 }
            sessions[place].intake.roundEnds = now.adding(milliseconds: tunables.roundGap)
        case .partial: mark(place)
        case .fullPart, .fullEnd:
            mark(place)
            if !sessions[place].intake.isInFull { sessions[place].intake.round &+= 1 }
            sessions[place].intake.isInFull = true
        }
    }

    /// The peer speaks as ours do: every change at once. One under another CA may keep things from us.
    private mutating func mark(_ place: Int) {
        sessions[place].isMarked = true
        if sessions[place].info.trust == .internalCA { rib.setAsserting(sessions[place].link) }
    }

    /// W5 (d): what a v1 peer's round did not name is passed over at once and gone 35 s later.
    mutating func endRound(_ place: Int) {
        sessions[place].intake.roundEnds = nil
        rib.markStale(
            from: sessions[place].link, round: sessions[place].intake.round,
            until: now.adding(milliseconds: tunables.staleLifetime))
    }

    /// True: refused for the peer's limit, and not counted yet.
    private mutating func receive(
        _ decoded: DecodedRoute, _ tokens: [EdgeToken?], by rules: ImportRules, _ place: Int
    ) -> Bool {
        switch decoded {
        case .malformed(let defect, let prefix):
            // RFC 7606 section 2, treat-as-withdraw: what cannot be used says at least that the former is not true.
            reject(prefix, RouteReason(defect), place)
            // Last, for it may end the session, and the tenth is counted too.
            if defect == .emptyPath { countBadPath(place) }
        case .route(let route) where route.path.first?.id != sessions[place].info.id:
            reject(route.prefix, .badPath, place)
            countBadPath(place)
        case .route(let route) where route.isWithdrawal:
            rib.withdrawAsserted(route.prefix, from: sessions[place].link)
        case .route(let route):
            let rejection = rejection(of: route.prefix, ids: route.path, by: rules)
            // Where the decoder collapsed hops (W1) the tokens fit no more.
            let fitting = tokens.count == route.path.count ? tokens : []
            let route = RIBRoute(prefix: route.prefix, hops: route.path, tokens: fitting, rejection: rejection)
            return store(route, place)
        }
        return false
    }

    private mutating func reject(_ prefix: Prefix?, _ reason: RouteReason, _ place: Int) {
        guard let prefix else { return rejected(nil, reason, place) }
        _ = store(RIBRoute(prefix: prefix, hops: [], rejection: reason), place)
    }

    /// True: refused for the peer's limit, and not counted yet.
    private mutating func store(_ route: RIBRoute, _ place: Int) -> Bool {
        guard place < sessions.count else { return false }
        let outcome = rib.receive(
            route, from: sessions[place].link, round: sessions[place].intake.round, at: now,
            lifetime: tunables.routeLifetime)
        if outcome == .prefixLimit { return true }
        if let outcome { rejected(route.prefix, outcome, place) }
        return false
    }

    private mutating func rejected(_ prefix: Prefix?, _ reason: RouteReason, _ place: Int) {
        guard place < sessions.count else { return }
        peerRecords[sessions[place].peer]?.rejected[reason, default: 0] += 1
        notice(.routeRejected(prefix: prefix, reason: reason), link: sessions[place].link)
    }

    /// A3: ten paths in a minute that do not begin with the peer, and the session ends.
    private mutating func countBadPath(_ place: Int) {
        sessions[place].intake.badPaths.removeAll { now.milliseconds(since: $0) > 60_000 }
        sessions[place].intake.badPaths.append(now)
        if sessions[place].intake.badPaths.count >= 10 {
            fault(sessions[place].link, "ten paths in a minute that do not begin with the peer")
        }
    }

    private mutating func checkLimit(_ place: Int) {
        let session = sessions[place]
        let limit = limit(of: peerRecords[session.peer]?.configuration)
        let accepted = rib.counts(of: session.link).accepted
        let level = accepted >= limit ? 2 : accepted >= limit - limit / 5 ? 1 : 0
        sessions[place].intake.limitLevel = level
        guard level > session.intake.limitLevel else { return }
        notice(
            level == 2 ? .prefixLimitReached(limit: limit) : .prefixLimitNear(accepted: accepted, limit: limit),
            link: session.link)
    }
}

extension RouteReason {
    /// The API's word for what the decoder found.
    init(_ defect: RouteDefect) {
        switch defect {
        case .undecodable, .emptyPath: self = .badPath
        case .routeTooLarge, .pathTooLong: self = .pathTooLong
        case .badPrefixBytes, .prefixLengthOutOfRange, .hostBitsSet: self = .invalidPrefix
        case .badHopID: self = .badHopID
        case .duplicateHop: self = .duplicateHop
        }
    }
}
