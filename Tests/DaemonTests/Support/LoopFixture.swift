// A whole router on a temporary directory: real certificates, real files, dummy interfaces, no worker threads, turned
// by hand. Needs no rights.

import Logging
import ManagementAPI
import Testing

@testable import Daemon
@testable import JSON
@testable import Mesh
@testable import Platform
@testable import Routing

final class LoopFixture {
    let directory: ScratchDirectory
    let pki: TestPKI
    let log = KeptLog()
    let loop: ControlLoop
    let facade: RouterFacade

    var path: String { "\(directory.path)/config.json" }
    var revision: UInt64 { loop.configuration.revision }
    var history: [String] { ((try? Files.list(loop.state.path + "/history")) ?? []).sorted() }

    /// - Parameters:
    ///   - members: further members of the document, JSON without braces, after a comma of its own.
    ///   - earlier: certificates of a router that ran before in their directory; its configuration and state are used
    ///     again.
    init(_ members: String = "", after earlier: TestPKI? = nil, options: Options = Options()) throws {
        if let earlier {
            directory = earlier.directory
            pki = earlier
        } else {
            directory = try ScratchDirectory()
            pki = try TestPKI(in: directory)
            try pki.node("a.vnet.example.com", file: "a")
            try directory.write(Self.document(directory.path, members), to: "config.json", mode: 0o640)
        }
        let file = ConfigurationFile(path: "\(directory.path)/config.json")
        let loaded = try file.load()
        let identity = try NodeIdentity(loaded.config, now: SystemClock.wallSeconds())
        // A program that another test starts at this moment holds copies of our descriptors, the former router's lock among
        // them, from its fork to its exec. That is over in a moment; a lock that is really held stays.
        let patience = SystemClock.now() + 5_000_000
        var made: ControlLoop?
        while made == nil {
            do {
                made = try Router.makeLoop(options, file, loaded, identity, log.logger, SignalSource([.hangup]))
            } catch let error as StateError {
                let isHeld = error.description.contains("is held by another")
                guard earlier != nil, isHeld, SystemClock.now() < patience else { throw error }
            }
        }
        loop = try #require(made)
        facade = RouterFacade(loop)
        try loop.start(listeners: [], userAgent: Release.userAgent)
    }

    static func document(_ directory: String, _ members: String) -> String {
        """
        {
          "listen_addr": "127.0.0.1:5120",
          "ca": "\(directory)/ca.crt", "cert": "\(directory)/a.crt", "private_key": "\(directory)/a.key",
          "state_dir": "\(directory)/state",
          "vifs": {"hole": {"type": "dummy"}},
          "local_announcements": [{"prefix": "2001:db8:a::/48", "vif": "hole"}],
          "x_note": "kept"\(members)
        }

        """
    }

    /// Lets everything happen that was asked for.
    func turn() throws {
        for _ in 0..<3 { try loop.turn(limit: loop.reactor.now) }
    }

    func options(
        dryRun: Bool = false, persist: Bool? = nil, actor: String = "test"
    ) -> WriteOptions { WriteOptions(isDryRun: dryRun, persist: persist, actor: actor) }

    /// Edits the running configuration by way of the facade, as the API does.
    func change(
        dryRun: Bool = false, persist: Bool? = nil, base: UInt64? = nil, _ edit: (inout NodeConfig) -> Void
    ) throws -> Result<ApplyResultBody, WriteFailure> {
        var proposed = facade.runningConfig
        edit(&proposed)
        let change = ConfigChange(
            baseRevision: base ?? revision, proposed: proposed,
            changes: facade.runningConfig.differences(to: proposed))
        var answers: [Result<ApplyResultBody, WriteFailure>] = []
        facade.apply(change, options: options(dryRun: dryRun, persist: persist)) { answers.append($0) }
        try turn()
        try #require(answers.count == 1, "answered once")
        return answers[0]
    }

    func reload(dryRun: Bool = false) throws -> Result<ApplyResultBody, WriteFailure> {
        var answers: [Result<ApplyResultBody, WriteFailure>] = []
        facade.reloadConfig(options: options(dryRun: dryRun)) { answers.append($0) }
        try turn()
        try #require(answers.count == 1, "answered once")
        return answers[0]
    }

    /// What the file says now.
    func onDisk() throws -> NodeConfig { try loop.configuration.file.load().config }

    func announces(_ text: String) throws -> Bool {
        loop.node.route(try Prefix(parsing: text))?.selected?.local != nil
    }
}

extension Result<ApplyResultBody, WriteFailure> {
    /// The problem of a refusal.
    var refusal: Problem? {
        if case .failure(.refused(let problem)) = self { problem } else { nil }
    }
}
