// What outlives the process: the policy in force above all (B14, S7), the lock, the history's bound.

import Testing

@testable import Daemon
@testable import Mesh
@testable import Platform
@testable import TLS
@testable import Wire

@Suite("the state directory")
struct StateDirectoryTests {
    private let scratch: ScratchDirectory
    private let pki: TestPKI
    private let now = SystemClock.wallSeconds()
    private var path: String { scratch.path + "/var/lib/state" }

    init() throws {
        scratch = try ScratchDirectory()
        pki = try TestPKI(in: scratch)
    }

    private func verified(_ content: String, at issued: Int64) throws -> VerifiedConfig {
        try DistributedConfigCheck.verify(
            pki.signed(content, at: issued), authorities: [pki.authority], now: SystemClock.wallSeconds())
    }

    private func stored(
        _ state: StateDirectory, _ authorities: [Certificate]? = nil, now: Int64? = nil
    ) throws -> (config: VerifiedConfig, warnings: [String])? {
        try state.storedConfig(authorities: authorities ?? [pki.authority], now: now ?? self.now)
    }

    private func damage(_ file: String) throws {
        var bytes = try Files.read(file, limit: 1 << 20)
        bytes[bytes.count - 2] ^= 1
        try Files.write(file, bytes)
    }

    @Test("D13: one process a directory; it is made with its parents, for its owner alone")
    func lock() throws {
        let state = try StateDirectory(path)
        #expect(try Files.status(path).mode & 0o777 == 0o700)
        #expect { try StateDirectory(path) } throws: { "\($0)".contains("held by another vmeshd") }
        withExtendedLifetime(state) {}
    }

