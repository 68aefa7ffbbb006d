// A router for the API's tests: state that a test sets by hand, writes that really change it, answers now or later.

import JSON
import ManagementAPI
import Routing

@testable import Daemon

final class FakeRouter: ManagedRouter {
    static let time = Timestamp(milliseconds: 1_795_341_600_000)
    static let nodeID = id(0xaa)

    static func id(_ byte: UInt8) -> NodeID {
        guard let id = NodeID(bytes: [UInt8](repeating: byte, count: 32)) else { return nodeID }
        return id
    }

    var isAlive = true
    var isStopping = false
    var eventID = "boot-7"
    var health = HealthBody(checks: [HealthBody.Check(name: "vifs", status: .ok)])
    var peerList: [PeerBody] = []
    var routeList: [RouteBody] = []
    var vifList: [VifBody] = []
    var certificateList: [CertificateBody] = []
    var policy: DistributedConfigBody?
    var snapshot = MetricsSnapshot()
    var revision: UInt64 = 1
    var config = NodeConfig(listenAddress: ":5120", ca: "ca.crt", certificate: "a.crt", privateKey: "a.key")
    /// Every configuration that was ever in force.
    var history: [NodeConfig] = []
    /// Writes answer when `release` is called.
    var isSlow = false
    /// Called as a write arrives, before it is judged: a reload by signal, for instance.
    var onApply: () -> Void = {}
    var applied: [(change: ConfigChange, options: WriteOptions)] = []
    var resets: [(PeerSelector, PeerResetMode, String?)] = []
    private var held: [() -> Void] = []

    func release() {
        let ready = held
        held = []
        for answer in ready { answer() }
    }

    private func answer(_ body: @escaping () -> Void) {
        if isSlow { held.append(body) } else { body() }
    }

    func readiness() -> HealthBody { health }

    func status() -> StatusBody {
        var body = StatusBody(
            version: "0.1.0", commit: "abc", id: Self.nodeID, name: "a.vnet", domain: "vnet", protocolVersions: [1],
            bootID: "boot", startedAt: Self.time, time: Self.time, uptimeSeconds: 5, listenAddress: ":5120",
            config: configStatus(), certificateNotAfter: Self.time, health: health)
        body.peers.configured = peerList.count
        body.distributedConfig = policy.map { DistributedConfigIDBody(hash: $0.hash, issuedAt: $0.issuedAt) }
        return body
    }

    func peers() -> [PeerBody] { peerList }

    func peer(_ selector: PeerSelector) -> PeerBody? {
        switch selector {
        case .id(let id): peerList.first { $0.id == id }
        case .name(let name): peerList.first { Name.areEqual($0.name, name) }
        }
    }

    func routes(_ query: RouteQuery, after: Prefix?, limit: Int) -> [RouteBody] {
        let matching = routeList.sorted { $0.prefix < $1.prefix }.filter { route in
            (after.map { $0 < route.prefix } ?? true) && (query.within.map { $0.covers(route.prefix) } ?? true)
                && (query.covers.map { route.prefix.contains($0) } ?? true)
                && (query.source.map { source in route.candidates.contains { $0.source == source } } ?? true)
                && (!query.isSelectedOnly || route.selected != nil)
        }
        return Array(matching.prefix(limit))
    }

    func route(_ prefix: Prefix) -> RouteBody? { routeList.first { $0.prefix == prefix } }

    func lookup(_ address: IPv6Address) -> LookupBody {
        LookupBody(address: address, match: nil, considered: [])
    }

    func forwardingTable(after: Prefix?, limit: Int) -> [FIBEntryBody] {
        let entries = routeList.map {
            FIBEntryBody(prefix: $0.prefix, action: .discard, peer: nil, vif: nil, installedAt: Self.time)
        }
        return Array(
            entries.sorted { $0.prefix < $1.prefix }.filter { entry in after.map { $0 < entry.prefix } ?? true }
                .prefix(limit))
    }

    func vifs() -> [VifBody] { vifList }
    func certificates() -> [CertificateBody] { certificateList }
    func metrics() -> MetricsSnapshot { snapshot }
    func distributedConfig() -> DistributedConfigBody? { policy }
    func distributedConfigBlob() -> [UInt8]? { policy == nil ? nil : [8, 1] }

    func distributedConfigPeers() -> [DistributedConfigPeerBody] {
        peerList.compactMap { peer in
            peer.id.map {
                DistributedConfigPeerBody(peer: NodeRefBody(id: $0, name: peer.name), sync: peer.configSync)
            }
        }
    }

    func checkPolicy(node: String, prefix: Prefix) -> PolicyCheckBody {
        PolicyCheckBody(
            node: node, prefix: prefix, isAllowed: true, matched: nil, reason: ReasonBody(code: "no_entry", detail: "-")
        )
    }

