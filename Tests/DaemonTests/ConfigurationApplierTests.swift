// Changes of the configuration through the facade of a real control loop: order of a write, what the file holds then, what
// is undone, and which number a revision has (api.md 2.7).

import ManagementAPI
import Testing

@testable import Daemon
@testable import Mesh
@testable import Platform
@testable import Routing

@Suite("changes of the configuration")
struct ConfigurationApplierTests {
    private func peer(_ name: String) -> PeerConfig { PeerConfig(name: name, addresses: ["192.0.2.7:5120"]) }

    @Test("a write is in force and on the disk when it is answered; unknown members, mode and owner stay")
    func apply() throws {
        let router = try LoopFixture()
        try Files.setMode(router.path, 0o644)
        let before = try Files.status(router.path)
        let prefix = try Prefix(parsing: "2001:db8:a1::/48")
        let result = try router.change {
            $0.announcements.append(AnnouncementConfig(prefix: prefix, vif: "hole"))
        }.get()
        #expect(result.isChanged && result.isPersisted && !result.isDryRun)
        #expect(result.revision == 2)
        #expect(result.changes.map(\.pointer) == ["/local_announcements/2001:db8:a1::~148"])
        #expect(result.effects == [EffectBody(.routeAnnounce, "2001:db8:a1::/48")])
        #expect(try router.announces("2001:db8:a1::/48"))
        #expect(try router.onDisk() == router.facade.runningConfig)
        #expect(try router.directory.text("config.json").contains("\"x_note\""))
        let after = try Files.status(router.path)
        #expect(after.mode == before.mode && after.uid == before.uid && after.gid == before.gid)
        let status = router.facade.configStatus()
        #expect(status.runningMatchesFile && !status.fileChangedOnDisk)
        #expect(status.changedBy == "test")
    }

    @Test("the document that was replaced goes to the history, byte for byte")
    func history() throws {
        let router = try LoopFixture()
        let first = try router.directory.text("config.json")
        _ = try router.change { $0.peers.append(peer("b.vnet.example.com")) }.get()
        #expect(try router.directory.text("state/history/1.json") == first)
        #expect(router.history == ["1.json"])
    }

    @Test("a dry run answers the same and does nothing")
    func dryRun() throws {
        let router = try LoopFixture()
        let file = try router.directory.text("config.json")
        let edit: (inout NodeConfig) -> Void = { $0.peers.append(self.peer("b.vnet.example.com")) }
        let plan = try router.change(dryRun: true, edit).get()
        #expect(plan.isDryRun && plan.isChanged && plan.isPersisted && plan.revision == 1)
        #expect(router.facade.runningConfig.peers.isEmpty)
        #expect(try router.directory.text("config.json") == file)
        #expect(router.history.isEmpty)
        let real = try router.change(edit).get()
        #expect(real.changes == plan.changes && real.effects == plan.effects)
    }

    @Test("nothing is written when nothing changed")
    func unchanged() throws {
        let router = try LoopFixture()
        let before = try Files.status(router.path)
        let result = try router.change { _ in }.get()
        #expect(!result.isChanged && result.isPersisted && result.revision == 1)
        #expect(try Files.status(router.path) == before)
        #expect(router.history.isEmpty)
    }

    @Test("what was made from an older revision is handed back, so that it is made again")
    func stale() throws {
        let router = try LoopFixture()
        _ = try router.change { $0.peers.append(peer("b.vnet.example.com")) }.get()
        let late = try router.change(base: 1) { $0.peers.append(peer("c.vnet.example.com")) }
        #expect(late == .failure(.staleConfigChange))
        #expect(router.facade.runningConfig.peers.count == 1)
    }

    @Test("a file that somebody else changed is not overwritten; persist=false and a reload are ways out")
    func fileChanged() throws {
        let router = try LoopFixture()
        let edited = LoopFixture.document(router.directory.path, ", \"log\": {\"level\": \"warning\"}")
        try router.directory.write(edited, to: "config.json")
        let edit: (inout NodeConfig) -> Void = { $0.peers.append(self.peer("b.vnet.example.com")) }
        #expect(try router.change(edit).refusal?.code == .configFileChanged)
        #expect(try router.change(dryRun: true, edit).refusal?.code == .configFileChanged)
        #expect(try router.directory.text("config.json") == edited)
        #expect(router.facade.runningConfig.peers.isEmpty)
        let runtime = try router.change(persist: false, edit).get()
        #expect(!runtime.isPersisted && runtime.revision == 2)
        #expect(try router.reload().get().changes.count == 2)
        #expect(router.facade.runningConfig.peers.isEmpty)
        #expect(try router.change(edit).get().isPersisted)
    }

