// From the node's views to the API's bodies: peers, routes, certificates, distributed config.
//
// The node speaks in microseconds and instants of a clock that only differences of mean anything; the API in
// milliseconds and wall time. How far the clocks are apart gives the wall time of an instant.

import JSON
import ManagementAPI
import Mesh
import Platform
import Routing
import TLS
import Wire

extension RouterFacade {
    /// When `instant` was, or will be, by the wall clock.
    func timestamp(_ instant: Instant) -> Timestamp {
        Timestamp(milliseconds: (loop.wallOffset.current() + instant.microseconds) / 1000)
    }

    // MARK: Peers

    func body(_ view: PeerView) -> PeerBody {
        let config = loop.configuration.running.peer(named: view.name)
        var body = PeerBody(
            name: view.name, id: view.id, origin: config == nil ? "inbound" : "configured",
            status: ManagementAPI.PeerStatus(rawValue: view.status.rawValue) ?? .idle,
            statusSince: timestamp(view.statusSince))
        body.config = config
        if let info = view.info {
            body.direction = info.direction == .inbound ? "inbound" : "outbound"
            body.remoteAddress = info.remoteAddress
            body.trust = info.trust == .internalCA ? "internal_ca" : "external_cert"
            body.certificateNotAfter = Timestamp(seconds: info.certificateNotAfter)
            body.protocolVersion = 1
            body.dataChannel.kind = "stream"
            body.dataChannel.isEncrypted = true
            body.dataChannel.status = "active"
            body.dataChannel.remoteAddress = info.remoteAddress
            body.dataChannel.since = timestamp(view.statusSince)
        }
        body.attempts = view.attempts
        body.retryAt = view.retryAt.map(timestamp)
        body.lastError = view.lastError.map { ErrorNoteBody(time: timestamp($0.at), code: $0.code, detail: $0.detail) }
        body.latency = latency(view.latency)
        body.prefixes.received = view.routesReceived
        body.prefixes.accepted = view.routesAccepted
        body.prefixes.rejected = view.routesRejected
        body.prefixes.advertised = view.routesAdvertised
        body.prefixes.limit = view.routesLimit
        body.counters = counters(loop.traffic(of: view.name, link: view.link), link: view.link)
        body.configSync = self.body(view.configSync)
        body.warnings = view.warnings
        return body
    }

    private func latency(_ view: LatencyView) -> LatencyBody {
        func milliseconds(_ value: UInt64?) -> Double? { value.map { Double($0) / 1000 } }
        var body = LatencyBody()
        body.last = milliseconds(view.last)
        body.mean = milliseconds(view.mean)
        body.minimum = milliseconds(view.minimum)
        body.maximum = milliseconds(view.maximum)
        body.jitter = milliseconds(view.jitter)
        body.lossRatio = view.probesSent == 0 ? 0 : min(1, Double(view.probesLost) / Double(view.probesSent))
        body.samples = view.samples
        return body
    }

    private func counters(_ link: LinkCounters, link number: LinkID?) -> CountersBody {
        var body = CountersBody()
        body.receivedBytes = link.receivedBytes
        body.receivedPackets = link.receivedPackets
        body.sentBytes = link.sentBytes
        body.sentPackets = link.sentPackets
        body.drops = link.drops.sorted { $0.key < $1.key }.map { reason, drop in
            DropCountBody(direction: "tx", reason: reason, packets: drop.packets, bytes: drop.bytes)
        }
        body.drops += number.flatMap { loop.plane.counters(of: $0)?.drops.map(DropCountBody.init) } ?? []
        return body
    }

    func body(_ view: ConfigSyncView) -> ConfigSyncBody {
        var body = ConfigSyncBody()
        body.status = view.status.rawValue
        body.hash = view.mark.map { Hex.text($0.contentHash) }
        body.issuedAt = view.mark.map { Timestamp(seconds: $0.issuedAt) }
        body.lastSentAt = view.lastSent.map(timestamp)
        body.lastReceivedAt = view.lastReceived.map(timestamp)
        return body
    }

    // MARK: Routes

    func body(_ view: RouteView, selectedOnly: Bool) -> RouteBody {
        let shown = selectedOnly ? view.candidates.filter { $0.status == .selected } : view.candidates
        return RouteBody(prefix: view.prefix, candidates: shown.map(candidate))
    }

    private func candidate(_ view: CandidateView) -> CandidateBody {
        CandidateBody(
            source: view.local == nil ? .learned : .local, peer: peerReference(view), vif: vifName(view.local),
            path: view.path.map { hop in
                HopBody(
                    id: hop.id, name: loop.node.name(of: hop.id),
                    latency: hop.latency == Hop.unknownLatency ? nil : UInt64(hop.latency))
            },
            latency: view.cost.map { ($0 + 999) / 1000 },
            status: CandidateBody.Status(rawValue: view.status.rawValue) ?? .alternate, reason: reasonBody(view),
            firstSeenAt: timestamp(view.firstSeen), updatedAt: timestamp(view.updated),
            expiresAt: view.expires.map(timestamp))
    }

    private func peerReference(_ view: CandidateView) -> NodeRefBody? {
        view.peerID.map { NodeRefBody(id: $0, name: view.peerName) }
    }