    func uploadDistributedConfig(
        _ bytes: [UInt8], options: WriteOptions,
        completion: @escaping (Result<DistributedConfigPlanBody, Problem>) -> Void
    ) {
        guard bytes.first == 8 else {
            completion(.failure(Problem(.distributedConfigInvalid, "not a distributed config", reason: "bad_encoding")))
            return
        }
        let candidate = Self.policy(hash: String(repeating: "0b", count: 32))
        let isChanged = policy?.hash != candidate.hash
        if !options.isDryRun { policy = candidate }
        let plan = DistributedConfigPlanBody(
            isChanged: isChanged, isDryRun: options.isDryRun, isValid: true, isNewer: isChanged, candidate: candidate,
            added: [], removed: [], routesNewlyRejected: [], routesNewlyAccepted: [], isSelfAffected: false)
        answer { completion(.success(plan)) }
    }

    static func policy(hash: String) -> DistributedConfigBody {
        DistributedConfigBody(
            version: 1, hash: hash, issuedAt: time, expiresAt: time, signerID: hash, signerSubject: "", adoptedAt: nil,
            sourceKind: .api, sourcePeer: nil, sizeBytes: 2, content: ["prefix_whitelist": [:]], warnings: [])
    }

    var runningConfig: NodeConfig { config }
    var effectiveConfig: NodeConfig { config }
    func fileConfig() -> Result<NodeConfig, Problem> { .success(config) }

    func configStatus() -> ConfigStatusBody {
        ConfigStatusBody(
            revision: revision, changedAt: Self.time, changedBy: "start", file: "/etc/vmesh/config.json",
            fileSHA256: nil, runningMatchesFile: true, fileChangedOnDisk: false, persist: .writeBack)
    }

    func apply(_ change: ConfigChange, options: WriteOptions, completion: @escaping ApplyCompletion) {
        onApply()
        answer { [self] in
            guard change.baseRevision == revision else {
                completion(.failure(.staleConfigChange))
                return
            }
            applied.append((change, options))
            if !options.isDryRun {
                history.append(config)
                config = change.proposed
                revision += 1
            }
            completion(
                .success(
                    ApplyResultBody(
                        isChanged: true, isDryRun: options.isDryRun, revision: revision, isPersisted: true)))
        }
    }

    func reloadConfig(options: WriteOptions, completion: @escaping ApplyCompletion) {
        completion(
            .success(
                ApplyResultBody(isChanged: false, isDryRun: options.isDryRun, revision: revision, isPersisted: true)))
    }

    func resetPeer(
        _ selector: PeerSelector, mode: PeerResetMode, reason: String?, options: WriteOptions,
        completion: @escaping (Result<PeerBody, Problem>) -> Void
    ) {
        resets.append((selector, mode, reason))
        guard let peer = peer(selector) else {
            completion(.failure(Problem(.peerNotFound)))
            return
        }
        completion(.success(peer))
    }

    func addExternalCertificate(
        pem: [UInt8], options: WriteOptions, completion: @escaping (Result<(ApplyResultBody, String), Problem>) -> Void
    ) {
        guard pem.starts(with: Array("-----BEGIN".utf8)) else {
            completion(.failure(Problem(.chainInvalid, "no certificate in it")))
            return
        }
        let id = String(repeating: "77", count: 32)
        let isNew = !certificateList.contains { $0.id == id }
        if isNew, !options.isDryRun {
            certificateList.append(Self.certificate(id: id, role: .externalPeer))
            revision += 1
        }
        let result = ApplyResultBody(
            isChanged: isNew, isDryRun: options.isDryRun, revision: revision, isPersisted: true)
        completion(.success((result, id)))
    }

    func removeExternalCertificate(
        id: String, force: Bool, options: WriteOptions, completion: @escaping (Result<ApplyResultBody, Problem>) -> Void
    ) {
        guard force else {
            completion(.failure(Problem(.inUse, "a session hangs on it")))
            return
        }
        certificateList.removeAll { $0.id == id }
        completion(
            .success(
                ApplyResultBody(isChanged: true, isDryRun: options.isDryRun, revision: revision, isPersisted: true)))
    }

    static func certificate(id: String, role: CertificateBody.Role) -> CertificateBody {
        CertificateBody(
            id: id, role: role, subject: "CN=x", commonName: "x", issuer: "CN=CA", serialHex: "0a", notBefore: time,
            notAfter: time, expiresInSeconds: -1, keyAlgorithm: "ed25519", isCA: role == .ca, subjectAltNames: [],
            path: nil, pem: "-----BEGIN CERTIFICATE-----\n", warnings: [])
    }
}
