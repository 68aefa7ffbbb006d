// What the node wants done, done: effects to links, forwarding table, disk and log.

import Logging
import ManagementAPI
import Mesh
import Platform
import Routing
import TLS
import Wire

extension ControlLoop {
    /// Carries effects out in their order.
    func carryOut(_ effects: [Effect]) {
        for effect in effects {
            switch effect {
            case .send(let number, let message): send(message, on: number)
            case .dial(let peer, let address, _): links?.dial(peer: peer, address: address)
            case .cancelDial(let peer): links?.cancelDial(peer)
            case .close(let number, let reason): links?.links[number]?.close(reason)
            case .fib(let changes): change(changes)
            case .linkUp(let number):
                links?.links[number]?.isLive = true
                forwardingChanged()
            case .verifyConfig(let number, let signed, _): verify(number, signed)
            case .persistConfig(let config):
                unsavedConfig = config
                saveDistributedConfig()
            case .notice(let notice): report(notice)
            case .reply(let token, let result): replies.removeValue(forKey: token)?(result)
            case .stopped: nodeStopped()
            }
        }
    }

    private func send(_ message: [UInt8], on number: LinkID) {
        guard let link = links?.links[number], !link.send(message) else { return }
        // The node was told to hold back long before; a peer that takes nothing at all is given up (A15).
        link.close(.dead)
    }

    private func verify(_ number: UInt64, _ signed: SignedConfig) {
        do throws(ConfigRejection) {
            let config = try DistributedConfigCheck.verify(
                signed, authorities: identity.authorities, now: SystemClock.wallSeconds(), allowEarly: true)
            happened(.configVerified(number, config))
        } catch {
            happened(.configRejected(number, error))
        }
    }

    /// Puts the config in force on the disk; a disk that takes nothing is an alarm and a try every 30 s (D5).
    func saveDistributedConfig() {
        guard let config = unsavedConfig else { return }
        do {
            try state.store(config)
            unsavedConfig = nil
            saveRetryAt = nil
        } catch {
            saveRetryAt = reactor.now + 30_000_000
            guard counters.mayLog("save", at: reactor.now, every: 300_000_000) else { return }
            log.error(
                "the distributed config could not be stored; it is in force and will be written when the disk allows",
                metadata: ["cause": "\(error)"])
        }
    }

    /// One line of the log for each notice; the node has bounded how many there are.
    private func report(_ notice: Notice) {
        var metadata: Logger.Metadata = [:]
        if let peer = notice.peer { metadata["peer"] = "\(peer)" }
        if notice.suppressed > 0 { metadata["held_back"] = "\(notice.suppressed)" }
        let (level, text) = describe(notice.kind, &metadata)
        log.log(level: level, "\(text)", metadata: metadata)
        reportStatus()
    }

    private func describe(_ kind: Notice.Kind, _ metadata: inout Logger.Metadata) -> (Logger.Level, String) {
        switch kind {
        case .peerUp(let address, let direction):
            metadata["address"] = "\(address)"
            metadata["direction"] = direction == .inbound ? "inbound" : "outbound"
            return (.notice, "peer up")
        case .peerDown(let reason):
            metadata["reason"] = "\(reason)"
            return (.notice, "peer down")
        case .refused(let code, let detail):
            metadata["code"] = "\(code)"
            metadata["detail"] = "\(detail)"
            return (.notice, "no session with the peer")
        case .duplicateIdentity(let kept, let refused):
            metadata["kept"] = "\(kept)"
            metadata["refused"] = "\(refused)"
            return (.error, "two hosts use the same certificate")
        case .nameMismatch(let configured, let presented):
            metadata["configured"] = "\(configured)"
            metadata["presented"] = "\(presented)"
            return (.warning, "another node answers at the configured address")
        case .routeRejected(let prefix, let reason):
            metadata["prefix"] = "\(prefix.map { "\($0)" } ?? "-")"
            metadata["reason"] = "\(reason.rawValue)"
            return (reason == .ownPrefix || reason == .insideLocalPrefix ? .warning : .info, "route refused")
        case .prefixLimitNear(let accepted, let limit):
            metadata["accepted"] = "\(accepted)"
            metadata["limit"] = "\(limit)"
            return (.warning, "the peer is near its limit of prefixes")
        case .prefixLimitReached(let limit):
            metadata["limit"] = "\(limit)"
            return (.error, "the peer has reached its limit of prefixes; the surplus is refused")
        case .unsolicitedPong: return (.info, "a Pong that nobody asked for")
        case .pingFlood: return (.warning, "too many Pings; some stay unanswered")
        case .outboundRefused(let detail):
            metadata["detail"] = "\(detail)"
            return (.error, "a message of ours was not fit for the peer and was not sent")
        case .configAdopted(let hash, let issuedAt, let warnings):
            metadata["hash"] = "\(Hex.text(hash).prefix(8))"
            metadata["issued_at"] = "\(Timestamp(seconds: issuedAt))"
            if !warnings.isEmpty { metadata["warnings"] = "\(warnings.prefix(5).joined(separator: "; "))" }
            return (.notice, "distributed config adopted")
        case .configRejected(let reason):
            metadata["reason"] = "\(reason)"
            return (.warning, "distributed config refused")
        case .configOlder(let issuedAt):
            metadata["issued_at"] = "\(Timestamp(seconds: issuedAt))"
            return (.info, "an older distributed config was offered")
        case .configConflict(let issuedAt):
            metadata["issued_at"] = "\(Timestamp(seconds: issuedAt))"
            return (.error, "two distributed configs were signed in the same second")
        case .configHeld(let issuedAt):
            metadata["issued_at"] = "\(Timestamp(seconds: issuedAt))"
            return (.warning, "a distributed config from the future is held until its time")
        case .configExpired(let expiresAt):
            metadata["expired_at"] = "\(Timestamp(seconds: expiresAt))"
            return (.error, "the distributed config in force has expired; it stays in force, sign a new one")
        case .certificateExpired(let notAfter):
            metadata["not_after"] = "\(Timestamp(seconds: notAfter))"
            return (.warning, "the peer's certificate has expired")
        case .shutdown: return (.info, "routes withdrawn")
        }
    }
}
