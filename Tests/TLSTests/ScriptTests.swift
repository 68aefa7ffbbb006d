// The PKI scripts as an operator without a terminal runs them.

import Foundation
import Testing

@testable import TLS

@Suite struct ScriptTests {
    private let scratch: Scratch
    private let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("scripts")

    init() throws {
        scratch = try Scratch()
    }

    @discardableResult
    private func run(_ script: String, _ arguments: String...) throws -> Shell {
        try Shell("/bin/sh", [scripts.appendingPathComponent(script).path] + arguments, in: scratch.url)
    }

    @Test(
        "a CA and a node of every kind of key: modes, names, purposes, and both ends accept them",
        arguments: ["ed25519", "p256", "rsa"])
    func whole(kind: String) throws {
        #expect(try run("generate_ca.sh", "--key", kind, "ca").status == 0)
        #expect(try run("generate_node.sh", "--key", kind, "a", "a.vnet.example.com").status == 0)
        #expect(try run("sign_node.sh", "ca", "a.csr", "a.crt").status == 0)
        #expect(try scratch.mode("ca.key") == 0o600)
        #expect(try scratch.mode("a.key") == 0o600)
        #expect(try scratch.mode("a.crt") == 0o644)
        for purpose in ["sslserver", "sslclient"] {
            try Shell.openssl(
                ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", "ca.crt", "a.crt"], in: scratch.url)
        }
        let authority = try Certificate(pem: scratch.read("ca.crt"))
        let identity = try Identity(certificatePEM: scratch.read("a.crt"), keyPEM: scratch.read("a.key"))
        #expect(authority.isCA)
        #expect(identity.certificate.commonName == "a.vnet.example.com")
        #expect(identity.certificate.subjectAltNames == ["DNS:a.vnet.example.com"])
        #expect(identity.certificate.extendedKeyUsage == ["serverAuth", "clientAuth"])
        #expect(identity.certificate.notAfter - identity.certificate.notBefore == 365 * 86_400)
        // C25: started five minutes before it was made, so that a clock that is behind does no harm.
        let made = Int64(Date().timeIntervalSince1970)
        #expect(identity.certificate.notBefore <= made - 300)
        let context = try TLSContext(identity: identity, trust: try TrustPolicy(authorities: [authority]))
        let pair = Pair(
            client: try TLSSession(context: context, role: .client(serverName: nil), now: made),
            server: try TLSSession(context: context, role: .server, now: made)
        ).run()
        #expect(pair.server.peer?.trust == .internalCA(authority: authority.fingerprint))
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).sorted()
        #expect(left == ["a.crt", "a.csr", "a.key", "ca.crt", "ca.key"])
    }

    @Test("nothing is overwritten unless asked to")
    func overwriting() throws {
        #expect(try run("generate_ca.sh", "ca").status == 0)
        let before = try scratch.read("ca.key")
        let second = try run("generate_ca.sh", "ca")
        #expect(second.status == 1 && second.error.contains("ca.key exists"))
        #expect(try scratch.read("ca.key") == before)
        #expect(try run("generate_ca.sh", "--force", "ca").status == 0)
        #expect(try scratch.read("ca.key") != before)
        #expect(try run("generate_node.sh", "a.example.com").status == 0)
        #expect(try run("sign_node.sh", "ca", "a.example.com.csr", "a.crt").status == 0)
        #expect(try run("sign_node.sh", "ca", "a.example.com.csr", "a.crt").status == 1)
        #expect(try run("generate_node.sh", "a.example.com").status == 1)
    }

    @Test("a CA as v1's scripts made it signs, too")
    func oldAuthority() throws {
        try Shell.openssl(["genpkey", "-algorithm", "ed25519", "-out", "ca.key"], in: scratch.url)
        try Shell.openssl(
            ["req", "-new", "-x509", "-key", "ca.key", "-out", "ca.crt", "-days", "3650", "-subj", "/CN=old"],
            in: scratch.url)
        #expect(try run("generate_node.sh", "a.example.com").status == 0)
        let signed = try run("sign_node.sh", "ca", "a.example.com.csr", "a.crt")
        #expect(signed.status == 0, "\(signed.error)")
        try Shell.openssl(["verify", "-CAfile", "ca.crt", "a.crt"], in: scratch.url)
    }

    @Test("names that a request asks for are not copied (B10)")
    func requestedNames() throws {
        #expect(try run("generate_ca.sh", "ca").status == 0)
        try Shell.openssl(["genpkey", "-algorithm", "ed25519", "-out", "x.key"], in: scratch.url)
        try Shell.openssl(
            [
                "req", "-new", "-key", "x.key", "-subj", "/CN=x.example.com", "-addext",
                "subjectAltName=URI:vnet-conf://" + String(repeating: "00", count: 32), "-addext",
                "basicConstraints=CA:TRUE", "-out", "x.csr",
            ], in: scratch.url)
        #expect(try run("sign_node.sh", "ca", "x.csr", "x.crt").status == 0)
        let certificate = try Certificate(pem: scratch.read("x.crt"))
        #expect(certificate.subjectAltNames == ["DNS:x.example.com"])
        #expect(!certificate.isCA && !certificate.namesConfig)
    }

    @Test(
        "complaints are one line and say what to do",
        arguments: [
            ["generate_ca.sh"], ["generate_ca.sh", "--key", "dsa", "ca"], ["generate_ca.sh", "--days", "0", "ca"],
            ["generate_ca.sh", "none/ca"], ["generate_ca.sh", "--bogus"], ["generate_ca.sh", "ca", "a\nb"],
            ["generate_node.sh"], ["generate_node.sh", "router"], ["generate_node.sh", "a", "a..b"],
            ["generate_node.sh", "a", "a.b/CN=c"], ["sign_node.sh"], ["sign_node.sh", "ca"],
            ["sign_node.sh", "ca", "a.csr"],
            ["sign_node.sh", "ca", "a.csr", "a.crt"],
        ])
    func complaints(words: [String]) throws {
        let script = scripts.appendingPathComponent(words[0]).path
        let result = try Shell("/bin/sh", [script] + words.dropFirst(), in: scratch.url)
        #expect(result.status != 0)
        #expect(result.error.hasPrefix("\(words[0]): "))
        #expect(result.output.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).isEmpty)
    }

    @Test("--help explains", arguments: ["generate_ca.sh", "generate_node.sh", "sign_node.sh"])
    func help(script: String) throws {
        let result = try run(script, "--help")
        #expect(result.status == 0)
        #expect(result.text.hasPrefix("usage: \(script) "))
    }
}
