// From a command line to a running router, in an order that never shows a half-made one.
//
//     configuration → certificates → state directory (lock, stored policy) → virtual interfaces → API listeners →
//     peer listener → privileges dropped → workers → ready
//
// Whatever fails before "ready" ends the process with one line that names the file or place and the remedy; nothing of
// the network has been touched by then, or it is gone with the process.

import HTTP
import JSON
import Logging
import ManagementAPI
import Mesh
import Platform
import Routing
import TLS
import Wire

/// v1's command line.
package struct Options: Sendable {
    /// Path of the configuration.
    package var config = "config.json"
    /// Log at debug level, whatever the configuration says.
    package var debug = false
    /// v1's `-table`: a printable routing table, written anew every 10 s.
    package var table: String?
    /// Become nobody once the interfaces are up, with CAP_NET_ADMIN and nothing else.
    package var dropPermissions = false
    /// A signed configuration to start with, where none newer is stored.
    package var initialConfig: String?
    /// Only check the configuration and the certificates.
    package var checkOnly = false

    /// v1's defaults.
    package init() {}
}

/// One line for stderr; the process ends with status 1.
package struct StartError: Error, CustomStringConvertible, Sendable {
    /// What is wrong, where, and what to do about it.
    package let description: String
}

/// The router as a process.
package enum Router {
    /// Of this release.
    package static let version = Release.version

    /// Runs until SIGTERM or SIGINT; with `checkOnly` returns once the files are found to be good.
    /// - Throws: why the router could not start, or what it lost that it cannot live without.
    package static func run(_ options: Options) throws(StartError) {
        let file = ConfigurationFile(path: options.config)
        let loaded: LoadedConfiguration
        let identity: NodeIdentity
        do { loaded = try file.load() } catch { throw StartError(description: error.description) }
        do { identity = try NodeIdentity(loaded.config, now: SystemClock.wallSeconds()) } catch {
            // The file that is wrong, and the one that says so: an admin may have to mend either.
            throw StartError(description: "\(options.config): \(error.description)")
        }
        if options.checkOnly {
            for warning in loaded.warnings.map(\.description) + identity.warnings {
                StandardOutput.write("\(options.config): warning: \(warning)\n", isError: true)
            }
            return
        }
        let log = makeLogger(options, loaded.config)
        for warning in loaded.warnings { log.warning("configuration", metadata: ["detail": "\(warning)"]) }
        for warning in identity.warnings { log.warning("\(warning)") }
        _ = ProcessStatistics.raiseDescriptorLimit()
        do {
            let loop = try assemble(options, file, loaded, identity, log)
            try loop.run()
            log.notice("stopped")
        } catch let error as StartError {
            throw error
        } catch {
            throw StartError(description: "\(error)")
        }
    }

    private static func makeLogger(_ options: Options, _ config: NodeConfig) -> Logger {
        let level: Logger.Level =
            options.debug ? .debug : config.logLevel.flatMap(Logger.Level.init(rawValue:)) ?? .info
        let budget = LineBudget(now: SystemClock.now())
        let output = LogOutput(level: level)
        let underJournal = Environment.value("JOURNAL_STREAM") != nil
        return Logger(label: "vmeshd") { label in
            StandardErrorLog(label: label, underJournal: underJournal, budget: budget, output: output)
        }
    }

    private static func assemble(
        _ options: Options, _ file: ConfigurationFile, _ loaded: LoadedConfiguration, _ identity: NodeIdentity,
        _ log: Logger
    ) throws -> ControlLoop {
        // Signals are blocked before the first worker starts, so that none of them is interrupted.
        let signals = try SignalSource([.terminate, .interrupt, .hangup])
        let loop = try makeLoop(options, file, loaded, identity, log, signals)
        try startAPI(loop, log)
        let listeners = try peerListeners(loaded.config)
        if options.dropPermissions { loop.remover = try socketRemover(loop) }
        try dropPrivileges(options, loop.state, loaded.config, log)
        // Threads inherit the rights that are left now.
        try loop.plane.start()
        try loop.start(listeners: listeners, userAgent: Release.userAgent)
        loop.table = options.table.map(TableFile.init)
        loop.saveDistributedConfig()
        return loop
    }

    /// The router with its interfaces, and nothing yet that listens or runs beside it.
    static func makeLoop(
        _ options: Options, _ file: ConfigurationFile, _ loaded: LoadedConfiguration, _ identity: NodeIdentity,
        _ log: Logger, _ signals: SignalSource
    ) throws -> ControlLoop {
        let config = loaded.config
        let path = config.stateDirectory ?? Environment.value("STATE_DIRECTORY") ?? "/var/lib/vmesh"
        let state = try StateDirectory(path)
        file.clearLeftovers()
        let (stored, isOffered) = try storedConfig(options, state, identity, log)
        let reactor = try Reactor()

        var vifs = VifTable()
        let relay = ForwardingRelay()
        var planeSettings = ForwardingPlaneSettings()
        planeSettings.socketDirectory = state.path + "/vifs"
        let plane = try ForwardingPlane(reactor: reactor, client: relay, settings: planeSettings)
        try plane.open(config.vifs.map { $0.settings(number: vifs.number(for: $0.name)) })

        let running = RunningConfiguration(
            loaded, file: file, revision: state.nextRevision,
            now: Timestamp(milliseconds: SystemClock.wallMicroseconds() / 1000))
        var settings = NodeConfiguration(
            name: identity.name, domain: identity.domain, id: identity.id, peers: config.peers.map(\.configured),
            blocked: Set(config.blockedPeers.map(\.id)), storedConfig: stored, highWaterMark: stored?.mark,
            wallClock: SystemClock.wallSeconds())
        settings.localRoutes = [:]
        for announcement in config.announcements {
            settings.localRoutes[announcement.prefix] =
                announcement.vif.map { .vif(vifs.number(for: $0)) } ?? .discard
        }
        let node = Node(
            configuration: settings, seed: SecureRandom.number(), edgeSecret: SecureRandom.bytes(32),
            now: Instant(microseconds: reactor.now))
        let loop = ControlLoop(
            reactor: reactor, log: log, relay: relay, plane: plane, state: state, configuration: running,
            identity: identity, node: node, vifs: vifs, signals: signals, notifier: ServiceNotifier())
        loop.isDebugging = options.debug
        loop.cameFromDisk = stored != nil
        // What came from the state directory stands there already; to write it again would cost the one before.
        if isOffered { loop.unsavedConfig = stored }
        return loop
    }

    /// The policy of the disk, or a newer one from the command line (`isOffered`), which has still to be stored.
    private static func storedConfig(
        _ options: Options, _ state: StateDirectory, _ identity: NodeIdentity, _ log: Logger
    ) throws -> (config: VerifiedConfig?, isOffered: Bool) {
        let now = SystemClock.wallSeconds()
        let stored = try state.storedConfig(authorities: identity.authorities, now: now)
        for warning in stored?.warnings ?? [] { log.error("\(warning)") }
        guard let path = options.initialConfig else { return (stored?.config, false) }
        let offered: VerifiedConfig
        do throws(StartError) {
            offered = try initialConfig(path, identity, now: now)
        } catch {
            // With a policy on the disk a bad file on the command line is an oversight, without one it is an open door.
            guard let stored else { throw error }
            log.error("-initial-dc not used", metadata: ["cause": "\(error)"])
            return (stored.config, false)
        }
        guard let stored else { return (offered, true) }
        guard stored.config.mark < offered.mark else {
            if stored.config.mark != offered.mark {
                log.warning(
                    "-initial-dc not used: the stored distributed config is newer", metadata: ["file": "\(path)"])
            }
            return (stored.config, false)
        }
        return (offered, true)
    }

    private static func initialConfig(
        _ path: String, _ identity: NodeIdentity, now: Int64
    ) throws(StartError) -> VerifiedConfig {
        let bytes: [UInt8]
        do { bytes = try Files.read(path, limit: DistributedConfigCheck.limit) } catch {
            throw StartError(description: "-initial-dc: \(error)")
        }
        do {
            return try DistributedConfigCheck.verify(
                DistributedConfigCheck.decode(bytes), authorities: identity.authorities, now: now)
        } catch {
            throw StartError(
                description: "\(path): \(error.detail) (\(error.reason)); sign a new one with vnconfigsign")
        }
    }

    /// Tokens, audit, service, listeners.
    static func startAPI(_ loop: ControlLoop, _ log: Logger) throws {
        let config = loop.configuration.running
        let tokensPath = loop.state.tokens
        let tokens = TokenTable(
            random: SecureRandom.bytes, sha256: sha256,
            save: { bytes in
                do { try Files.write(tokensPath, bytes) } catch {
                    log.error("the tokens could not be stored", metadata: ["cause": "\(error)"])
                    return false
                }
                return true
            })
        if let bytes = try? Files.readSecret(tokensPath, limit: 1 << 20) {
            do { try tokens.load(bytes) } catch {
                log.error(
                    "no token is valid: the table cannot be read",
                    metadata: ["file": "\(tokensPath)", "cause": "\(error)"])
            }
        }
        let audit = AuditFile(path: loop.state.audit)
        let environment = APIEnvironment(
            now: { Timestamp(milliseconds: SystemClock.wallMicroseconds() / 1000) },
            monotonicMilliseconds: { [reactor = loop.reactor] in UInt64(max(0, reactor.now / 1000)) },
            random: SecureRandom.bytes, sha256: sha256,
            audit: { record in audit.append(record, log) },
            log: { line in
                log.debug(
                    "api",
                    metadata: [
                        "request_id": "\(line.requestID)", "method": "\(line.method)", "path": "\(line.path)",
                        "status": "\(line.status)", "actor": "\(line.actor)", "ms": "\(line.durationMilliseconds)",
                    ])
            })
        let facade = RouterFacade(loop)
        let service = APIService(
            router: facade, tokens: tokens, environment: environment, settings: APISettings(config.api))
        let server = APIServer(reactor: loop.reactor, service: service)
        do {
            loop.startRemarks = try server.listen(config.api, isDefault: !config.hasAPIBlock)
        } catch {
            throw StartError(
                description: "the API cannot listen: \(error); the api.listen member of the configuration says where")
        }
        for remark in loop.startRemarks { log.warning("\(remark)") }
        loop.api = server
    }

    /// `listen_addr`: an address, or none for every address of both families.
    private static func peerListeners(_ config: NodeConfig) throws(StartError) -> [StreamListener] {
        do { return try listeners(at: config.listenAddress) } catch {
            throw StartError(description: "listen_addr: \(error)")
        }
    }

    private static func listeners(at text: String) throws(PlatformError) -> [StreamListener] {
        if text.hasPrefix(":"), let port = UInt16(text.dropFirst()) {
            return try StreamListener.tcpEverywhere(port: port, options: PeerLinks.tcpOptions)
        }
        let target = try Platform.HostPort(parsing: text)
        guard let address = target.numeric else {
            throw .malformed(text: target.host, reason: "is not an IP address")
        }
        // As v1's Go listener does it, `[::]` means both families.
        if address.isIPv6, address.isUnspecified {
            return try StreamListener.tcpEverywhere(port: address.port, options: PeerLinks.tcpOptions)
        }
        return [try StreamListener.tcp(address, options: PeerLinks.tcpOptions)]
    }

    /// Nobody may not remove sockets from root's directories.
    private static func socketRemover(_ loop: ControlLoop) throws(PlatformError) -> SocketRemover? {
        let paths = (loop.api?.listeners ?? []).compactMap(\.acceptor.listener.path)
        return paths.isEmpty ? nil : try SocketRemover(Array(paths.prefix(SocketRemover.limit)))
    }

    private static func dropPrivileges(
        _ options: Options, _ state: StateDirectory, _ config: NodeConfig, _ log: Logger
    ) throws {
        guard options.dropPermissions else {
            try? Privileges.harden()
            return
        }
        do {
            try state.give(to: "nobody")
            let now = try Privileges.drop()
            log.notice("privileges dropped", metadata: ["uid": "\(now.uid)", "net_admin": "\(now.hasNetAdmin)"])
        } catch PrivilegeError.confinedNamespace {
            log.warning("privileges not dropped: this user namespace knows no other user")
        } catch PrivilegeError.notRoot {
            log.warning("privileges not dropped: the process is not root")
        } catch {
            throw StartError(description: "cannot drop privileges: \(error)")
        }
    }
}
