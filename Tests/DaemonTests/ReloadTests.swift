// SIGHUP and POST /v1/config/reload (C43, C23, D6).

import ManagementAPI
import Testing

@testable import Daemon
@testable import Mesh
@testable import Platform
@testable import Routing

@Suite("C43: reading the configuration again")
struct ReloadTests {
    private func write(_ members: String, _ router: LoopFixture) throws {
        try router.directory.write(LoopFixture.document(router.directory.path, members), to: "config.json")
    }

    @Test("what the file says runs; the answer lists what is applied and what needs a restart")
    func applied() throws {
        let router = try LoopFixture()
        try write(
            """
            , "peers": [{"name": "b.vnet.example.com", "addr": "192.0.2.7:5120"}],
            "api": {"listen": [{"unix": "/run/vmesh/other.sock"}]}
            """, router)
        let result = try router.reload().get()
        #expect(result.isChanged && result.isPersisted && result.revision == 2)
        #expect(
            result.effects == [
                EffectBody(.peerConnect, "b.vnet.example.com"), EffectBody(.restartRequired, "api"),
            ])
        #expect(router.facade.peer(.name("b.vnet.example.com")) != nil)
        #expect(
            router.log.lines.contains { $0.contains("configuration read again") && $0.contains("needs_restart=api") })
        #expect(router.history == ["1.json"])
    }

    @Test(
        "D6: a broken file changes nothing and the log names the place",
        arguments: [
            ("{\"listen_addr\": 5,\n \"ca\" oops}", "config.json:2:7:"), ("", "config.json:1:1:"),
            ("{\"listen_addr\": \"\", \"listen_addr\": \"\"}", "config.json:1:21:"),
            ("{\"listen_addr\": 5}", "config.json: /listen_addr:"), ("[]", "config.json: "),
        ])
    func broken(_ text: String, _ place: String) throws {
        let router = try LoopFixture()
        let before = router.facade.runningConfig
        try router.directory.write(text, to: "config.json")
        router.loop.reload()
        try router.turn()
        #expect(router.facade.runningConfig == before && router.revision == 1)
        let line = router.log.lines.last { $0.hasPrefix("error configuration not read again") }
        #expect(line?.contains(place) == true, "\(line ?? "no line")")
        #expect(try router.announces("2001:db8:a::/48"))
    }

    @Test("every prefix of a file, as an editor may leave it, changes nothing or everything")
    func truncated() throws {
        let router = try LoopFixture()
        let text = LoopFixture.document(router.directory.path, ", \"log\": {\"level\": \"error\"}")
        let whole = text.dropLast(2).utf8.count
        for length in stride(from: 0, to: whole, by: 7) {
            try router.directory.write(String(decoding: text.utf8.prefix(length), as: UTF8.self), to: "config.json")
            #expect(try router.reload().refusal != nil, "\(length) bytes")
        }
        #expect(router.revision == 1)
    }

    @Test("the same meaning in other words is no revision")
    func reformatted() throws {
        let router = try LoopFixture()
        try router.directory.write(router.directory.text("config.json") + "\n\n", to: "config.json")
        #expect(router.facade.configStatus().fileChangedOnDisk)
        let result = try router.reload().get()
        #expect(!result.isChanged && result.revision == 1)
        #expect(router.facade.configStatus().runningMatchesFile)
        #expect(router.history.isEmpty)
    }

    @Test("the log's level is live, and -debug on the command line outlives the file")
    func logLevel() throws {
        let router = try LoopFixture()
        try write(", \"log\": {\"level\": \"error\"}", router)
        _ = try router.reload().get()
        #expect(router.log.logger.logLevel == .error)
        try write("", router)
        _ = try router.reload().get()
        #expect(router.log.logger.logLevel == .info)

        var options = Options()
        options.debug = true
        let talkative = try LoopFixture(options: options)
        try write(", \"log\": {\"level\": \"error\"}", talkative)
        _ = try talkative.reload().get()
        #expect(talkative.log.logger.logLevel == .debug)
    }

    @Test("C23a: a certificate renewed under its old name is taken, a dry run leaves it")
    func renewed() throws {
        let router = try LoopFixture()
        let old = router.loop.identity.id
        try router.pki.node("a.vnet.example.com", file: "a")
        let plan = try router.reload(dryRun: true).get()
        #expect(plan.effects.map(\.kind) == [.identityChange])
        #expect(router.loop.identity.id == old)
        let result = try router.reload().get()
        #expect(!result.isChanged && result.effects == plan.effects)
        #expect(router.loop.identity.id != old)
        #expect(router.loop.node.configuration.id == router.loop.identity.id)
        #expect(router.loop.node.configuration.aliases == [old])
    }

    @Test("C23b, c: a key that does not belong, a half file: the old pair stays")
    func mismatched() throws {
        let router = try LoopFixture()
        let old = router.loop.identity.id
        let key = try router.directory.text("a.key")
        try router.pki.node("a.vnet.example.com", file: "a")
        try router.directory.write(key, to: "a.key")
        #expect(try router.reload().refusal?.detail?.contains("the key does not belong") == true)
        let certificate = try router.directory.text("a.crt")
        try router.directory.write(String(certificate.prefix(200)), to: "a.crt")
        #expect(try router.reload().refusal?.detail?.contains("a.crt") == true)
        #expect(router.loop.identity.id == old)
    }

    @Test("another name is another node: that needs a restart")
    func renamed() throws {
        let router = try LoopFixture()
        try router.pki.node("z.vnet.example.com", file: "a")
        let problem = try #require(try router.reload().refusal)
        #expect(problem.code == .nameChange)
        #expect(problem.detail?.contains("z.vnet.example.com") == true)
    }
}
