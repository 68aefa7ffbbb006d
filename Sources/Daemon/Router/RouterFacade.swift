// The router as the management API sees it: `ManagedRouter` over the control loop.
//
// Reads map the node's views to the API's bodies (RouterBodies*.swift); writes go through ConfigurationApplier. All of
// it runs on the control loop's thread, inside a handler, so a snapshot is consistent in itself.

import HTTP
import JSON
import ManagementAPI
import Mesh
import Platform
import Routing
import TLS
import Wire

final class RouterFacade: ManagedRouter {
    let loop: ControlLoop

    private var knownStatistics: (at: Int64, value: ProcessStatistics)?

    init(_ loop: ControlLoop) { self.loop = loop }

    /// At most a second old: what /proc says costs more than the rest of an answer, and status may be asked thousands
    /// of times a second.
    var processStatistics: ProcessStatistics {
        if let known = knownStatistics, loop.reactor.now - known.at < 1_000_000 { return known.value }
        let value = ProcessStatistics.current()
        knownStatistics = (loop.reactor.now, value)
        return value
    }

    // MARK: State

    /// Answering at all means that the loop turns: a hung one answers nothing.
    var isAlive: Bool { true }
    var isStopping: Bool { loop.isStopping }
    var eventID: String { "\(loop.bootID)-\(loop.node.counters.routeChanges)" }

    func peers() -> [PeerBody] { loop.node.peers(at: loop.now).map(body) }

    func peer(_ selector: PeerSelector) -> PeerBody? { view(selector).map(body) }

    func view(_ selector: PeerSelector) -> PeerView? {
        switch selector {
        case .id(let id): loop.node.peer("\(id)", at: loop.now)
        case .name(let name): loop.node.peer(name, at: loop.now)
        }
    }

    func routes(_ query: RouteQuery, after: Prefix?, limit: Int) -> [RouteBody] {
        let link = query.peer.map { view($0)?.link }
        // A peer that is not there has no routes; nil would mean "any".
        if let link, link == nil { return [] }
        var found: [RouteBody] = []
        var place = after
        repeat {
            let page = loop.node.routes(after: place, limit: limit - found.count) { route in
                if let within = query.within, !within.covers(route.prefix) { return false }
                if let covers = query.covers, !route.prefix.contains(covers) { return false }
                if let link, !route.candidates.contains(where: { $0.link == link }) { return false }
                if let source = query.source,
                    !route.candidates.contains(where: { ($0.local != nil) == (source == .local) })
                {
                    return false
                }
                return !query.isSelectedOnly || route.selected != nil
            }
            found += page.routes.map { body($0, selectedOnly: query.isSelectedOnly) }
            place = page.next
        } while found.count < limit && place != nil
        return found
    }

    func route(_ prefix: Prefix) -> RouteBody? { loop.node.route(prefix).map { body($0, selectedOnly: false) } }

    func lookup(_ address: IPv6Address) -> LookupBody {
        var match: FIBEntryBody?
        var considered: [LookupBody.Considered] = []
        for route in loop.node.lookup(address) {
            guard let best = route.candidates.first else { continue }
            let isUsed = match == nil && route.selected != nil
            if isUsed { match = entry(route) }
            let reason =
                if isUsed || route.selected == nil {
                    reasonBody(best)
                } else {
                    ReasonBody(code: "longer_match", detail: "a longer prefix is used")
                }
            considered.append(LookupBody.Considered(prefix: route.prefix, isUsed: isUsed, reason: reason))
        }
        return LookupBody(address: address, match: match, considered: considered)
    }

    func forwardingTable(after: Prefix?, limit: Int) -> [FIBEntryBody] {
        var entries: [FIBEntryBody] = []
        var place = after
        repeat {
            let page = loop.node.routes(after: place, limit: limit - entries.count) { $0.selected != nil }
            entries += page.routes.compactMap(entry)
            place = page.next
        } while entries.count < limit && place != nil
        return entries
    }

    func certificates() -> [CertificateBody] {
        let config = loop.configuration.running
        let own = [body(loop.identity.identity.certificate, .node, config.certificate)]
        let authorities = loop.identity.authorities.map { body($0, .ca, config.ca) }
        return own + authorities + loop.identity.external.map { body($0.certificate, .externalPeer, $0.path) }
    }

    // MARK: Distributed config

    func distributedConfig() -> DistributedConfigBody? {
        let view = loop.node.distributedConfig
        return view.current.flatMap { body($0, view) }
    }

    func distributedConfigBlob() -> [UInt8]? { loop.node.distributedConfig.current?.signed.encoded() }

