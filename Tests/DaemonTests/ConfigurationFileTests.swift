// Errors of a configuration file, as one line each; the example at the root; the check of signed configurations.

import Foundation
import ManagementAPI
import Testing

@testable import Daemon
@testable import Mesh
@testable import Platform
@testable import TLS
@testable import Wire

@Suite("the configuration file")
struct ConfigurationFileTests {
    private static let start = #"{"listen_addr": ":5120", "ca": "ca.crt", "cert": "a.crt", "private_key": "a.key""#

    private func complaint(_ text: String) -> String? {
        do throws(ConfigurationError) {
            _ = try ConfigurationFile(path: "/etc/vmesh/config.json").parse(Array(text.utf8))
            return nil
        } catch {
            return error.description
        }
    }

    @Test(
        "what is wrong is one line: file:line:column for the text, a pointer for the content",
        arguments: [
            ("", "/etc/vmesh/config.json:1:1: "), ("{\n  \"ca\": }", "/etc/vmesh/config.json:2:9: "),
            ("{\"ca\": \"x\",}", "/etc/vmesh/config.json:1:12: "),
            (start + ",\n\"ca\": \"again\"}", "/etc/vmesh/config.json:2:1: "),
            (start + "} trailing", "/etc/vmesh/config.json:1:"),
            ("[]", "/etc/vmesh/config.json: "), ("{}", "/etc/vmesh/config.json: /listen_addr: is missing (and 3 more)"),
            (start + ", \"peers\": [{\"name\": \"b.x\", \"addr\": \"192.0.2.1\"}]}", ": /peers/0/addr: "),
            (start + ", \"vifs\": {\"v\": {\"type\": \"tap\"}}}", ": /vifs/v/type: "),
            (
                start + ", \"local_announcements\": [{\"prefix\": \"2001:db8::1/48\"}]}",
                ": /local_announcements/0/prefix: "
            ),
            (start + ", \"api\": {\"listen\": [{\"tcp\": \"0.0.0.0:5121\"}]}}", ": /api/listen/0/tcp: "),
            (
                start
                    + ", \"api\": {\"listen\": [{\"tcp\": \"[::1]:1\", \"tls\": {\"cert\": \"c\", \"key\": \"k\"}}]}}",
                ": /api/listen/0/tls: TLS for the API ([::1]:1) is not in this version"
            ),
        ])
    func errors(_ text: String, _ expected: String) throws {
        let line = try #require(complaint(text))
        #expect(line.contains(expected), "\(line)")
        #expect(line.hasPrefix("/etc/vmesh/config.json") && !line.contains("\n"))
    }

    @Test("a file that is not there, or is no file")
    func missing() throws {
        let scratch = try ScratchDirectory()
        let file = ConfigurationFile(path: scratch.path + "/none.json")
        #expect { try file.load() } throws: { "\($0)".contains("no such file") && "\($0)".contains("-config FILE") }
        #expect { try ConfigurationFile(path: scratch.path).load() } throws: { "\($0)".contains(scratch.path) }
        #expect(file.digestOnDisk() == nil)
    }