    @Test("a directory that cannot be is one line with the remedy")
    func impossible() throws {
        try scratch.write("", to: "file")
        #expect { try StateDirectory(scratch.path + "/file/state") } throws: {
            "\($0)".contains("set \"state_dir\"") && !"\($0)".contains("\n")
        }
    }

    @Test("stored, and in force again; none is none")
    func round() throws {
        let state = try StateDirectory(path)
        #expect(try stored(state) == nil)
        let config = try verified(#"{"prefix_whitelist": {}}"#, at: now - 100)
        try state.store(config)
        let found = try #require(try stored(state))
        #expect(found.config == config && found.warnings.isEmpty)
    }

    @Test("B14: expired, signed by a CA of the past, a clock of 1970: in force all the same, with a warning")
    func unfamiliar() throws {
        let state = try StateDirectory(path)
        let config = try verified(#"{"prefix_whitelist": {}}"#, at: now - 100)
        try state.store(config)
        let expired = try #require(try stored(state, now: now + 400 * 86_400))
        #expect(expired.config.mark == config.mark && expired.warnings.count == 1)
        let other = try TestPKI(in: scratch, name: "newca")
        let orphan = try #require(try stored(state, [other.authority]))
        #expect(orphan.config.mark == config.mark)
        #expect(orphan.warnings.first?.contains("not signed by a configured CA") == true)
        #expect(try #require(try stored(state, now: 0)).config.mark == config.mark)
    }

    @Test("D4: a damaged file gives way to the one before, and says so")
    func fallback() throws {
        let state = try StateDirectory(path)
        let first = try verified(#"{"prefix_whitelist": {"a.x": []}}"#, at: now - 200)
        let second = try verified(#"{"prefix_whitelist": {"b.x": []}}"#, at: now - 100)
        try state.store(first)
        try state.store(second)
        #expect(try #require(try stored(state)).config == second)
        try damage(path + "/distributed-config.bin")
        let found = try #require(try stored(state))
        #expect(found.config == first)
        #expect(found.warnings.first?.contains("distributed-config.bin") == true)
        try Files.write(path + "/distributed-config.bin", [])
        #expect(try #require(try stored(state)).config == first)
        try Files.remove(path + "/distributed-config.bin")
        #expect(try #require(try stored(state)).config == first)
    }

    @Test("S7: with both damaged the process does not start, since nothing would be filtered")
    func refusal() throws {
        let state = try StateDirectory(path)
        try state.store(try verified(#"{"prefix_whitelist": {"a.x": []}}"#, at: now - 200))
        try state.store(try verified(#"{"prefix_whitelist": {"b.x": []}}"#, at: now - 100))
        try damage(path + "/distributed-config.bin")
        try damage(path + "/distributed-config.bin.1")
        #expect { _ = try stored(state) } throws: {
            "\($0)".contains("let everything in") && "\($0)".contains("distributed-config.bin.1")
        }
    }

    @Test("50 documents are kept, the newest; strangers in the directory are left alone")
    func history() throws {
        let state = try StateDirectory(path)
        #expect(state.nextRevision == 1)
        try Files.write(path + "/history/README", [])
        for revision in 1...57 { try state.keep(revision: UInt64(revision), document: [0x7B, 0x7D]) }
        let kept = try Files.list(path + "/history")
        #expect(kept.count == 51 && kept.contains("README"))
        #expect(!kept.contains("7.json") && kept.contains("8.json") && kept.contains("57.json"))
        #expect(state.nextRevision == 58)
        try Files.write(path + "/history/\(UInt64.max).json", [])
        #expect(state.nextRevision == .max)
    }
}

@Suite("-initial-dc, and what a restart finds")
struct InitialConfigTests {
    private func start(_ pki: TestPKI, _ signed: SignedConfig?) throws -> LoopFixture {
        var options = Options()
        if let signed {
            options.initialConfig = pki.directory.path + "/initial.bin"
            try Files.write(pki.directory.path + "/initial.bin", signed.encoded())
        }
        return try LoopFixture(after: pki, options: options)
    }

    private func prepare() throws -> TestPKI {
        let directory = try ScratchDirectory()
        let pki = try TestPKI(in: directory)
        try pki.node("a.vnet.example.com", file: "a")
        try directory.write(LoopFixture.document(directory.path, ""), to: "config.json")
        return pki
    }

    @Test("it is taken, stored, and stays when the flag goes; only a newer one replaces it")
    func taken() throws {
        let pki = try prepare()
        let now = SystemClock.wallSeconds()
        let old = try pki.signed(#"{"prefix_whitelist": {"old.x": []}}"#, at: now - 300)
        let new = try pki.signed(#"{"prefix_whitelist": {"new.x": []}}"#, at: now - 200)
        func run(_ offered: SignedConfig?, _ check: (LoopFixture) throws -> Void) throws {
            let router = try start(pki, offered)
            router.loop.saveDistributedConfig()
            try check(router)
        }
        try run(old) { #expect($0.loop.node.distributedConfig.current?.signed == old) }
        try run(nil) { #expect($0.loop.node.distributedConfig.current?.signed == old) }
        try run(new) { #expect($0.loop.node.distributedConfig.current?.signed == new) }
        try run(old) {
            #expect($0.loop.node.distributedConfig.current?.signed == new)
            #expect($0.log.lines.contains { $0.contains("the stored distributed config is newer") })
        }
        // The same again writes nothing, so the one before is still there.
        try run(new) { _ in }
        let previous = try Files.read(pki.directory.path + "/state/distributed-config.bin.1", limit: 1 << 20)
        #expect(previous == old.encoded())
    }

    @Test("a bad one: an error line where a policy is stored, the end where none is")
    func bad() throws {
        let pki = try prepare()
        var options = Options()
        options.initialConfig = pki.directory.path + "/missing.bin"
        #expect { try LoopFixture(after: pki, options: options) } throws: { "\($0)".contains("missing.bin") }
        let other = try TestPKI(in: pki.directory, name: "other")
        let foreign = try other.signed("{}")
        #expect { try start(pki, foreign) } throws: { "\($0)".contains("(not_signed_by_ca)") }
        let good = try pki.signed(#"{"prefix_whitelist": {}}"#)
        do { try start(pki, good).loop.saveDistributedConfig() }
        do {
            let router = try LoopFixture(after: pki, options: options)
            #expect(router.loop.node.distributedConfig.current?.signed == good)
            #expect(router.log.lines.contains { $0.hasPrefix("error -initial-dc not used") })
        }
        let router = try start(pki, foreign)
        #expect(router.loop.node.distributedConfig.current?.signed == good)
    }
}
