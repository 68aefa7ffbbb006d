// Which links may live: names, ids, and one link a peer.
//
// TLS has decided whom to trust. Here it is decided under which name a link stands (B5, B6, B19), whether it is
// ourselves or blocked (C19c), and which of two links of the same peer lives (A25, A26, B7): towards our own software
// the one that the smaller id dialled, else the first; but before a link is refused for an older one's sake, the older
// one must answer a Ping within a second.
import Routing
import Wire

extension Node {
    mutating func admit(_ link: LinkID, _ info: LinkInfo) {
        if isStopping { return refuse(link, .shutdown) }
        if info.trust == .internalCA, !info.name.isEmpty { sawInternalName(info.name) }
        let key = peerKey(of: info)
        if case .outbound(let dialled) = info.direction {
            peerRecords[dialled.lowercased()]?.dial.phase = .waiting
        }
        if let (reason, detail) = objection(to: info, key: key) {
            return turnAway(link, info, key: key, reason, detail)
        }
        if peerRecords[key] == nil {
            forgetSeenPeers()
            peerRecords[key] = PeerRecord(name: displayName(of: info, key: key), now: now)
        }
        guard let rival = rival(of: info, key: key) else { return open(link, info, key: key) }
        meet(link, info, key: key, rival: rival)
    }

    /// Why a link may not live, whatever others there are.
    private func objection(to info: LinkInfo, key: String) -> (CloseReason, String)? {
        if isOurs(info.id) { return (.ownIdentity, "the address leads to this node itself") }
        if configuration.blocked.contains(info.id) { return (.blocked, "the id is blocked") }
        if info.certificateNotAfter <= wallClock { return (.certificateExpired, "the certificate has expired") }
        if case .outbound(let dialled) = info.direction {
            guard let wanted = peerRecords[dialled.lowercased()]?.configuration, wanted.isEnabled else {
                return (.unconfigured, "the peer is not configured any more")
            }
            if !info.answers(to: wanted.name) {
                return (.nameMismatch, "\(wanted.name) was dialled, \(displayName(of: info, key: key)) answered")
            }
        }
        if let record = peerRecords[key] {
            if let configured = record.configuration, !configured.isEnabled { return (.unconfigured, "disabled") }
            if let held = record.heldUntil, held > now {
                return (.protocolViolation, "the peer broke the protocol and must wait")
            }
        }
        if sessions.count + pending.count >= tunables.maximumLinks { return (.tooManyLinks, "too many links") }
        return nil
    }

    /// The name of an external peer by v1's habit: its CommonName, unless that is a name of ours (B5, W7).
    func externalCommonName(_ info: LinkInfo) -> String? {
        let name = info.name.lowercased()
        let domain = configuration.domain.lowercased()
        guard !name.isEmpty, name != domain, !name.hasSuffix("." + domain), !internalNames.contains(name) else {
            return nil
        }
        return name
    }

    /// Under which key a link's peer is known.
    private func peerKey(of info: LinkInfo) -> String {
        switch info.trust {
        case .internalCA:
            if !info.name.isEmpty { return info.name.lowercased() }
        case .externalPin(let bound):
            if let bound { return bound.lowercased() }
            if case .outbound(let dialled) = info.direction, info.answers(to: dialled) { return dialled.lowercased() }
            if let name = externalCommonName(info), peerRecords[name]?.configuration != nil { return name }
        }
        return "sha256:\(info.id)"
    }

    private func displayName(of info: LinkInfo, key: String) -> String {
        if key == info.name.lowercased() { return info.name }
        return peerRecords[key]?.name ?? key
    }

    private mutating func sawInternalName(_ name: String) {
        guard internalNames.count < 65_536, internalNames.insert(name.lowercased()).inserted else { return }
        // An external peer may have lived under this name until now.
        if sessions.contains(where: { $0.info.trust != .internalCA && $0.info.name.lowercased() == name.lowercased() })
        {
            judgeAgain()
        }
    }

    // MARK: Two links of one peer

    /// The live link that a new one would stand beside: the same id, or the same name with another certificate.
    private func rival(of info: LinkInfo, key: String) -> Int? {
        sessions.firstIndex { $0.info.id == info.id } ?? sessions.firstIndex { $0.peer == key }
    }

