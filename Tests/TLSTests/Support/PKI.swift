// CAs and leaves made by the openssl command while the tests run, in the shapes that nodes meet: as v1's scripts make
// them (X.509 version 1, no extension), with extensions, and wrong in every way that matters.

import Foundation
import Testing

@testable import TLS

enum KeyKind: String, CaseIterable, CustomTestStringConvertible {
    case ed25519, p256, rsa2048, rsa1024

    static let accepted: [KeyKind] = [.ed25519, .p256, .rsa2048]
    var testDescription: String { rawValue }

    var arguments: [String] {
        switch self {
        case .ed25519: ["-algorithm", "ed25519"]
        case .p256: ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        case .rsa2048: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        case .rsa1024: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]
        }
    }
}

/// A certificate and its key, as PEM.
struct Credentials {
    let certificatePEM: [UInt8]
    let keyPEM: [UInt8]
    let certificate: Certificate

    func key() throws -> PrivateKey { try PrivateKey(pem: keyPEM) }

    func identity(chain: [Certificate] = []) throws -> Identity {
        try Identity(certificate: certificate, chain: chain, key: key())
    }
}

/// A directory in which certificates are made.
final class PKI {
    let scratch: Scratch
    private var number = 0

    init() throws {
        scratch = try Scratch()
    }

    private func next(_ name: String) -> String {
        number += 1
        return "\(number)-\(name)"
    }

    func key(_ kind: KeyKind) throws -> String {
        let name = next("key.pem")
        try Shell.openssl(["genpkey"] + kind.arguments + ["-out", name], in: scratch.url)
        return name
    }

    /// A self-signed CA: as `req -x509` makes it, or in version 1 as older scripts do.
    func authority(
        _ subject: String = "/CN=ca.vnet.example.com", _ kind: KeyKind = .ed25519, version1: Bool = false
    ) throws -> Credentials {
        let key = try key(kind)
        let certificate = next("ca.pem")
        if version1 {
            let request = next("ca.csr")
            try Shell.openssl(["req", "-new", "-key", key, "-subj", subject, "-out", request], in: scratch.url)
            try Shell.openssl(
                ["x509", "-req", "-in", request, "-signkey", key, "-days", "3650", "-out", certificate],
                in: scratch.url)
        } else {
            try Shell.openssl(
                ["req", "-new", "-x509", "-key", key, "-subj", subject, "-days", "3650", "-out", certificate],
                in: scratch.url)
        }
        return try credentials(certificate, key)
    }

    /// A certificate below `issuer`; without `extensions` of version 1, as v1's `sign_node.sh` makes it.
    func leaf(
        _ issuer: Credentials, subject: String = "/CN=a.vnet.example.com", _ kind: KeyKind = .ed25519,
        extensions: String? = nil, days: Int = 365, serial: Int? = nil, digest: String? = nil
    ) throws -> Credentials {
        let key = try key(kind)
        let request = next("leaf.csr")
        let certificate = next("leaf.pem")
        let issuerCertificate = next("issuer.pem")
        let issuerKey = next("issuer.key")
        try scratch.write(issuer.certificatePEM, to: issuerCertificate)
        try scratch.write(issuer.keyPEM, to: issuerKey)
        try Shell.openssl(["req", "-new", "-key", key, "-subj", subject, "-out", request], in: scratch.url)
        var arguments = [
            "x509", "-req", "-in", request, "-CA", issuerCertificate, "-CAkey", issuerKey, "-days", String(days),
            "-out", certificate,
        ]
        arguments += serial.map { ["-set_serial", String($0)] } ?? ["-CAcreateserial"]
        if let digest { arguments.append("-\(digest)") }
        if let extensions {
            let file = next("ext.cnf")
            try scratch.write(extensions + "\n", to: file)
            arguments += ["-extfile", file]
        }
        try Shell.openssl(arguments, in: scratch.url)
        return try credentials(certificate, key)
    }

    /// A certificate signed by its own key, version 1, that claims to be a node.
    func selfSigned(_ subject: String = "/CN=x.peer.example.net", _ kind: KeyKind = .ed25519) throws -> Credentials {
        try authority(subject, kind, version1: true)
    }

    private func credentials(_ certificate: String, _ key: String) throws -> Credentials {
        let pem = try scratch.read(certificate)
        return Credentials(
            certificatePEM: pem, keyPEM: try scratch.read(key), certificate: try Certificate(pem: pem))
    }
}

extension Credentials {
    /// The same with bytes of the certificate replaced by as many others: the signature no longer fits, all else does.
    func patched(_ old: String, _ new: [UInt8]) throws -> Credentials {
        let pattern = Array(old.utf8)
        #expect(pattern.count == new.count)
        var der = certificate.der
        for start in 0...(der.count - pattern.count) where Array(der[start..<start + pattern.count]) == pattern {
            der.replaceSubrange(start..<start + pattern.count, with: new)
        }
        let changed = try Certificate(der: der)
        return Credentials(certificatePEM: Array(changed.pem.utf8), keyPEM: keyPEM, certificate: changed)
    }
}
