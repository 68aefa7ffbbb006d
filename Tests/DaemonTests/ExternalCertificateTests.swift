// Pinned certificates by way of the API: a file, a path in the configuration, and trust, all three or none.

import ManagementAPI
import Testing

@testable import Daemon
@testable import Platform
@testable import TLS

@Suite("certificates of external peers")
struct ExternalCertificateTests {
    private func add(
        _ router: LoopFixture, _ pem: [UInt8], dryRun: Bool = false, persist: Bool? = nil
    ) throws -> Result<(ApplyResultBody, String), Problem> {
        var answers: [Result<(ApplyResultBody, String), Problem>] = []
        router.facade.addExternalCertificate(pem: pem, options: router.options(dryRun: dryRun, persist: persist)) {
            answers.append($0)
        }
        try router.turn()
        try #require(answers.count == 1)
        return answers[0]
    }

    private func remove(
        _ router: LoopFixture, _ id: String, dryRun: Bool = false, persist: Bool? = nil
    ) throws -> Result<ApplyResultBody, Problem> {
        var answers: [Result<ApplyResultBody, Problem>] = []
        router.facade.removeExternalCertificate(
            id: id, force: false, options: router.options(dryRun: dryRun, persist: persist)
        ) { answers.append($0) }
        try router.turn()
        try #require(answers.count == 1)
        return answers[0]
    }

    private func foreign(_ router: LoopFixture) throws -> (pem: [UInt8], id: String) {
        let other = try TestPKI(in: router.directory, name: "other")
        let certificate = try other.node("x.other.example", file: "x")
        return (Array(certificate.pem.utf8), Hex.text(certificate.fingerprint))
    }

    private func refusal<Success>(_ result: Result<Success, Problem>) -> Problem? {
        if case .failure(let problem) = result { problem } else { nil }
    }

    @Test("added, added again, removed, gone")
    func life() throws {
        let router = try LoopFixture()
        let (pem, id) = try foreign(router)
        let (added, name) = try add(router, pem).get()
        #expect(added.isChanged && added.isPersisted && name == id)
        let path = router.loop.state.externalCertificatePath(id)
        #expect(try router.onDisk().externalPeerCertificates == [path])
        #expect(router.facade.certificates().contains { $0.id == id && $0.role == .externalPeer && $0.path == path })
        let (again, _) = try add(router, pem).get()
        #expect(!again.isChanged)
        #expect(try remove(router, id).get().isChanged)
        #expect(try router.onDisk().externalPeerCertificates.isEmpty)
        #expect(router.loop.identity.external.isEmpty)
        #expect((try? Files.status(path)) == nil)
        #expect(refusal(try remove(router, id))?.code == .notFound)
    }

    @Test("a dry run leaves no file, and takes none away that was there")
    func dryRun() throws {
        let router = try LoopFixture()
        let (pem, id) = try foreign(router)
        let path = router.loop.state.externalCertificatePath(id)
        #expect(try add(router, pem, dryRun: true).get().0.isDryRun)
        #expect((try? Files.status(path)) == nil)
        #expect(router.loop.identity.external.isEmpty)
        _ = try add(router, pem).get()
        #expect(try remove(router, id, dryRun: true).get().isDryRun)
        #expect((try? Files.status(path)) != nil)
        // Removed from what runs only: the file on the disk names it still, so a restart must find it.
        _ = try remove(router, id, persist: false).get()
        #expect((try? Files.status(path)) != nil)
        _ = try add(router, pem, dryRun: true).get()
        #expect((try? Files.status(path)) != nil)
    }

    @Test("a refused change leaves no file")
    func refused() throws {
        let router = try LoopFixture()
        let (pem, id) = try foreign(router)
        try router.directory.write(router.directory.text("config.json") + " ", to: "config.json")
        #expect(refusal(try add(router, pem))?.code == .configFileChanged)
        #expect((try? Files.status(router.loop.state.externalCertificatePath(id))) == nil)
    }

    @Test("one leaf, and nothing else, is what can be pinned")
    func wrong() throws {
        let router = try LoopFixture()
        let (pem, _) = try foreign(router)
        let authority = try Files.read("\(router.directory.path)/other.crt", limit: 1 << 16)
        let rows: [([UInt8], ProblemCode)] = [
            (Array("hello".utf8), .validationFailed), (pem + pem, .validationFailed), ([], .validationFailed),
            (authority, .validationFailed), ([UInt8](repeating: 0x41, count: 65_537), .payloadTooLarge),
        ]
        for (bytes, code) in rows { #expect(refusal(try add(router, bytes))?.code == code, "\(bytes.count) bytes") }
        #expect(try Files.list(router.loop.state.path + "/external-peers").isEmpty)
    }
}
