// A change of the configuration, from wish to fact.
//
//     plan (what would happen) → dry run stops here → stage the file → apply → commit the file → history → answer
//
// The order is what makes a crash harmless: before the commit a restart reads the old document, after it the new one, and the
// running state is brought along in between. A staging that fails has changed nothing; an application that fails is undone. Where the
// commit fails the change runs, the answer says `persisted: false`, and the status shows it (D5).

import JSON
import ManagementAPI
import Mesh
import Platform
import Routing
import TLS
import Wire

extension ControlLoop {
    /// - Parameter completion: called once; in the same turn.
    func apply(
        _ proposed: NodeConfig, changes: [ChangeBody], options: WriteOptions,
        completion: @escaping (Result<ApplyResultBody, WriteFailure>) -> Void
    ) {
        let old = configuration.running
        var result = ApplyResultBody(
            isChanged: !changes.isEmpty, isDryRun: options.isDryRun, revision: configuration.revision,
            isPersisted: false, changes: changes, effects: plan(from: old, to: proposed))
        let writes: Bool
        do {
            writes = try shouldWrite(options)
            _ = try identityFiles(from: old, to: proposed)
        } catch {
            return completion(.failure(.refused(error)))
        }
        result.isPersisted = writes
        guard !options.isDryRun, !changes.isEmpty else { return completion(.success(result)) }

        var staged: (file: AtomicFile, bytes: [UInt8], digest: String)?
        do {
            if writes { staged = try configuration.file.stage(proposed) }
        } catch {
            return completion(.failure(.refused(unsaved(error))))
        }
        do { try bringAlong(from: old, to: proposed) } catch {
            staged?.file.abandon()
            return completion(.failure(.refused(error)))
        }
        let former = (revision: configuration.revision, bytes: configuration.fileBytes)
        if let ready = staged {
            do {
                try ready.file.commit()
                try? state.keep(revision: former.revision, document: former.bytes)
            } catch {
                staged = nil
                result.isPersisted = false
                result.warnings.append("the change runs, but \(configuration.file.path) was not written: \(error)")
                log.error("the configuration could not be written", metadata: ["cause": "\(error)"])
            }
        }
        configuration.replace(
            with: proposed, by: options.actor, at: wallClock, saved: staged.map { ($0.bytes, $0.digest) })
        result.revision = configuration.revision
        log.notice(
            "configuration changed",
            metadata: [
                "revision": "\(configuration.revision)", "by": "\(options.actor)",
                "changes": "\(changes.prefix(5).map(\.pointer).joined(separator: " "))",
                "persisted": "\(result.isPersisted)",
            ])
        completion(.success(result))
    }

    /// SIGHUP, and POST /v1/config/reload: the file as it is now becomes what runs.
    func reload(options: WriteOptions, completion: @escaping (Result<ApplyResultBody, WriteFailure>) -> Void) {
        let loaded: LoadedConfiguration
        do { loaded = try configuration.file.load() } catch {
            return completion(.failure(.refused(error.problem)))
        }
        let old = configuration.running
        let changes = old.differences(to: loaded.config)
        var result = ApplyResultBody(
            isChanged: !changes.isEmpty, isDryRun: options.isDryRun, revision: configuration.revision,
            isPersisted: true, changes: changes, effects: plan(from: old, to: loaded.config),
            warnings: loaded.warnings.map(\.description))
        do {
            // Certificates may be renewed under unchanged names: they are read again in any case.
            let files = try readIdentity(loaded.config)
            guard !options.isDryRun else { return completion(.success(result)) }
            try bringAlong(from: old, to: loaded.config)
            adopt(files)
        } catch {
            return completion(.failure(.refused(error)))
        }
        if !changes.isEmpty || loaded.digest != configuration.fileDigest || !configuration.isSaved {
            configuration.replace(
                with: loaded.config, by: options.actor, at: wallClock, saved: (loaded.bytes, loaded.digest))
        }
        result.revision = configuration.revision
        completion(.success(result))
    }

    /// SIGHUP.
    func reload() {
        reload(options: WriteOptions(isDryRun: false, persist: nil, actor: "SIGHUP")) { [log] result in
            switch result {
            case .success(let applied):
                log.notice(
                    "configuration read again",
                    metadata: [
                        "revision": "\(applied.revision)", "changes": "\(applied.changes.count)",
                        "needs_restart":
                            "\(applied.effects.filter { $0.kind == .restartRequired }.map(\.subject).joined(separator: " "))",
                    ])
            case .failure(.refused(let problem)):
                log.error(
                    "configuration not read again; the old one runs on",
                    metadata: ["cause": "\(problem.detail ?? problem.code.title)"])
            case .failure(.staleConfigChange): break
            }
        }
    }

    var wallClock: Timestamp { Timestamp(milliseconds: SystemClock.wallMicroseconds() / 1000) }

    // MARK: Steps

    private func shouldWrite(_ options: WriteOptions) throws(Problem) -> Bool {
        let wanted = options.persist ?? configuration.writesBack
        guard wanted else { return false }
        guard configuration.file.isWritable else {
            throw Problem(
                .persistUnavailable,
                "\(Files.directory(of: configuration.file.path)) is not writable for the daemon; "
                    + "repeat with persist=false to change the running configuration only")
        }
        if let onDisk = configuration.file.digestOnDisk(), onDisk != configuration.fileDigest {
            throw Problem(
                .configFileChanged,
                "\(configuration.file.path) was changed by somebody else since it was read; "
                    + "reload it (POST /v1/config/reload), or repeat with persist=false")
        }
        return true
    }