    func distributedConfigPeers() -> [DistributedConfigPeerBody] {
        loop.node.peers(at: loop.now).compactMap { peer in
            guard let id = peer.id, peer.status == .up else { return nil }
            return DistributedConfigPeerBody(peer: NodeRefBody(id: id, name: peer.name), sync: body(peer.configSync))
        }
    }

    func checkPolicy(node: String, prefix: Prefix) -> PolicyCheckBody {
        let current = loop.node.distributedConfig.current
        let content = current.flatMap { try? PolicyContent.parse($0.signed.content) }
        return PolicyCheck.body(node: node, prefix: prefix, policy: content)
    }

    func uploadDistributedConfig(
        _ bytes: [UInt8], options: WriteOptions,
        completion: @escaping (Result<DistributedConfigPlanBody, Problem>) -> Void
    ) {
        let verified: VerifiedConfig
        do {
            let signed = try DistributedConfigCheck.decode(bytes)
            verified = try DistributedConfigCheck.verify(
                signed, authorities: loop.identity.authorities, now: SystemClock.wallSeconds())
        } catch {
            return completion(
                .failure(Problem(.distributedConfigInvalid, error.detail, reason: error.reason)))
        }
        let view = loop.node.distributedConfig
        var plan = UploadPlan(loop).plan(verified, body(verified, view), isDryRun: options.isDryRun)
        guard plan.isChanged else { return completion(.success(plan)) }
        guard plan.isNewer else {
            return completion(.failure(Problem(.distributedConfigNotNewer, UploadPlan.notNewer(verified, view))))
        }
        guard !options.isDryRun else { return completion(.success(plan)) }
        loop.command(.offerConfig(verified.signed)) { [weak self] result in
            switch result {
            case .done:
                guard let self else { return completion(.success(plan)) }
                plan.candidate = self.distributedConfig() ?? plan.candidate
                completion(.success(plan))
            case .configInvalid(let reason, let detail):
                completion(.failure(Problem(.distributedConfigInvalid, detail, reason: reason)))
            case .configNotNewer:
                completion(.failure(Problem(.distributedConfigNotNewer, UploadPlan.notNewer(verified, view))))
            case .configHeld:
                completion(
                    .failure(
                        Problem(
                            .distributedConfigInvalid, "issued more than five minutes ahead of this router's clock",
                            reason: "issued_in_future")))
            case .peerNotFound: completion(.failure(Problem(.internal)))
            }
        }
    }

    // MARK: Configuration

    var runningConfig: NodeConfig { loop.configuration.running }

    func configStatus() -> ConfigStatusBody { loop.configuration.status }

    func fileConfig() -> Result<NodeConfig, Problem> {
        do { return .success(try loop.configuration.file.load().config) } catch { return .failure(error.problem) }
    }

    var effectiveConfig: NodeConfig { EffectiveConfiguration.of(loop) }

    func apply(_ change: ConfigChange, options: WriteOptions, completion: @escaping ApplyCompletion) {
        guard change.baseRevision == loop.configuration.revision else {
            return completion(.failure(.staleConfigChange))
        }
        loop.apply(change.proposed, changes: change.changes, options: options, completion: completion)
    }

    func reloadConfig(options: WriteOptions, completion: @escaping ApplyCompletion) {
        loop.reload(options: options, completion: completion)
    }

    // MARK: Actions

    func resetPeer(
        _ selector: PeerSelector, mode: PeerResetMode, reason: String?, options: WriteOptions,
        completion: @escaping (Result<PeerBody, Problem>) -> Void
    ) {
        guard let peer = view(selector) else { return completion(.failure(Problem(.peerNotFound))) }
        loop.log.notice(
            "peer reset",
            metadata: [
                "peer": "\(peer.name)", "mode": "\(mode.rawValue)", "by": "\(options.actor)",
                "reason": "\(reason ?? "-")",
            ])
        loop.command(.resetPeer(peer.name, mode == .hard ? .hard : .soft)) { [weak self] _ in
            guard let self, let now = self.view(selector) else { return completion(.failure(Problem(.peerNotFound))) }
            completion(.success(self.body(now)))
        }
    }

    func addExternalCertificate(
        pem: [UInt8], options: WriteOptions, completion: @escaping (Result<(ApplyResultBody, String), Problem>) -> Void
    ) {
        ExternalCertificates(loop).add(pem: pem, options: options, completion: completion)
    }

    func removeExternalCertificate(
        id: String, force: Bool, options: WriteOptions,
        completion: @escaping (Result<ApplyResultBody, Problem>) -> Void
    ) {
        ExternalCertificates(loop).remove(id: id, force: force, options: options, completion: completion)
    }
}
