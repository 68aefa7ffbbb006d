// Who may sign a configuration, and when its signature counts: a row for each way to be wrong.

import Foundation
import Testing

@testable import TLS

@Suite struct ConfigSignatureTests {
    private static let content = Array(#"{"prefix_whitelist":{"a.vnet.example.com":["2001:db8::/48"]}}"#.utf8)
    private static let uri = ConfigURI.text(contentHash: sha256(content))

    private func reason(
        _ der: [UInt8], _ authorities: [Credentials], content: [UInt8] = Self.content, now: Int64,
        allowExpired: Bool = false
    ) -> ConfigSignatureError.Reason? {
        do throws(ConfigSignatureError) {
            _ = try ConfigSignature.verify(
                certificate: der, content: content, authorities: authorities.map(\.certificate), now: now,
                allowExpired: allowExpired)
            return nil
        } catch {
            return error.reason
        }
    }

    @Test(
        "signed by every kind of CA, verified by us and by the openssl command", arguments: KeyKind.accepted,
        [false, true])
    func signAndVerify(kind: KeyKind, version1: Bool) throws {
        let pki = try PKI()
        let authority = try pki.authority("/CN=ca.example", kind, version1: version1)
        let now = authority.certificate.notBefore + 60
        let der = try ConfigSignature.sign(
            content: Self.content, authority: authority.certificate, key: try authority.key(), notBefore: now)
        let signature = try ConfigSignature.verify(
            certificate: der, content: Self.content, authorities: [authority.certificate], now: now)
        #expect(signature.issuedAt == now)
        #expect(signature.expiresAt == UTCTime(unixSeconds: now).adding(years: 1).unixSeconds)
        #expect(signature.contentHash == sha256(Self.content))
        #expect(signature.authority == authority.certificate.fingerprint)

        let certificate = try Certificate(der: der)
        #expect(certificate.version == 3 && certificate.serialHex == "00" && certificate.subject == "")
        #expect(certificate.subjectAltNames == ["URI:\(Self.uri)"])
        #expect(certificate.namesConfig && !certificate.isCA && !certificate.forbidsSignatures)
        try pki.scratch.write(certificate.pem, to: "dc.pem")
        try pki.scratch.write(authority.certificatePEM, to: "ca.pem")
        try Shell.openssl(["verify", "-attime", String(now + 1), "-CAfile", "ca.pem", "dc.pem"], in: pki.scratch.url)
        let text = try Shell.openssl(["x509", "-in", "dc.pem", "-noout", "-text"], in: pki.scratch.url).text
        #expect(text.contains("X509v3 Key Usage: critical\n                Digital Signature\n"))
        #expect(text.contains("X509v3 Subject Alternative Name: critical\n                URI:\(Self.uri)\n"))
        #expect(text.contains("X509v3 Authority Key Identifier") == !version1)
    }

    @Test("the layout never changes: equal but for key and signature")
    func layout() throws {
        let pki = try PKI()
        let authority = try pki.authority()
        let now: Int64 = 1_800_000_000
        func signed() throws -> [UInt8] {
            try ConfigSignature.sign(
                content: Self.content, authority: authority.certificate, key: try authority.key(), notBefore: now)
        }
        let first = try signed()
        let second = try signed()
        #expect(first.count == second.count)
        #expect(zip(first, second).prefix { $0 == $1 }.count > 100)
        // Version 3, serial 0, Ed25519: the first fields of the TBSCertificate.
        #expect(Hex.encode(first[8..<23]) == "a00302010202010030" + "0506032b6570")
    }

    @Test("B9, B10, W9: only what the signing tool makes may sign")
    func whoMaySign() throws {
        let pki = try PKI()
        let ca = try pki.authority()
        let san = "subjectAltName=critical,URI:\(Self.uri)"
        let usage = "keyUsage=digitalSignature"
        let middle = try pki.leaf(ca, subject: "/CN=m", extensions: "basicConstraints=CA:TRUE")
        let node = try pki.leaf(ca)
        let foreign = try pki.authority("/CN=ca.vnet.example.com")
        let rows: [(String, Credentials, ConfigSignatureError.Reason?)] = [
            ("as the tool makes it", try pki.leaf(ca, subject: "/", extensions: "\(san)\n\(usage)", serial: 0), nil),
            ("without key usage", try pki.leaf(ca, subject: "/", extensions: san), nil),
            (
                "upper-case scheme and digits",
                try pki.leaf(
                    ca, subject: "/",
                    extensions: "subjectAltName=URI:VNET-CONF://" + Self.uri.dropFirst(12).uppercased()),
                nil
            ),
            ("foreign CA of the same name", try pki.leaf(foreign, subject: "/", extensions: san), .notSignedByCA),
            ("signed by itself", try pki.selfSigned(), .notSignedByCA),
            ("below an intermediate", try pki.leaf(middle, subject: "/", extensions: san), .notSignedByCA),
            ("below a node", try pki.leaf(node, subject: "/", extensions: san), .notSignedByCA),
            (
                "a node's certificate with the name copied",
                try pki.leaf(ca, extensions: "subjectAltName=DNS:a.vnet.example.com,URI:\(Self.uri)"), .notSignedByCA
            ),
            ("with a subject", try pki.leaf(ca, extensions: san), .notSignedByCA),
            (
                "with a second name",
                try pki.leaf(ca, subject: "/", extensions: "subjectAltName=critical,URI:\(Self.uri),DNS:a.example"),
                .notSignedByCA
            ),
            (
                "with the name twice",
                try pki.leaf(ca, subject: "/", extensions: "subjectAltName=critical,URI:\(Self.uri),URI:\(Self.uri)"),
                .notSignedByCA
            ),
            (
                "the name as DNS", try pki.leaf(ca, subject: "/", extensions: "subjectAltName=DNS:\(Self.uri)"),
                .notSignedByCA
            ),
            ("no name", try pki.leaf(ca, subject: "/"), .notSignedByCA),
            ("a CA", try pki.leaf(ca, subject: "/", extensions: "\(san)\nbasicConstraints=CA:TRUE"), .notSignedByCA),
            (
                "for key encipherment only",
                try pki.leaf(ca, subject: "/", extensions: "\(san)\nkeyUsage=keyEncipherment"), .notSignedByCA
            ),
            (
                "63 digits",
                try pki.leaf(ca, subject: "/", extensions: "subjectAltName=URI:" + Self.uri.dropLast()), .notSignedByCA
            ),
            (
                "a path behind the digits",
                try pki.leaf(ca, subject: "/", extensions: "subjectAltName=URI:\(Self.uri)/x"), .notSignedByCA
            ),
            (
                "no digits",
                try pki.leaf(
                    ca, subject: "/", extensions: "subjectAltName=URI:vnet-conf://" + String(repeating: "z", count: 64)),
                .notSignedByCA
            ),
            (
                "another scheme",
                try pki.leaf(ca, subject: "/", extensions: "subjectAltName=URI:https://" + Self.uri.dropFirst(12)),
                .notSignedByCA
            ),
            (
                "other content",
                try pki.leaf(
                    ca, subject: "/",
                    extensions: "subjectAltName=URI:" + ConfigURI.text(contentHash: sha256([1]))), .hashMismatch
            ),
            ("the CA itself", ca, .notSignedByCA),
        ]
        for (name, row, expected) in rows {
            let now = row.certificate.notBefore + 10
            for allowExpired in [false, true] {
                #expect(reason(row.certificate.der, [ca], now: now, allowExpired: allowExpired) == expected, "\(name)")
            }
        }
        #expect(reason([], [ca], now: 0) == .badEncoding)
        #expect(reason([0x30, 0x80], [ca], now: 0) == .badEncoding)
        let good = rows[0].1.certificate
        #expect(reason(good.der, [], now: good.notBefore) == .notSignedByCA)
        #expect(reason(good.der, [foreign, ca], now: good.notBefore) == nil)
        #expect(reason(good.der, [ca], content: Self.content + [10], now: good.notBefore) == .hashMismatch)
    }

    @Test("B12: issued in the future is refused beyond 300 s; B14: one that was adopted stays valid for ever")
    func times() throws {
        let pki = try PKI()
        let ca = try pki.authority()
        let issued = ca.certificate.notBefore + 1_000_000
        let der = try ConfigSignature.sign(
            content: Self.content, authority: ca.certificate, key: try ca.key(), notBefore: issued)
        let end = try Certificate(der: der).notAfter
        let rows: [(Int64, ConfigSignatureError.Reason?)] = [
            (issued - 301, .issuedInFuture), (issued - 300, nil), (issued, nil), (end - 1, nil), (end, .expired),
            (ca.certificate.notAfter + 1, .expired), (0, .issuedInFuture),
        ]
        for (now, expected) in rows {
            #expect(reason(der, [ca], now: now) == expected, "\(now - issued)")
            #expect(reason(der, [ca], now: now, allowExpired: true) == nil)
        }
    }

    @Test("a signature that was tampered with is refused, whichever byte it was")
    func tampered() throws {
        let pki = try PKI()
        let ca = try pki.authority()
        let now = ca.certificate.notBefore + 10
        let der = try ConfigSignature.sign(
            content: Self.content, authority: ca.certificate, key: try ca.key(), notBefore: now)
        for index in der.indices {
            var damaged = der
            damaged[index] ^= 0x04
            #expect(reason(damaged, [ca], now: now) != nil, "byte \(index)")
        }
    }

    @Test("signing needs a CA and its own key")
    func signingErrors() throws {
        let world = try World()
        #expect(throws: TLSError.keyMismatch) {
            try ConfigSignature.sign(
                content: [], authority: world.authority.certificate, key: try world.a.key(), notBefore: 0)
        }
        #expect(throws: TLSError.notAuthority(subject: "CN=a.vnet.example.com")) {
            try ConfigSignature.sign(content: [], authority: world.a.certificate, key: try world.a.key(), notBefore: 0)
        }
    }
}
