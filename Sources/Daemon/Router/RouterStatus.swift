// How the router is: status, health checks, and the numbers that only the loop knows.

import ManagementAPI
import Mesh
import Platform
import Routing
import TLS

extension RouterFacade {
    func readiness() -> HealthBody {
        if loop.isStopping { return HealthBody(checks: [.init(name: "stopping", status: .fail, detail: "on SIGTERM")]) }
        return HealthBody(checks: essentialChecks())
    }

    func status() -> StatusBody {
        let sums = loop.node.counters
        let process = processStatistics
        let config = configStatus()
        var body = StatusBody(
            version: Release.version, commit: Release.commit, id: loop.identity.id, name: loop.identity.name,
            domain: loop.identity.domain, protocolVersions: [1], bootID: loop.bootID,
            startedAt: Timestamp(milliseconds: loop.startedAtWall / 1000), time: loop.wallClock,
            uptimeSeconds: (loop.reactor.now - loop.startedAt) / 1_000_000,
            listenAddress: loop.configuration.running.listenAddress, config: config,
            certificateNotAfter: Timestamp(seconds: loop.identity.identity.certificate.notAfter),
            health: HealthBody(checks: essentialChecks() + warnings(config)))
        body.peers.configured = sums.peersConfigured
        body.peers.up = sums.peersUp
        body.peers.down = sums.peersDown
        body.peers.inbound = sums.peersInbound
        body.routes.prefixes = sums.prefixes
        body.routes.candidates = sums.candidates
        body.routes.selected = sums.selected
        body.routes.rejected = sums.rejected
        body.routes.local = sums.local
        body.distributedConfig = loop.node.distributedConfig.current.map {
            DistributedConfigIDBody(hash: Hex.text($0.contentHash), issuedAt: Timestamp(seconds: $0.issuedAt))
        }
        body.listeners = (loop.api?.listeners ?? []).map {
            StatusBody.Listener(address: $0.address, isTLS: false, maximumRole: $0.role)
        }
        body.residentBytes = process.residentBytes
        body.openDescriptors = process.openDescriptors
        body.maximumDescriptors = Int(clamping: process.maximumDescriptors)
        return body
    }

    /// What must hold for the router to do its work at all.
    private func essentialChecks() -> [HealthBody.Check] {
        let now = SystemClock.wallSeconds()
        let leaf = loop.identity.identity.certificate
        let down = loop.plane.vifs.filter { !$0.isUp }.map(\.name)
        return [
            .init(name: "configuration", status: .ok),
            .init(
                name: "vifs", status: down.isEmpty ? .ok : .fail,
                detail: down.isEmpty ? nil : "down: \(down.joined(separator: ", "))"),
            Self.certificateCheck(leaf, now: now),
        ]
    }

    /// A node without a valid certificate is refused by every peer (B3: five minutes of grace at the beginning).
    static func certificateCheck(_ leaf: Certificate, now: Int64) -> HealthBody.Check {
        let name = "node_certificate"
        if leaf.hasExpired(at: now) {
            return .init(
                name: name, status: .fail, detail: "expired on \(Timestamp(seconds: leaf.notAfter)); sign a new one")
        }
        if leaf.notBefore - now > 300 {
            return .init(
                name: name, status: .fail,
                detail: "not valid before \(Timestamp(seconds: leaf.notBefore)); is the clock right?")
        }
        let days = (leaf.notAfter - now) / 86_400
        return .init(name: name, status: days < 30 ? .warn : .ok, detail: days < 30 ? "expires in \(days) days" : nil)
    }

