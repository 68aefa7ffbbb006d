// One node's behaviour as a value: told what happened and what time it is, it answers with what should be done.
//
// Every turn goes the same way: the event changes sessions and RIB → due timers run → `settle` turns the RIB's changes
// into forwarding changes, withdrawals and updates for the peers → the effects leave in order. The parts stand in their
// own files: Admission (which links may live), Dialing, ImportRules and Receiving (what peers say), Announcing (what we
// say), ConfigKeeping (the signed policy), Commands, NodeViews.
import Routing
import Wire

/// A VMesh node. The same events at the same times with the same seed give the same effects, in the same order.
package struct Node: Sendable {
    var configuration: NodeConfiguration
    var jitter: Jitter
    var now: Instant
    var effects: [Effect] = []
    var rib: RIB
    /// Live links in ascending order of their numbers.
    var sessions: [Session] = []
    var pending: [PendingLink] = []
    /// Links that we closed and whose end has not been reported yet.
    var closing: [LinkID: CloseReason] = [:]
    var peerRecords: [String: PeerRecord] = [:]
    /// Lower-case CommonNames of our own CA that were seen; an external certificate with such a name has none (W7).
    var internalNames: Set<String> = []
    var configKeeper: ConfigKeeper
    var edges: EdgeKeeper
    var limiter = NoticeLimiter()
    /// Prefixes whose chosen route changed, in order: each session has a place in it up to which it was told.
    var changeLog: [Prefix] = []
    /// The number of changes that were cut off the log's front.
    var changeLogStart = 0
    /// When each of our own prefixes came to lead where it leads now.
    var localSince: [Prefix: Instant] = [:]
    /// Lengths of our own prefixes, ascending, for finding what covers a received one.
    var localLengths: [Int] = []
    /// The wall clock read `wall` at `wallAt`.
    var wall: Int64
    var wallAt: Instant
    var routeChanges: UInt64 = 0
    var isStopping = false
    private var deadline: Instant?

    /// `seed` feeds jitter; `edgeSecret`, random bytes that nobody else knows, the names of our edges.
    package init(configuration: NodeConfiguration, seed: UInt64, edgeSecret: [UInt8] = [], now: Instant) {
        self.configuration = configuration
        self.now = now
        jitter = Jitter(seed: seed)
        edges = EdgeKeeper(
            seed: edgeSecret + configuration.id.bytes
                + (0..<8).map { UInt8(truncatingIfNeeded: seed >> (8 * UInt64($0))) })
        rib = RIB(
            hysteresis: configuration.tunables.hysteresis, maximumRejected: configuration.tunables.maximumRejected)
        configKeeper = ConfigKeeper(stored: configuration.storedConfig, mark: configuration.highWaterMark)
        wall = configuration.wallClock
        wallAt = now
        for peer in configuration.peers {
            var record = PeerRecord(name: peer.name, now: now)
            record.configuration = peer
            record.dial.due = peer.isEnabled && !peer.addresses.isEmpty ? now : nil
            peerRecords[peer.name.lowercased()] = record
        }
    }

    var tunables: Tunables { configuration.tunables }

    /// What is to be done at the very start: dials, our own routes. Call once.
    package mutating func start(at now: Instant) -> [Effect] {
        self.now = max(self.now, now)
        let routes = configuration.localRoutes
        configuration.localRoutes = [:]
        replaceLocalRoutes(routes)
        reportExpiredConfig()
        return finishTurn()
    }

    /// What is to be done now that `event` happened.
    package mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
        self.now = max(self.now, now)
        rib.now = self.now
        switch event {
        case .tick: break
        case .dialConnected(let peer): dialConnected(peer)
        case .dialFailed(let peer, let address, let failure): dialFailed(peer, address, failure)
        case .linkOpened(let link, let info): admit(link, info)
        case .linkClosed(let link, let end): linkClosed(link, end)
        case .message(let link, let message): received(message, on: link)
        case .linkActivity(let link): heard(link)
        case .linkFault(let link, let detail): fault(link, detail)
        case .linkWritable(let link, let isWritable): setWritable(link, isWritable)
        case .configVerified(let number, let config): configVerified(number, config)
        case .configRejected(let number, let rejection): configRejected(number, rejection)
        case .wallClock(let seconds): setWallClock(seconds)
        case .command(let command, let token): carryOut(command, token)
        case .shutdown: shutDown()
        }
        return finishTurn()
    }

    /// When to send the next `Event.tick`; nil: not before something else happens.
    package var nextDeadline: Instant? { deadline }

    private mutating func finishTurn() -> [Effect] {
        if !isStopping {
            runTimers()
            settle()
        }
        deadline = isStopping ? nil : earliestDeadline()
        let effects = self.effects
        self.effects = []
        return effects
    }

    // MARK: Timers

    private mutating func runTimers() {
        rib.expire(at: now)
        runPendingLinks()
        // By link number: closing one moves the places of those behind it.
        for link in sessions.map(\.link) { runSessionTimers(link) }
        runDials()
        runConfigTimers()
    }

    private mutating func runSessionTimers(_ link: LinkID) {
        guard let place = place(of: link) else { return }
        if sessions[place].info.certificateNotAfter <= wallClock {
            notice(.certificateExpired(notAfter: sessions[place].info.certificateNotAfter), link: link)
            return close(link, .certificateExpired)
        }
        let (liveness, isOurs) = (sessions[place].liveness, sessions[place].isOurs)
        if now >= liveness.deadAt(tunables, isOurs: isOurs) { return close(link, .dead) }
        if now >= liveness.pingDue(tunables, isOurs: isOurs) { sendPing(place) }
        if let end = sessions[place].intake.roundEnds, now >= end { endRound(place) }
    }

    private func earliestDeadline() -> Instant? {
        var earliest = rib.nextDeadline
        func consider(_ instant: Instant?) {
            guard let instant else { return }
            earliest = earliest.map { min($0, instant) } ?? instant
        }
        for session in sessions {
            consider(session.liveness.pingDue(tunables, isOurs: session.isOurs))
            consider(session.liveness.deadAt(tunables, isOurs: session.isOurs))
            consider(session.intake.roundEnds)
            consider(instant(ofWall: session.info.certificateNotAfter))
            if session.isWritable {
                consider(session.outgoing.batchDue)
                consider(session.outgoing.isTellingAll ? now : session.outgoing.fullDue)
                if configKeeper.current != nil { consider(session.config.due) }
            }
        }
        for link in pending { consider(link.deadline) }
        for record in peerRecords.values { consider(dialDue(record)) }
        if let held = configKeeper.held { consider(instant(ofWall: held.issuedAt &- tunables.configTolerance)) }
        return earliest
    }

    // MARK: Wall clock

    /// Unix seconds now, as the last reading and the time since tell.
    var wallClock: Int64 { wall &+ now.milliseconds(since: wallAt) / 1000 }

    private func instant(ofWall seconds: Int64) -> Instant {
        let (ahead, overflow) = seconds.subtractingReportingOverflow(wall)
        // A certificate of the year 9999 needs no timer.
        guard !overflow, ahead < 1 << 40 else { return Instant(microseconds: .max) }
        return wallAt.adding(milliseconds: max(0, ahead) * 1000)
    }

    private mutating func setWallClock(_ seconds: Int64) {
        wall = seconds
        wallAt = now
        reportExpiredConfig()
    }

    // MARK: Small things that every part needs

    /// The place of a live link; nil if there is none of this number.
    func place(of link: LinkID) -> Int? {
        var low = 0
        var high = sessions.count
        while low < high {
            let middle = (low + high) / 2
            if sessions[middle].link < link { low = middle + 1 } else { high = middle }
        }
        return low < sessions.count && sessions[low].link == link ? low : nil
    }

    mutating func notice(_ kind: Notice.Kind, peer: String? = nil, link: LinkID? = nil) {
        var name = peer
        if name == nil, let link, let place = place(of: link) { name = peerRecords[sessions[place].peer]?.name }
        var notice = Notice(kind: kind, peer: name, link: link)
        guard let suppressed = limiter.admit(notice, at: now) else { return }
        notice.suppressed = suppressed
        effects.append(.notice(notice))
    }

    /// Whether an id is ours, now or until lately (W19).
    func isOurs(_ id: NodeID) -> Bool { id == configuration.id || configuration.aliases.contains(id) }
}
