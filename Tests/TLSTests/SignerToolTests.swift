// The signing tool as an operator runs it. It is built beside the tests.

import Foundation
import Testing

@testable import TLS

@Suite struct SignerToolTests {
    private static let policy =
        #"{"prefix_whitelist": {"a.vnet.example.com": ["2001:db8:1000::/48,max_prefix_len=64"]}}"# + "\n"

    private let pki: PKI
    private let authority: Credentials
    private var url: URL { pki.scratch.url }

    init() throws {
        pki = try PKI()
        authority = try pki.authority()
        try pki.scratch.write(authority.certificatePEM, to: "ca.crt")
        try pki.scratch.write(authority.keyPEM, to: "ca.key")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600], ofItemAtPath: pki.scratch.url.appendingPathComponent("ca.key").path)
        try pki.scratch.write(Self.policy, to: "policy.json")
        try FileManager.default.createDirectory(
            at: pki.scratch.url.appendingPathComponent("out"), withIntermediateDirectories: false)
    }

    /// Where the package's executables are: beside the test bundle.
    private static func tool() throws -> String {
        let places =
            CommandLine.arguments.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
            + [URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()]
        for place in places {
            let path = place.appendingPathComponent("vnconfigsign").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw Shell.Failure(description: "vnconfigsign is not beside the tests; build it first")
    }

    private func run(_ arguments: [String]) throws -> Shell {
        try Shell(try Self.tool(), arguments, in: url)
    }

    private static let signing = [
        "-ca-cert", "ca.crt", "-ca-key", "ca.key", "-config", "policy.json", "-out-dir", "out",
    ]

    @Test("signs with v1's flags; protobuf, certificate and content are what v1 reads", arguments: [false, true])
    func sign(twoDashes: Bool) throws {
        let arguments = Self.signing.map { twoDashes && $0.hasPrefix("-") ? "-" + $0 : $0 }
        let result = try run(arguments)
        #expect(result.status == 0, "\(result.error)")
        let path = String(result.text.dropLast())
        #expect(path.hasPrefix("out/dconf-") && path.hasSuffix(".bin"))
        let bytes = try pki.scratch.read(path)

        // version = 1, certificate, content: tags 0x08, 0x12, 0x1A, lengths in two-byte varints here.
        #expect(bytes.prefix(3) == [0x08, 0x01, 0x12])
        let length = Int(bytes[3] & 0x7F) | Int(bytes[4]) << 7
        let der = Array(bytes[5..<5 + length])
        let content = Array(Self.policy.utf8)
        #expect(Array(bytes[(5 + length)...]) == [0x1A, UInt8(content.count)] + content)

        let signature = try ConfigSignature.verify(
            certificate: der, content: content, authorities: [authority.certificate],
            now: Int64(Date().timeIntervalSince1970))
        #expect(path == "out/dconf-\(UTCTime(unixSeconds: signature.issuedAt).fileNamePart).bin")
        try pki.scratch.write(Certificate(der: der).pem, to: "dc.pem")
        try Shell.openssl(
            ["verify", "-attime", String(signature.issuedAt + 1), "-CAfile", "ca.crt", "dc.pem"], in: url)

        let shown = try run(["--inspect", path, "--ca-cert", "ca.crt"])
        #expect(shown.status == 0, "\(shown.error)")
        for text in [
            "issued    \(UTCTime(unixSeconds: signature.issuedAt))", "signer    valid, CN=ca.vnet.example.com",
            "a.vnet.example.com:", "2001:db8:1000::/48,max_prefix_len=64", Hex.encode(sha256(content)),
        ] {
            #expect(shown.text.contains(text), "\(text)")
        }
    }

    @Test("never two of one second: the later file is the newer version, and none is overwritten")
    func sameSecond() throws {
        var paths: [String] = []
        for _ in 0..<4 { paths.append(try run(Self.signing).text) }
        #expect(Set(paths).count == 4)
        #expect(paths == paths.sorted())
    }

    @Test("a file from the future in the directory stops the tool")
    func future() throws {
        try pki.scratch.write("x", to: "out/dconf-2999-01-01-00-00-00.bin")
        let result = try run(Self.signing)
        #expect(result.status == 1 && result.error.contains("from the future"))
    }

    @Test(
        "bad entries are named with their place on one line, and nothing is written",
        arguments: [
            ("{\"prefix_whitelist\": {\"a.b\": [\"2001:db8::/32,max_prefix_len=129\"]}}", "max_prefix_len"),
            ("{\"prefix_whitelist\": {\"a.b\": [\"2001:db8::/32\", \"10.0.0.0/8\"]}}", "entry 2, column 1"),
            ("{\"prefix_whitelist\": {\"a.b\": [\"2001:db8::/32, max_prefix_len=64\"]}}", "column"),
            ("null", "must be an object"), ("{", "line 1"), ("", "nothing was signed"),
        ])
    func badPolicy(content: String, expected: String) throws {
        try pki.scratch.write(content, to: "policy.json")
        let result = try run(Self.signing)
        #expect(result.status == 1)
        #expect(
            result.error.hasPrefix("vnconfigsign: policy.json: ") && result.error.contains(expected), "\(result.error)")
        #expect(result.error.filter(\.isNewline).count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: url.appendingPathComponent("out").path).isEmpty)
    }

    @Test(
        "wrong keys, certificates and places are refused in one line",
        arguments: [
            (["-ca-key", "ca.crt"], 1), (["-ca-key", "none"], 1), (["-ca-cert", "policy.json"], 1),
            (["-out-dir", "none"], 1),
            (["-config", "none"], 1), (["-bogus", "x"], 2), (["extra"], 2),
        ] as [([String], Int32)])
    func complaints(change: [String], status: Int32) throws {
        let result = try run(Self.signing + change)
        #expect(result.status == status)
        #expect(
            result.error.hasPrefix("vnconfigsign: ") && result.error.filter(\.isNewline).count == 1, "\(result.error)")
        #expect(result.output.isEmpty)
    }

    @Test("another CA's key, and a key that others may read, are refused")
    func keys() throws {
        let other = try pki.authority("/CN=other")
        try pki.scratch.write(other.certificatePEM, to: "other.crt")
        let mismatch = try run(Self.signing + ["-ca-cert", "other.crt"])
        #expect(mismatch.status == 1 && mismatch.error.contains("ca.key is not the key of other.crt"))
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: url.appendingPathComponent("ca.key").path)
        #expect(try run(Self.signing).status == 1)
    }

    @Test("inspection says no to a foreign signature, damage and other files")
    func inspection() throws {
        let path = String(try run(Self.signing).text.dropLast())
        let other = try pki.authority("/CN=other")
        try pki.scratch.write(other.certificatePEM, to: "other.crt")
        let foreign = try run(["--inspect", path, "--ca-cert", "other.crt"])
        #expect(foreign.status == 1 && foreign.text.contains("INVALID: not_signed_by_ca"))
        var damaged = try pki.scratch.read(path)
        damaged[damaged.count - 2] ^= 1
        try pki.scratch.write(damaged, to: "damaged.bin")
        let hash = try run(["-inspect", "damaged.bin", "-ca-cert", "ca.crt"])
        #expect(hash.status == 1 && hash.text.contains("INVALID: hash_mismatch"))
        #expect(try run(["--inspect", "policy.json"]).status == 1)
        #expect(try run(["--inspect", path]).status == 0)
        #expect(try run(["--help"]).status == 0)
    }
}
