// A change of the configuration, from wish to fact.
//
//     plan (what would happen) → dry run stops here → stage the file → apply → commit the file → history → answer
//
// The order is what makes a crash harmless: before the commit a restart reads the old document, after it the new one,
// and the running state is brought along in between. A staging that fails has changed nothing; an application that
// fails is undone. Where the commit fails the change runs, the answer says `persisted: false`, and the status shows it
// (D5). A reload is the same without a file to write: it was written by somebody else.

import JSON
import Logging
import ManagementAPI
import Mesh
import Platform
import Routing
import TLS
import Wire

extension ControlLoop {
    /// A change by the API.
    /// - Parameters:
    ///   - changes: what turns the running configuration into `proposed`; empty: nothing is done and nothing written.
    ///   - completion: called once, in the same turn.
    func apply(
        _ proposed: NodeConfig, changes: [ChangeBody], options: WriteOptions,
        completion: @escaping (Result<ApplyResultBody, WriteFailure>) -> Void
    ) {
        let old = configuration.running
        var result = ApplyResultBody(
            isChanged: !changes.isEmpty, isDryRun: options.isDryRun, revision: configuration.revision,
            isPersisted: configuration.isSaved, changes: changes,
            effects: ConfigurationPlan.effects(from: old, to: proposed))
        guard !changes.isEmpty else { return completion(.success(result)) }
        let files: NodeIdentity?
        do throws(Problem) {
            let missing = Unsupported.issues(of: proposed)
            guard missing.isEmpty else { throw Problem.invalid(missing) }
            result.isPersisted = try shouldWrite(options)
            files = try identityFiles(from: old, to: proposed)
        } catch {
            return completion(.failure(.refused(error)))
        }
        describe(files, in: &result)
        guard !options.isDryRun else { return completion(.success(result)) }

        var staged: (file: AtomicFile, bytes: [UInt8], digest: String)?
        do {
            if result.isPersisted { staged = try configuration.file.stage(proposed) }
        } catch {
            return completion(.failure(.refused(unsaved(error))))
        }
        do { try bringAlong(from: old, to: proposed, files) } catch {
            staged?.file.abandon()
            return completion(.failure(.refused(error)))
        }
        if let ready = staged {
            do { try ready.file.commit() } catch {
                staged = nil
                result.isPersisted = false
                result.warnings.append("the change runs, but \(configuration.file.path) was not written: \(error)")
                log.error("the configuration could not be written", metadata: ["cause": "\(error)"])
            }
        }
        replaceRevision(with: proposed, by: options.actor, saved: staged.map { ($0.bytes, $0.digest) })
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

    /// SIGHUP, and POST /v1/config/reload: the file as it is now becomes what runs. Certificates are read again in any
    /// case, since they may be renewed under unchanged names.
    func reload(options: WriteOptions, completion: @escaping (Result<ApplyResultBody, WriteFailure>) -> Void) {
        func refuse(_ problem: Problem, _ cause: String) {
            log.error(
                "configuration not read again; the old one runs on",
                metadata: ["cause": "\(cause)", "by": "\(options.actor)"])
            completion(.failure(.refused(problem)))
        }
        let loaded: LoadedConfiguration
        do { loaded = try configuration.file.load() } catch { return refuse(error.problem, error.description) }
        let old = configuration.running
        let changes = old.differences(to: loaded.config)
        var result = ApplyResultBody(
            isChanged: !changes.isEmpty, isDryRun: options.isDryRun, revision: configuration.revision,
            isPersisted: true, changes: changes, effects: ConfigurationPlan.effects(from: old, to: loaded.config),
            warnings: loaded.warnings.map(\.description))
        do throws(Problem) {
            let files = try readIdentity(loaded.config)
            describe(files, in: &result)
            guard !options.isDryRun else { return completion(.success(result)) }
            try bringAlong(from: old, to: loaded.config, files)
        } catch {
            return refuse(error, error.detail ?? error.code.title)
        }
        if changes.isEmpty {
            configuration.readAgain(loaded)
        } else {
            replaceRevision(with: loaded.config, by: options.actor, saved: (loaded.bytes, loaded.digest))
        }
        result.revision = configuration.revision
        let restart = result.effects.filter { $0.kind == .restartRequired }.map(\.subject)
        log.notice(
            "configuration read again",
            metadata: [
                "revision": "\(result.revision)", "by": "\(options.actor)",
                "changes": "\(changes.prefix(5).map(\.pointer).joined(separator: " "))",
                "needs_restart": "\(restart.joined(separator: " "))",
            ])
        for warning in result.warnings { log.warning("configuration", metadata: ["detail": "\(warning)"]) }
        completion(.success(result))
    }

    /// SIGHUP.
    func reload() {
        reload(options: WriteOptions(isDryRun: false, persist: nil, actor: "SIGHUP")) { _ in }
    }

    var wallClock: Timestamp { Timestamp(milliseconds: SystemClock.wallMicroseconds() / 1000) }

    // MARK: Steps

    /// Whether this change goes to the file, by its options and by `api.persist`.
    private func shouldWrite(_ options: WriteOptions) throws(Problem) -> Bool {
        let wanted = options.persist ?? configuration.writesBack
        guard wanted else { return false }
        let file = configuration.file
        guard file.isWritable else {
            throw Problem(
                .persistUnavailable,
                "\(Files.directory(of: file.path)) is not writable for the daemon; "
                    + "repeat with persist=false to change the running configuration only")
        }
        // A file that is gone is written anew; one that cannot be read is somebody else's until that is mended.
        if file.digestOnDisk() != configuration.fileDigest, (try? Files.status(file.path)) != nil {
            throw Problem(
                .configFileChanged,
                "\(file.path) was changed by somebody else since it was read; "
                    + "reload it (POST /v1/config/reload), or repeat with persist=false")
        }
        return true
    }

    private func unsaved(_ error: PlatformError) -> Problem {
        Problem(
            .persistUnavailable,
            "\(error); nothing was changed; repeat with persist=false to change the running configuration only")
    }

    /// What ran goes to the history, what was made runs.
    private func replaceRevision(with config: NodeConfig, by actor: String, saved: (bytes: [UInt8], digest: String)?) {
        do { try state.keep(revision: configuration.revision, document: configuration.document) } catch {
            log.error("the history of the configuration was not written", metadata: ["cause": "\(error)"])
        }
        configuration.replace(with: config, by: actor, at: wallClock, saved: saved)
    }

    /// What other certificates mean.
    private func describe(_ files: NodeIdentity?, in result: inout ApplyResultBody) {
        guard let files else { return }
        if files.id != identity.id { result.effects.append(EffectBody(.identityChange, "\(files.id)")) }
        result.warnings += files.warnings
    }

    /// Brings the running state from one configuration to another; undone if a part of it cannot be had.
    /// - Parameter files: certificates, where they are to be taken anew.
    private func bringAlong(
        from old: NodeConfig, to new: NodeConfig, _ files: NodeIdentity?
    ) throws(Problem) {
        do { try replaceVifs(from: old, to: new) } catch {
            throw Problem(.internal, "the virtual interfaces could not be made: \(error); nothing was changed")
        }
        if let files { adopt(files) }
        if old.announcements != new.announcements || old.vifs != new.vifs {
            command(.setLocalRoutes(localRoutes(new))) { _ in }
            // Which sources are ours, for the forwarder, follows the prefixes.
            forwardingChanged()
        }
        if old.peers != new.peers { command(.setPeers(new.peers.map(\.configured))) { _ in } }
        if old.blockedPeers != new.blockedPeers { command(.setBlocked(Set(new.blockedPeers.map(\.id)))) { _ in } }
        links?.serverName = new.serverName
        setLogLevel(of: new)
    }

    /// `-debug` on the command line outlives what a file says. The level is shared by all copies of the logger.
    private func setLogLevel(of config: NodeConfig) {
        var shared = log
        let level = isDebugging ? .debug : config.logLevel.flatMap(Logger.Level.init(rawValue:)) ?? .info
        if shared.logLevel != level { shared.logLevel = level }
    }

    /// Certificates again, where the change names other files.
    private func identityFiles(from old: NodeConfig, to new: NodeConfig) throws(Problem) -> NodeIdentity? {
        let isSame =
            old.externalPeerCertificates == new.externalPeerCertificates && old.ca == new.ca
            && old.certificate == new.certificate && old.privateKey == new.privateKey
        return isSame ? nil : try readIdentity(new)
    }

    private func readIdentity(_ config: NodeConfig) throws(Problem) -> NodeIdentity {
        let files: NodeIdentity
        do { files = try NodeIdentity(config, now: SystemClock.wallSeconds()) } catch {
            throw Problem(.validationFailed, error.description)
        }
        guard files.name == identity.name else {
            throw Problem(
                .nameChange,
                "\(config.certificate) is for '\(files.name)' and this node runs as '\(identity.name)': "
                    + "restart the daemon to give it another name")
        }
        return files
    }

    /// New sessions use what was read, sessions that stand go on (C23). Only those end whose trust is gone: an external
    /// peer that is no longer pinned, a node below a CA that is no longer configured.
    private func adopt(_ files: NodeIdentity) {
        let former = identity
        identity = files
        links?.context = files.context
        if former.id != files.id {
            command(.setIdentity(id: files.id, aliases: [former.id])) { _ in }
        }
        let pins = Set(files.external.map(\.certificate.fingerprint))
        let authorities = Set(files.authorities.map(\.fingerprint))
        for link in (links?.links ?? [:]).values.sorted(by: { $0.number < $1.number }) {
            guard let trust = link.trust, let certificate = link.certificate else { continue }
            let isTrusted =
                switch trust {
                case .externalPin: pins.contains(certificate.fingerprint)
                case .internalCA(let authority): authorities.contains(authority)
                }
            if !isTrusted { link.close(.unconfigured) }
        }
        dialAgain(
            newPins: pins.subtracting(former.external.map(\.certificate.fingerprint)),
            isAuthorityNew: !authorities.isSubset(of: former.authorities.map(\.fingerprint)))
    }

    /// Whom we could not trust before may be good now: the wait after a refusal, minutes at worst, is over.
    private func dialAgain(newPins: Set<[UInt8]>, isAuthorityNew: Bool) {
        guard !newPins.isEmpty || isAuthorityNew else { return }
        let pins = Set(newPins.map { Hex.text($0) })
        for peer in configuration.running.peers where peer.isEnabled {
            guard let view = node.peer(peer.name, at: now), view.status != .up else { continue }
            let isMeant = view.status == .refused || peer.fingerprint.map { pins.contains($0) } ?? false
            if isMeant { command(.resetPeer(peer.name, .soft)) { _ in } }
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