    private mutating func meet(_ link: LinkID, _ info: LinkInfo, key: String, rival place: Int) {
        let old = sessions[place]
        if old.info.id != info.id {
            // B16: a renewed certificate is the same node; make before break. But two nodes of one name must not
            // push each other out all the time.
            if isTakeoverTooSoon(key) {
                return turnAway(link, info, key: key, .duplicate, "two certificates, one name")
            }
            return takeOver(link, info, key: key, from: old.link)
        }
        let isOurs = old.isOurs || info.isOurs
        let oldIsOutbound = old.info.direction != .inbound
        let newIsOutbound = info.direction != .inbound
        if isOurs, oldIsOutbound != newIsOutbound, newIsOutbound == (configuration.id < info.id) {
            // A25: the smaller id dialled the new one, and the other side comes to the same conclusion.
            close(old.link, .duplicate)
            return open(link, info, key: key)
        }
        // One that waits already is enough.
        if let index = pending.firstIndex(where: { $0.rival == old.link }) {
            let waiting = pending.remove(at: index)
            refuse(waiting.link, .duplicate)
        }
        pending.append(
            PendingLink(
                link: link, info: info, peer: key, rival: old.link, openedAt: now,
                deadline: now.adding(milliseconds: tunables.probeWait)))
        sendPing(place)
    }

    private func isTakeoverTooSoon(_ key: String) -> Bool {
        guard let last = peerRecords[key]?.lastTakeover else { return false }
        return now < last.adding(milliseconds: tunables.identityHold)
    }

    private mutating func takeOver(_ link: LinkID, _ info: LinkInfo, key: String, from old: LinkID) {
        peerRecords[key]?.lastTakeover = now
        close(old, .replaced)
        open(link, info, key: key)
    }

    /// The rival of a waiting link has given a sign of life: the older link stays.
    mutating func refusePending(against rival: LinkID) {
        guard let index = pending.firstIndex(where: { $0.rival == rival }), let place = place(of: rival) else { return }
        let waiting = pending.remove(at: index)
        let old = sessions[place]
        let isOtherHost = Self.host(of: old.info.remoteAddress) != Self.host(of: waiting.info.remoteAddress)
        if isOtherHost {
            notice(
                .duplicateIdentity(kept: old.info.remoteAddress, refused: waiting.info.remoteAddress), link: rival)
            let hosts = "\(old.info.remoteAddress), \(waiting.info.remoteAddress)"
            let warning = "\(CloseReason.duplicateIdentity.rawValue): two hosts hold this certificate: \(hosts)"
            peerRecords[waiting.peer]?.warnings = [warning]
        }
        refuse(waiting.link, isOtherHost ? .duplicateIdentity : .duplicate)
    }

    /// Links whose rival kept silent for the whole second take its place.
    mutating func runPendingLinks() {
        while let index = pending.firstIndex(where: { $0.deadline <= now }) {
            let waiting = pending.remove(at: index)
            let old = place(of: waiting.rival).map { sessions[$0].info }
            let isOtherHost = old.map { Self.host(of: $0.remoteAddress) != Self.host(of: waiting.info.remoteAddress) }
            if isOtherHost ?? false, isTakeoverTooSoon(waiting.peer) {
                refuse(waiting.link, .duplicateIdentity)
                continue
            }
            peerRecords[waiting.peer]?.lastTakeover = now
            promote(waiting)
        }
    }

    /// A waiting link becomes the live one, and what came on it meanwhile is heard.
    mutating func promote(_ waiting: PendingLink) {
        if place(of: waiting.rival) != nil { close(waiting.rival, .replaced) }
        open(waiting.link, waiting.info, key: waiting.peer)
        setWritable(waiting.link, waiting.isWritable)
        for message in waiting.messages { received(message, on: waiting.link) }
    }

    /// Keeps what comes on a waiting link; one that says too much is refused.
    mutating func keep(_ message: PeerMessage, onPending link: LinkID) {
        guard let index = pending.firstIndex(where: { $0.link == link }) else { return }
        pending[index].bytes += 64 + message.payloadCount
        guard pending[index].bytes <= tunables.maximumPendingBytes else {
            pending.remove(at: index)
            return refuse(link, .protocolViolation)
        }
        pending[index].messages.append(message)
    }

    /// The host of "host:port", brackets and all.
    private static func host(of address: String) -> Substring {
        address.lastIndex(of: ":").map { address[..<$0] } ?? address[...]
    }

    // MARK: Opening, refusing, closing

    private mutating func open(_ link: LinkID, _ info: LinkInfo, key: String) {
        let session = Session(
            link: link, info: info, peer: key, ourID: configuration.id, edge: edges.make(), now: now,
            tunables: tunables, logEnd: changeLogStart + changeLog.count)
        let place = sessions.firstIndex { $0.link > link } ?? sessions.count
        sessions.insert(session, at: place)
        let configured = peerRecords[key]?.configuration
        rib.open(link: link, id: info.id, limit: limit(of: configured), costFloor: configured?.costFloor ?? 0)
        if peerRecords[key]?.dial.phase != .waiting { effects.append(.cancelDial(peer: peerRecords[key]?.name ?? key)) }
        peerRecords[key]?.dial.phase = .waiting
        peerRecords[key]?.dial.due = nil
        peerRecords[key]?.dial.isRefused = false
        peerRecords[key]?.id = info.id
        peerRecords[key]?.link = link
        peerRecords[key]?.upSince = now
        peerRecords[key]?.statusSince = now
        peerRecords[key]?.lastSeen = now
        effects.append(.linkUp(link))
        notice(.peerUp(remoteAddress: info.remoteAddress, direction: info.direction), link: link)
        sendPing(place)
    }

