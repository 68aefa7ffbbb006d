// Orders of the API: whole values replace whole values, and only what differs has consequences.
import Routing
import Wire

extension Node {
    mutating func carryOut(_ command: Command, _ token: UInt64) {
        let result: CommandResult
        switch command {
        case .setLocalRoutes(let routes): result = .done(changed: replaceLocalRoutes(routes))
        case .setPeers(let peers): result = .done(changed: replacePeers(peers))
        case .setBlocked(let blocked): result = .done(changed: replaceBlocked(blocked))
        case .resetPeer(let peer, let mode): result = reset(peer, mode)
        case .offerConfig(let config):
            if config == configKeeper.current?.signed {
                result = .done(changed: false)
                break
            }
            // Answered when it has been verified.
            return ask(ConfigKeeper.Question(config: config, link: nil, token: token))
        case .setIdentity(let id, let aliases):
            result = .done(changed: id != configuration.id || aliases != configuration.aliases)
            configuration.id = id
            configuration.aliases = aliases
            judgeAgain()
        case .setTunables(let tunables):
            result = .done(changed: tunables != configuration.tunables)
            configuration.tunables = tunables
            rib.hysteresis = tunables.hysteresis
        }
        effects.append(.reply(token: token, result))
    }

    @discardableResult
    mutating func replaceLocalRoutes(_ routes: [Prefix: LocalRoute]) -> Bool {
        let former = configuration.localRoutes
        guard routes != former else { return false }
        configuration.localRoutes = routes
        localLengths = Set(routes.keys.map(\.length)).sorted()
        for prefix in former.keys.sorted() where routes[prefix] == nil {
            rib.setLocal(prefix, nil)
            localSince[prefix] = nil
            if let origin = edges.origins.removeValue(forKey: prefix), rib.declareDead(origin.token) {
                edges.reveal(origin.secret, at: now)
            }
        }
        for prefix in routes.keys.sorted() where routes[prefix] != former[prefix] {
            // Paths with tokens of their own cannot be shared: an origin of very many prefixes goes without.
            if former[prefix] == nil, edges.origins.count < 64 {
                let secret = edges.make()
                edges.origins[prefix] = (secret, secret.token)
            }
            rib.setLocal(prefix, routes[prefix]?.nextHop)
            localSince[prefix] = now
        }
        // What lies inside our own prefixes is another set now (A12).
        if routes.keys != former.keys { judgeAgain() }
        return true
    }

    private mutating func replacePeers(_ peers: [ConfiguredPeer]) -> Bool {
        guard peers != configuration.peers else { return false }
        configuration.peers = peers
        var wanted: [String: ConfiguredPeer] = [:]
        for peer in peers { wanted[peer.name.lowercased()] = peer }
        for key in peerRecords.keys.sorted() {
            guard let former = peerRecords[key]?.configuration, wanted[key] == nil else { continue }
            peerRecords[key]?.configuration = nil
            endDial(key, former.name)
            if let link = peerRecords[key]?.link { close(link, .unconfigured) } else { peerRecords[key] = nil }
        }
        for key in wanted.keys.sorted() {
            guard let peer = wanted[key], peerRecords[key]?.configuration != peer else { continue }
            configure(key, peer)
        }
        judgeAgain()
        for place in sessions.indices { sessions[place].outgoing.fullDue = now }
        return true
    }

    private mutating func configure(_ key: String, _ peer: ConfiguredPeer) {
        let former = peerRecords[key]?.configuration
        if peerRecords[key] == nil { peerRecords[key] = PeerRecord(name: peer.name, now: now) }
        peerRecords[key]?.name = peer.name
        peerRecords[key]?.configuration = peer
        let link = peerRecords[key]?.link
        if !peer.isEnabled {
            endDial(key, peer.name)
            peerRecords[key]?.dial.due = nil
            if let link { close(link, .unconfigured) }
            return
        }
        if let link { rib.setLimit(limit(of: peer), costFloor: peer.costFloor, of: link) }
        guard former?.addresses != peer.addresses || former?.isEnabled != peer.isEnabled else { return }
        endDial(key, peer.name)
        peerRecords[key]?.dial = PeerRecord.DialState()
        peerRecords[key]?.dial.due = now
    }

    private mutating func endDial(_ key: String, _ name: String) {
        guard let phase = peerRecords[key]?.dial.phase, phase != .waiting else { return }
        peerRecords[key]?.dial.phase = .waiting
        effects.append(.cancelDial(peer: name))
    }

    private mutating func replaceBlocked(_ blocked: Set<NodeID>) -> Bool {
        guard blocked != configuration.blocked else { return false }
        configuration.blocked = blocked
        for session in sessions where blocked.contains(session.info.id) { close(session.link, .blocked) }
        return true
    }

    private mutating func reset(_ peer: String, _ mode: ResetMode) -> CommandResult {
        guard let key = recordKey(peer) else { return .peerNotFound }
        peerRecords[key]?.heldUntil = nil
        peerRecords[key]?.dial.backoff = 0
        guard let link = peerRecords[key]?.link, let place = place(of: link) else {
            if peerRecords[key]?.dial.phase == .waiting { peerRecords[key]?.dial.due = now }
            return .done(changed: false)
        }
        switch mode {
        case .hard: close(link, .reset)
        case .soft:
            judgeAgain(only: link)
            sessions[place].outgoing.fullDue = now
        }
        return .done(changed: true)
    }

    /// The key of the peer that a name, in any case, or a 64-digit id means.
    func recordKey(_ name: String) -> String? {
        let key = name.lowercased()
        if peerRecords[key] != nil { return key }
        guard let id = NodeID(hex: key) else { return nil }
        return peerRecords.keys.sorted().first { peerRecords[$0]?.id == id }
    }
}