    /// What an operator should know although packets flow.
    private func warnings(_ config: ConfigStatusBody) -> [HealthBody.Check] {
        var checks: [HealthBody.Check] = []
        let sums = loop.node.counters
        if sums.peersConfigured > 0, sums.peersUp == 0 {
            checks.append(.init(name: "peers", status: .warn, detail: "no peer is up"))
        }
        if config.fileChangedOnDisk {
            checks.append(
                .init(
                    name: "config_file", status: .warn, detail: "changed on disk since it was read: vmesh config reload"
                ))
        } else if !config.runningMatchesFile {
            checks.append(.init(name: "config_file", status: .warn, detail: "what runs is not saved"))
        }
        let waiting = ConfigurationPlan.restarts(from: loop.configuration.started, to: loop.configuration.running)
        if !waiting.isEmpty {
            checks.append(
                .init(
                    name: "restart", status: .warn,
                    detail: "\(waiting.joined(separator: ", ")) will be as configured after a restart"))
        }
        for remark in loop.startRemarks { checks.append(.init(name: "api", status: .warn, detail: remark)) }
        if loop.unsavedConfig != nil {
            checks.append(
                .init(name: "state_unsaved", status: .warn, detail: "the distributed config could not be stored"))
        }
        let policy = loop.node.distributedConfig
        if policy.isExpired {
            checks.append(
                .init(name: "distributed_config", status: .warn, detail: "expired; it stays in force, sign a new one"))
        }
        if loop.counters.clockSteps > 0 {
            checks.append(.init(name: "clock", status: .warn, detail: "the wall clock was set since the start"))
        }
        return checks
    }

    func metrics() -> MetricsSnapshot {
        var snapshot = MetricsSnapshot()
        for view in loop.node.peers(at: loop.now) {
            var peer = MetricsSnapshot.Peer(name: view.name)
            if view.status == .up {
                peer.sessionStartedAtSeconds = Double(timestamp(view.statusSince).milliseconds) / 1000
            }
            peer.probesSent = view.latency.probesSent
            peer.probesLost = view.latency.probesLost
            peer.connectAttempts = loop.counters.connectAttempts[view.name] ?? [:]
            peer.sessionEnds = view.sessionEnds
            peer.rejectedAnnouncements = Dictionary(
                view.rejected.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: { $0 &+ $1 })
            let traffic = loop.traffic(of: view.name, link: view.link)
            var stream = MetricsSnapshot.Traffic()
            stream.receivedBytes = traffic.receivedBytes
            stream.receivedPackets = traffic.receivedPackets
            stream.sentBytes = traffic.sentBytes
            stream.sentPackets = traffic.sentPackets
            peer.traffic["stream"] = stream
            snapshot.peers.append(peer)
        }
        snapshot.routeChanges["selected"] = loop.node.counters.routeChanges
        snapshot.drops = loop.planeDrops()
        for (reason, packets) in loop.counters.drops.sorted(by: { $0.key < $1.key }) {
            snapshot.drops.append(.init(direction: "tx", reason: reason, packets: packets))
        }
        let process = processStatistics
        snapshot.processCPUSeconds = Double(process.cpuMicroseconds) / 1_000_000
        snapshot.processVirtualBytes = process.virtualBytes
        snapshot.processStartTimeSeconds = Double(loop.startedAtWall) / 1_000_000
        snapshot.loopLagSeconds = loop.counters.loopLag
        snapshot.queuePackets["links"] = UInt64(
            (loop.links?.links.values ?? [:].values).reduce(0) { $0 + $1.queuedPackets })
        var open: [String: UInt64] = [:]
        for client in (loop.api?.connections ?? [:]).values { open[client.listener.address, default: 0] += 1 }
        snapshot.apiConnections = open.sorted { $0.key < $1.key }.map {
            .init(listener: $0.key, httpProtocol: "http", count: $0.value)
        }
        return snapshot
    }
}

/// The running configuration with every default said.
enum EffectiveConfiguration {
    static func of(_ loop: ControlLoop) -> NodeConfig {
        var config = loop.configuration.running
        config.stateDirectory = loop.state.path
        config.logLevel = config.logLevel ?? "\(loop.log.logLevel)"
        for index in config.peers.indices where config.peers[index].maximumPrefixes == nil {
            config.peers[index].maximumPrefixes = Tunables().maximumPrefixes
        }
        config.hasAPIBlock = true
        return config
    }
}