    @Test("a file that is gone is written anew")
    func fileGone() throws {
        let router = try LoopFixture()
        try Files.remove(router.path)
        #expect(try router.change { $0.peers.append(peer("b.vnet.example.com")) }.get().isPersisted)
        #expect(try router.onDisk().peers.count == 1)
    }

    @Test(
        "api.persist and ?persist=",
        arguments: [
            ("auto", nil, true), ("auto", false, false), ("never", nil, false), ("never", true, true),
            ("always", nil, true), ("always", false, false),
        ] as [(String, Bool?, Bool)])
    func persistence(_ word: String, _ option: Bool?, _ expected: Bool) throws {
        let router = try LoopFixture(", \"api\": {\"persist\": \"\(word)\"}")
        let file = try router.directory.text("config.json")
        let result = try router.change(persist: option) { $0.peers.append(peer("b.vnet.example.com")) }.get()
        #expect(result.isPersisted == expected)
        #expect(try (router.directory.text("config.json") != file) == expected)
        #expect(router.facade.configStatus().runningMatchesFile == expected)
        #expect(router.facade.configStatus().persist == (word == "never" ? .runtimeOnly : .writeBack))
    }

    @Test("revisions go up over restarts, those that only ran included, and each keeps its own document")
    func revisions() throws {
        let router = try LoopFixture()
        _ = try router.change(persist: false) { $0.peers.append(peer("b.vnet.example.com")) }.get()
        _ = try router.change { $0.peers.append(peer("c.vnet.example.com")) }.get()
        #expect(router.revision == 3)
        #expect(router.history == ["1.json", "2.json"])
        #expect(try router.directory.text("state/history/2.json").contains("b.vnet.example.com"))
        #expect(try !router.directory.text("state/history/2.json").contains("c.vnet.example.com"))
        #expect(router.loop.state.nextRevision == 3)
    }

    @Test("an interface that cannot be had undoes the whole change")
    func failingInterface() throws {
        let router = try LoopFixture()
        let file = try router.directory.text("config.json")
        try Files.setMode(router.loop.state.path + "/vifs", 0o755)
        let result = try router.change {
            var broken = VifConfig(name: "echo", kind: .service)
            broken.serviceNetwork = "unixgram"
            broken.serviceAddress = "/run/echo.sock"
            $0.vifs = [broken]
            $0.announcements = []
        }
        #expect(result.refusal?.detail?.contains("chmod 700") == true)
        #expect(router.facade.runningConfig.vifs.map(\.name) == ["hole"])
        #expect(router.loop.plane.vifs.map(\.name) == ["hole"])
        #expect(router.loop.vifs.number(of: "echo") == nil, "its number is free again")
        #expect(try router.announces("2001:db8:a::/48"))
        #expect(try router.directory.text("config.json") == file)
        #expect(try Files.list(router.directory.path).allSatisfy { !$0.hasSuffix(".tmp") })
        #expect(router.revision == 1 && router.history.isEmpty)
    }

    @Test("interfaces come and go, and prefixes lead to them")
    func interfaces() throws {
        let router = try LoopFixture()
        let result = try router.change {
            $0.vifs.append(VifConfig(name: "sink", kind: .dummy))
            $0.announcements[0].vif = "sink"
        }.get()
        #expect(result.effects == [EffectBody(.vifCreate, "sink")])
        #expect(router.loop.plane.vifs.map(\.name).sorted() == ["hole", "sink"])
        let prefix = try Prefix(parsing: "2001:db8:a::/48")
        #expect(router.facade.route(prefix)?.candidates.first?.vif == "sink")
        _ = try router.change { $0.vifs.removeAll { $0.name == "hole" } }.get()
        #expect(router.loop.plane.vifs.map(\.name) == ["sink"])
        #expect(router.loop.vifs.count == 1)
    }

    @Test("a document that the next start would refuse is refused: TLS for the API")
    func unsupported() throws {
        let router = try LoopFixture()
        let result = try router.change {
            $0.hasAPIBlock = true
            $0.api.listeners.append(
                .tcp(address: "[::]:5122", tls: APIConfig.TLSFiles(certificate: "a", key: "b", clientCA: nil)))
        }
        #expect(result.refusal?.code == .validationFailed)
        #expect(result.refusal?.items.first?.pointer == "/api/listen/2/tls")
    }

    @Test("what holds from a restart on is said, in the answer and in the health report")
    func restart() throws {
        let router = try LoopFixture()
        let result = try router.change { $0.listenAddress = "[::]:5199" }.get()
        #expect(result.effects == [EffectBody(.restartRequired, "listen_addr")])
        let check = router.facade.status().health.checks.first { $0.name == "restart" }
        #expect(check?.status == .warn && check?.detail?.contains("listen_addr") == true)
        _ = try router.change { $0.listenAddress = "127.0.0.1:5120" }.get()
        #expect(!router.facade.status().health.checks.contains { $0.name == "restart" })
    }
}
