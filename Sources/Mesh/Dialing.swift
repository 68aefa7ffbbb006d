// When a configured peer is dialled: at once at start, then with growing pauses that differ between nodes.
//
// An address that does not answer costs 250 ms, doubling to 10 s; a refusal 1 s, doubling to 60 s; a v1 node that holds
// another link with us 100 s, as it asks for; an address that leads to ourselves ten minutes. Several addresses are
// tried in turn without a pause, and the pause follows the last of them. Nobody is dialled who is here already.
import Routing

/// Why a dial, or a link, ended; decides the pause.
enum DialOutcome: Sendable {
    case failed(DialFailure)
    case refused(CloseReason)
    case ended(code: String, afterMilliseconds: Int64)
}

extension Node {
    /// When a peer is dialled next; nil: not as things stand.
    func dialDue(_ record: PeerRecord) -> Instant? {
        guard let configured = record.configuration, configured.isEnabled, !configured.addresses.isEmpty,
            record.link == nil, record.dial.phase == .waiting
        else { return nil }
        return record.dial.due
    }

    mutating func runDials() {
        let due = peerRecords.filter { dialDue($0.value).map { $0 <= now } ?? false }.keys.sorted()
        for key in due {
            guard var record = peerRecords[key], let configured = record.configuration else { continue }
            // A link that waits for its rival's end is as good as here.
            guard !pending.contains(where: { $0.peer == key }) else {
                let later = now.adding(milliseconds: tunables.probeWait)
                peerRecords[key]?.dial.due = later
                continue
            }
            let address = configured.addresses[record.dial.addressIndex % configured.addresses.count]
            record.dial.phase = .dialing
            record.dial.due = nil
            record.dial.attempts += 1
            record.statusSince = now
            peerRecords[key] = record
            effects.append(.dial(peer: record.name, address: address, attempt: record.dial.attempts))
        }
    }

    mutating func dialConnected(_ peer: String) {
        guard peerRecords[peer.lowercased()]?.dial.phase == .dialing else { return }
        peerRecords[peer.lowercased()]?.dial.phase = .handshaking
        peerRecords[peer.lowercased()]?.statusSince = now
    }

    mutating func dialFailed(_ peer: String, _ address: String, _ failure: DialFailure) {
        let key = peer.lowercased()
        guard let record = peerRecords[key], record.dial.phase != .waiting else { return }
        peerRecords[key]?.dial.phase = .waiting
        peerRecords[key]?.dial.addressIndex += 1
        retry(key, after: .failed(failure), detail: failure.detail)
        notice(.refused(code: failure.code, detail: "\(address): \(failure.detail)"), peer: record.name)
    }

    /// Sets when a peer is dialled again.
    mutating func retry(_ key: String, after outcome: DialOutcome, detail: String) {
        guard var record = peerRecords[key] else { return }
        var pause: Int64
        let code: String
        var isRefusal = true
        switch outcome {
        case .failed(.unreachable), .failed(.protocolError):
            isRefusal = false
            code = if case .failed(let failure) = outcome { failure.code } else { "" }
            let count = record.configuration?.addresses.count ?? 1
            let isLastAddress = record.dial.addressIndex % max(1, count) == 0
            pause =
                isLastAddress
                ? grow(&record, tunables.dialBackoffFirst, tunables.dialBackoffLast, isRefusal: false) : 10
        case .failed(.authentication(let reason, _)):
            code = reason
            pause = grow(&record, tunables.refusalBackoffFirst, tunables.refusalBackoffLast, isRefusal: true)
        case .failed(.duplicate):
            code = DialFailure.duplicate.code
            pause = record.isOurs ? tunables.refusalBackoffFirst : tunables.duplicateBackoff
        case .refused(.ownIdentity):
            code = CloseReason.ownIdentity.rawValue
            pause = tunables.ownIdentityBackoff
        case .refused(let reason):
            code = reason.rawValue
            pause = grow(&record, tunables.refusalBackoffFirst, tunables.refusalBackoffLast, isRefusal: true)
        case .ended(let ended, let lived):
            code = ended
            isRefusal = false
            // A link that lived is worth coming back for at once; one that died young is not.
            if lived >= 10_000 { record.dial.backoff = 0 }
            pause = grow(&record, tunables.dialBackoffFirst, tunables.dialBackoffLast, isRefusal: false)
            record.dial.attempts = 0
            if ended == LinkEnd.duplicate.code {
                pause = record.isOurs ? tunables.refusalBackoffFirst : tunables.duplicateBackoff
            }
            if let held = record.heldUntil, held > now { pause = max(pause, held.milliseconds(since: now)) }
        }
        record.dial.isRefused = isRefusal
        record.dial.due = now.adding(milliseconds: jitter.around(pause, percent: 20))
        record.statusSince = now
        record.lastError = (now, code, detail)
        peerRecords[key] = record
    }

    /// Doubles the pause; a refusal after an unreachable address, or the other way round, starts anew.
    private func grow(_ record: inout PeerRecord, _ first: Int64, _ last: Int64, isRefusal: Bool) -> Int64 {
        if record.dial.isRefused != isRefusal { record.dial.backoff = 0 }
        let pause = min(last, max(first, record.dial.backoff * 2))
        record.dial.backoff = pause
        return pause
    }
}