    /// Closes a link that never lived.
    private mutating func refuse(_ link: LinkID, _ reason: CloseReason) {
        closing[link] = reason
        effects.append(.close(link, reason))
    }

    private mutating func turnAway(
        _ link: LinkID, _ info: LinkInfo, key: String, _ reason: CloseReason, _ detail: String
    ) {
        refuse(link, reason)
        var subject = key
        if case .outbound(let dialled) = info.direction {
            subject = dialled.lowercased()
            retry(subject, after: .refused(reason), detail: detail)
        }
        if reason == .nameMismatch {
            notice(
                .nameMismatch(configured: peerRecords[subject]?.name ?? subject, presented: info.name),
                peer: peerRecords[subject]?.name ?? subject)
        } else {
            notice(.refused(code: reason.rawValue, detail: detail), peer: peerRecords[subject]?.name ?? subject)
        }
    }

    /// Ends a live link: its routes go at once, the transport's end follows later.
    mutating func close(_ link: LinkID, _ reason: CloseReason) {
        guard let place = place(of: link) else { return }
        closing[link] = reason
        effects.append(.close(link, reason))
        endSession(place, code: reason.rawValue, detail: reason.rawValue, reason: reason)
    }

    private mutating func endSession(_ place: Int, code: String, detail: String, reason: CloseReason?) {
        let session = sessions[place]
        notice(.peerDown(reason: code), link: session.link)
        sessions.remove(at: place)
        rib.close(link: session.link)
        // R2: whoever holds a path through this edge learns that it is dead.
        if rib.declareDead(session.edgeToken) { edges.reveal(session.edge, at: now) }
        peerRecords[session.peer]?.sessionEnds[code, default: 0] += 1
        guard peerRecords[session.peer]?.link == session.link else { return }
        peerRecords[session.peer]?.link = nil
        peerRecords[session.peer]?.isOurs = session.isOurs
        peerRecords[session.peer]?.lastSeen = now
        peerRecords[session.peer]?.statusSince = now
        if reason == .protocolViolation { hold(session.peer) }
        let lived = now.milliseconds(since: session.openedAt)
        retry(session.peer, after: .ended(code: code, afterMilliseconds: lived), detail: detail)
    }

    /// A2: a peer that breaks the protocol waits a minute, doubling to an hour.
    private mutating func hold(_ key: String) {
        let time = min(3_600_000, max(60_000, (peerRecords[key]?.holdTime ?? 0) * 2))
        peerRecords[key]?.holdTime = time
        peerRecords[key]?.heldUntil = now.adding(milliseconds: time)
    }

    /// The transport says that a link is gone.
    mutating func linkClosed(_ link: LinkID, _ end: LinkEnd) {
        if closing.removeValue(forKey: link) != nil { return }
        pending.removeAll { $0.link == link }
        guard let place = place(of: link) else { return }
        var detail = end.code
        if case .failed(let text) = end { detail = text }
        endSession(place, code: end.code, detail: detail, reason: nil)
        if let index = pending.firstIndex(where: { $0.rival == link }) { promote(pending.remove(at: index)) }
    }

    mutating func fault(_ link: LinkID, _ detail: String) {
        guard let place = place(of: link) else {
            if pending.contains(where: { $0.link == link }) {
                pending.removeAll { $0.link == link }
                refuse(link, .protocolViolation)
            }
            return
        }
        let key = sessions[place].peer
        close(link, .protocolViolation)
        peerRecords[key]?.lastError = (now, CloseReason.protocolViolation.rawValue, detail)
    }

    /// Forgets the peers without configuration that were seen longest ago, beyond the bound.
    private mutating func forgetSeenPeers() {
        let gone = peerRecords.filter { $0.value.configuration == nil && $0.value.link == nil }
        guard gone.count >= tunables.maximumSeenPeers else { return }
        let order = gone.sorted { ($0.value.lastSeen, $0.key) < ($1.value.lastSeen, $1.key) }
        for (key, _) in order.prefix(gone.count - tunables.maximumSeenPeers + 1) { peerRecords[key] = nil }
    }
}

extension PeerMessage {
    /// Bytes that keeping the message takes, about.
    var payloadCount: Int {
        switch self {
        case .ip(let bytes), .announce(let bytes): bytes.count
        case .distributedConfig(let config): config.certificate.count + config.content.count
        case .channelRequest(_, let token), .channelResponse(_, let token): token.count
        case .invalid, .ping, .pong, .unknown: 0
        }
    }
}