    private func unsaved(_ error: PlatformError) -> Problem {
        Problem(
            .persistUnavailable,
            "\(error); nothing was changed; repeat with persist=false to change the running configuration only")
    }

    /// What a change does, in the words of the API.
    func plan(from old: NodeConfig, to new: NodeConfig) -> [EffectBody] {
        var effects: [EffectBody] = []
        for peer in new.peers {
            let before = old.peer(named: peer.name)
            guard before != peer else { continue }
            if !peer.isEnabled {
                if before?.isEnabled == true { effects.append(EffectBody(.peerDisconnect, peer.name)) }
            } else if before?.isEnabled != true, !peer.addresses.isEmpty {
                effects.append(EffectBody(.peerConnect, peer.name))
            }
        }
        for peer in old.peers where new.peer(named: peer.name) == nil {
            effects.append(EffectBody(.peerDisconnect, peer.name))
        }
        for route in new.announcements where old.announcement(of: route.prefix) == nil {
            effects.append(EffectBody(.routeAnnounce, "\(route.prefix)"))
        }
        for route in old.announcements where new.announcement(of: route.prefix) == nil {
            effects.append(EffectBody(.routeWithdraw, "\(route.prefix)"))
        }
        for vif in new.vifs where old.vif(named: vif.name) != vif { effects.append(EffectBody(.vifCreate, vif.name)) }
        for vif in old.vifs where new.vif(named: vif.name) != vif { effects.append(EffectBody(.vifRemove, vif.name)) }
        for (name, isSame) in [
            ("listen_addr", old.listenAddress == new.listenAddress), ("server_name", old.serverName == new.serverName),
            ("state_dir", old.stateDirectory == new.stateDirectory), ("api", old.api == new.api),
            ("cert", old.certificate == new.certificate && old.privateKey == new.privateKey), ("ca", old.ca == new.ca),
        ] where !isSame { effects.append(EffectBody(.restartRequired, name)) }
        return effects
    }

    /// Brings the running state from one configuration to another; undone if a part of it cannot be had.
    private func bringAlong(from old: NodeConfig, to new: NodeConfig) throws(Problem) {
        let files = try identityFiles(from: old, to: new)
        do { try replaceVifs(from: old, to: new) } catch {
            throw Problem(.internal, "the virtual interfaces could not be made: \(error); nothing was changed")
        }
        if let files { adopt(files) }
        if old.announcements != new.announcements || old.vifs != new.vifs {
            command(.setLocalRoutes(localRoutes(new))) { _ in }
        }
        if old.peers != new.peers { command(.setPeers(new.peers.map(\.configured))) { _ in } }
        if old.blockedPeers != new.blockedPeers { command(.setBlocked(Set(new.blockedPeers.map(\.id)))) { _ in } }
    }

    /// Certificates again, where the change names other external peers.
    private func identityFiles(from old: NodeConfig, to new: NodeConfig) throws(Problem) -> NodeIdentity? {
        guard old.externalPeerCertificates != new.externalPeerCertificates else { return nil }
        var changed = configuration.running
        changed.externalPeerCertificates = new.externalPeerCertificates
        return try readIdentity(changed)
    }

    private func readIdentity(_ config: NodeConfig) throws(Problem) -> NodeIdentity {
        do { return try NodeIdentity(config, now: SystemClock.wallSeconds()) } catch {
            throw Problem(.validationFailed, error.description)
        }
    }

    /// New sessions use what was read; sessions of external peers that are no longer pinned end, and so do all of
    /// them when the node's own certificate is another.
    private func adopt(_ files: NodeIdentity) {
        let former = identity
        identity = files
        links?.context = files.context
        if former.id != files.id {
            command(.setIdentity(id: files.id, aliases: [former.id])) { _ in }
        }
        let pins = Set(files.external.map(\.certificate.fingerprint))
        for link in (links?.links ?? [:]).values.sorted(by: { $0.number < $1.number }) {
            guard link.trust == .externalPin, let certificate = link.certificate else { continue }
            if !pins.contains(certificate.fingerprint) { link.close(.unconfigured) }
        }
    }

    /// Prefixes of our own and where they lead.
    func localRoutes(_ config: NodeConfig) -> [Prefix: LocalRoute] {
        var routes: [Prefix: LocalRoute] = [:]
        for announcement in config.announcements {
            routes[announcement.prefix] = announcement.vif.map { .vif(vifs.number(for: $0)) } ?? .discard
        }
        return routes
    }
}

extension PeerConfig {
    /// As the node knows it.
    var configured: ConfiguredPeer {
        ConfiguredPeer(
            name: name, addresses: addresses, isEnabled: isEnabled, importList: importEntries?.map(\.policy),
            exportList: exportEntries?.map(\.policy), maximumPrefixes: maximumPrefixes)
    }
}

extension PrefixEntry {
    fileprivate var policy: PrefixPolicy.Entry { PrefixPolicy.Entry(prefix: prefix, maximumLength: maximumLength) }
}