    @Test("more than 4 MiB is not read")
    func large() throws {
        let scratch = try ScratchDirectory()
        try scratch.write(String(repeating: " ", count: (4 << 20) + 1), to: "big.json")
        #expect { try ConfigurationFile(path: scratch.path + "/big.json").load() } throws: {
            "\($0)".contains("larger")
        }
    }

    @Test("what is written is what is read")
    func round() throws {
        let scratch = try ScratchDirectory()
        try scratch.write(Self.start + ", \"x_other\": [1, null], \"peers\": []}", to: "c.json")
        let file = ConfigurationFile(path: scratch.path + "/c.json")
        let loaded = try file.load()
        let staged = try file.stage(loaded.config)
        try staged.file.commit()
        let again = try file.load()
        #expect(again.config == loaded.config && again.digest == staged.digest && again.bytes == staged.bytes)
        #expect(try scratch.text("c.json").contains("x_other"))
    }

    @Test("config.example.json is read without a warning, and shows what there is")
    func example() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = ConfigurationFile(path: root.appendingPathComponent("config.example.json").path)
        let loaded = try file.load()
        #expect(loaded.warnings.isEmpty)
        let config = loaded.config
        #expect(Set(config.vifs.map(\.kind)) == Set(VifConfig.Kind.allCases))
        #expect(config.hasAPIBlock && config.api.listeners.count == 3)
        #expect(config.peers.contains { $0.addresses.count > 1 } && config.peers.contains { $0.fingerprint != nil })
        #expect(config.announcements.contains { $0.vif == nil } && config.stateDirectory != nil)
        #expect(config.logLevel == "info")
        // README explains it member by member.
        let readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
        let text = String(decoding: loaded.bytes, as: UTF8.self)
        for match in text.matches(of: /"([a-z_0-9]+)":/) where !["gw", "hole", "mesh", "echo"].contains(match.1) {
            #expect(readme.contains("\"\(match.1)\":"), "README does not show \(match.1)")
        }
    }
}

@Suite("the check of signed configurations")
struct DistributedConfigCheckTests {
    private let pki: TestPKI
    private let now = SystemClock.wallSeconds()

    init() throws { pki = try TestPKI(in: ScratchDirectory()) }

    private func reason(_ signed: SignedConfig, now: Int64? = nil, allowExpired: Bool = false) -> String? {
        do throws(ConfigRejection) {
            _ = try DistributedConfigCheck.verify(
                signed, authorities: [pki.authority], now: now ?? self.now, allowExpired: allowExpired)
            return nil
        } catch { return error.reason }
    }

    @Test("a good one, with its times and the hash of its content")
    func good() throws {
        let signed = try pki.signed(#"{"prefix_whitelist": {"a.x": ["2001:db8::/32"]}}"#, at: now - 100)
        let config = try DistributedConfigCheck.verify(signed, authorities: [pki.authority], now: now)
        #expect(config.signed == signed && config.issuedAt == now - 100)
        #expect(config.contentHash == sha256(signed.content))
        #expect(try DistributedConfigCheck.decode(signed.encoded()) == signed)
    }

    @Test("C27, B15: each refusal has its word")
    func reasons() throws {
        let good = try pki.signed(#"{"prefix_whitelist": {}}"#, at: now - 100)
        var row = good
        row.version = 2
        #expect(reason(row) == "unsupported_version")
        row = good
        row.content += [0x20]
        #expect(reason(row) == "hash_mismatch")
        row = good
        row.certificate = Array(row.certificate.dropLast(3))
        #expect(reason(row) == "bad_encoding")
        #expect(reason(good, now: now + 400 * 86_400) == "expired")
        #expect(reason(good, now: now + 400 * 86_400, allowExpired: true) == nil)
        #expect(reason(try pki.signed("{}", at: now + 900)) == "issued_in_future")
        #expect(reason(try pki.signed(#"{"prefix_whitelist": {"a.x": ["10.0.0.0/8,"]}}"#)) == "content_invalid")
        #expect(reason(try pki.signed("no JSON")) == "content_invalid")
        let other = try TestPKI(in: pki.directory, name: "other")
        #expect(reason(try other.signed("{}")) == "not_signed_by_ca")
    }

    @Test("bytes that are none, or too many")
    func encoding() throws {
        func reason(_ bytes: [UInt8]) -> String? {
            do throws(ConfigRejection) {
                _ = try DistributedConfigCheck.decode(bytes)
                return nil
            } catch { return error.reason }
        }
        #expect(reason([0xFF, 0xFF]) == "bad_encoding")
        #expect(reason([UInt8](repeating: 0, count: DistributedConfigCheck.limit + 1)) == "content_invalid")
        #expect(reason([]) == "unsupported_version")
        let good = try pki.signed("{}").encoded()
        for length in stride(from: 1, to: good.count, by: 13) { _ = reason(Array(good.prefix(length))) }
    }
}