    private func vifName(_ route: LocalRoute?) -> String? {
        if case .vif(let number) = route { loop.vifs.name(of: number) } else { nil }
    }

    /// The entry of the forwarding table that the selected candidate makes.
    func entry(_ route: RouteView) -> FIBEntryBody? {
        guard let selected = route.selected else { return nil }
        let action: FIBEntryBody.Action
        switch selected.local {
        case .vif: action = .deliver
        case .discard: action = .discard
        case nil: action = .forward
        }
        return FIBEntryBody(
            prefix: route.prefix, action: action, peer: peerReference(selected), vif: vifName(selected.local),
            installedAt: timestamp(selected.updated))
    }

    /// A reason, with the numbers that make it one.
    func reasonBody(_ view: CandidateView) -> ReasonBody {
        ReasonBody(code: view.reason.rawValue, detail: ReasonText.of(view))
    }

    // MARK: Interfaces

    func vifs() -> [VifBody] {
        let states = Dictionary(loop.plane.vifs.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        return loop.configuration.running.vifs.map { config in
            let state = states[config.name]
            let device = config.kind == .service ? config.serviceAddress : state?.device
            var body = VifBody(
                name: config.name, config: config, isUp: state?.isUp ?? false, device: device, mtuBytes: state?.mtu)
            if let traffic = state?.counters {
                body.counters.receivedBytes = traffic.receivedBytes
                body.counters.receivedPackets = traffic.receivedPackets
                body.counters.sentBytes = traffic.sentBytes
                body.counters.sentPackets = traffic.sentPackets
                body.counters.drops = traffic.drops.map(DropCountBody.init)
            }
            body.lastError = state?.lastError.map { ErrorNoteBody(time: loop.wallClock, code: "vif_down", detail: $0) }
            return body
        }
    }

    // MARK: Certificates

    func body(_ certificate: Certificate, _ role: CertificateBody.Role, _ path: String?) -> CertificateBody {
        let now = SystemClock.wallSeconds()
        var warnings: [String] = []
        if certificate.hasExpired(at: now) {
            warnings.append("expired")
        } else if certificate.notAfter - now < 30 * 86_400 {
            warnings.append("expires in \((certificate.notAfter - now) / 86_400) days")
        }
        if let defect = certificate.commonNameDefect, role != .ca { warnings.append("unusable CommonName: \(defect)") }
        return CertificateBody(
            id: Hex.text(certificate.fingerprint), role: role, subject: certificate.subject,
            commonName: certificate.commonName.isEmpty ? nil : certificate.commonName, issuer: certificate.issuer,
            serialHex: certificate.serialHex, notBefore: Timestamp(seconds: certificate.notBefore),
            notAfter: Timestamp(seconds: certificate.notAfter), expiresInSeconds: certificate.notAfter - now,
            keyAlgorithm: certificate.keyAlgorithm.name, isCA: certificate.isCA,
            subjectAltNames: certificate.subjectAltNames, path: path, pem: certificate.pem, warnings: warnings)
    }

    // MARK: Distributed config

    /// `view` tells where a config in force came from; a candidate came from the API.
    func body(_ config: VerifiedConfig, _ view: Mesh.ConfigView) -> DistributedConfigBody {
        let isCurrent = view.current?.mark == config.mark
        let content =
            (try? JSONValue(parsing: config.signed.content, maximumBytes: DistributedConfigCheck.limit)) ?? .object([:])
        let warnings = (try? PolicyContent.parse(config.signed.content))?.warnings.map(\.description) ?? []
        let signer = try? Certificate(der: config.signed.certificate)
        let source = isCurrent ? view.source : nil
        return DistributedConfigBody(
            version: Int(config.signed.version), hash: Hex.text(config.contentHash),
            issuedAt: Timestamp(seconds: config.issuedAt), expiresAt: Timestamp(seconds: config.expiresAt),
            signerID: Hex.text(signer?.fingerprint ?? sha256(config.signed.certificate)),
            signerSubject: signer?.issuer ?? "", adoptedAt: isCurrent ? view.adoptedAt.map(timestamp) : nil,
            sourceKind: source == nil ? (isCurrent && loop.cameFromDisk ? .file : .api) : .peer,
            sourcePeer: source.flatMap { name in
                loop.node.peer(name, at: loop.now).flatMap { $0.id.map { NodeRefBody(id: $0, name: name) } }
            },
            sizeBytes: config.signed.encoded().count, content: content,
            warnings: isCurrent ? view.warnings + warnings.filter { !view.warnings.contains($0) } : warnings)
    }
}

extension DropCountBody {
    /// As the data plane counts it.
    fileprivate init(_ drop: TrafficCounters.Drop) {
        self.init(
            direction: drop.direction.rawValue, reason: drop.reason.rawValue, packets: drop.packets, bytes: drop.bytes)
    }
}

extension Certificate.KeyAlgorithm {
    /// The API's word.
    fileprivate var name: String {
        switch self {
        case .ed25519: "ed25519"
        case .ecdsa(_, let bits): "ecdsa_p\(bits)"
        case .rsa: "rsa"
        case .other(let name): name
        }
    }
}
