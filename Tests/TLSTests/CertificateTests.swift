// What is read off a certificate, which keys are taken, and that no text about a key says anything of it.

import Testing

@testable import TLS

@Suite struct CertificateTests {
    @Test("fields of a certificate as v1's scripts make it")
    func fields() throws {
        let world = try World()
        let leaf = world.a.certificate
        #expect(leaf.version == 1)
        #expect(leaf.commonName == "a.vnet.example.com")
        #expect(leaf.displayName == "a.vnet.example.com")
        #expect(leaf.subject == "CN=a.vnet.example.com")
        #expect(leaf.issuer == "CN=ca.vnet.example.com")
        #expect(leaf.keyAlgorithm == .ed25519)
        #expect(!leaf.isCA && !leaf.canIssue)
        #expect(leaf.extendedKeyUsage == nil)
        #expect(leaf.subjectAltNames.isEmpty)
        #expect(leaf.notAfter - leaf.notBefore == 365 * 86_400)
        #expect(leaf.fingerprint == sha256(leaf.der))
        #expect(!leaf.hasExpired(at: leaf.notAfter - 1) && leaf.hasExpired(at: leaf.notAfter))
        #expect(world.authority.certificate.isCA && world.authority.certificate.canIssue)
        #expect(world.authority.certificate.version == 3)
        try world.pki.scratch.write(world.a.certificatePEM, to: "seen.pem")
        let seen = try Shell.openssl(
            ["x509", "-in", "seen.pem", "-noout", "-fingerprint", "-sha256"], in: world.pki.scratch.url)
        let digits = seen.text.lowercased().filter { $0.isHexDigit || $0 == "=" }.split(separator: "=").last ?? ""
        #expect(String(digits) == Hex.encode(leaf.fingerprint))
    }

    @Test("alternative names and purposes are listed")
    func extensions() throws {
        let world = try World()
        let leaf = try world.pki.leaf(
            world.authority, .p256,
            extensions: """
                subjectAltName=DNS:a.example,IP:2001:db8::1,IP:192.0.2.1,email:x@y.example,URI:https://z.example/
                extendedKeyUsage=serverAuth,1.2.3.4
                """, serial: 0
        ).certificate
        #expect(leaf.dnsNames == ["a.example"])
        #expect(leaf.uriNames == ["https://z.example/"])
        #expect(
            leaf.subjectAltNames == [
                "DNS:a.example", "IP:2001:db8:0:0:0:0:0:1", "IP:192.0.2.1", "email:x@y.example",
                "URI:https://z.example/",
            ])
        #expect(leaf.extendedKeyUsage == ["serverAuth", "1.2.3.4"])
        #expect(leaf.keyAlgorithm.description == "ECDSA P-256")
        #expect(leaf.serialHex == "00")
        #expect(!leaf.namesConfig)
    }

    @Test("PEM: several blocks, text between, keys beside; and back")
    func pem() throws {
        let world = try World()
        let text = Array("a comment\n".utf8) + world.a.certificatePEM + world.a.keyPEM + world.b.certificatePEM
        let list = try Certificate.list(pem: text)
        #expect(list == [world.a.certificate, world.b.certificate])
        #expect(
            list.map(\.pem).joined() == String(decoding: world.a.certificatePEM + world.b.certificatePEM, as: UTF8.self)
        )
        #expect(throws: TLSError.noCertificate) { try Certificate.list(pem: []) }
        #expect(throws: TLSError.noCertificate) { try Certificate.list(pem: world.a.keyPEM) }
        #expect(throws: TLSError.tooManyCertificates(limit: 1)) { try Certificate.list(pem: text, limit: 1) }
        for length in stride(from: 40, to: world.a.certificatePEM.count - 26, by: 37) {
            #expect(throws: TLSError.self) { try Certificate(pem: Array(world.a.certificatePEM.prefix(length))) }
        }
    }

    @Test("DER: every truncation and trailing bytes are refused; no flipped byte traps")
    func damagedDER() throws {
        let world = try World()
        let der = try world.pki.leaf(
            world.authority, extensions: "subjectAltName=DNS:a.example\nextendedKeyUsage=serverAuth"
        ).certificate.der
        for length in 0..<der.count {
            #expect(throws: TLSError.self) { try Certificate(der: Array(der.prefix(length))) }
        }
        #expect(throws: TLSError.self) { try Certificate(der: der + [0]) }
        for index in der.indices {
            for mask in [0x01, 0x80, 0xFF] as [UInt8] {
                var damaged = der
                damaged[index] ^= mask
                if let certificate = try? Certificate(der: damaged) {
                    #expect(certificate.der == damaged)
                }
            }
        }
    }

    @Test("B17: another encoding of the same certificate is not the same certificate, it is none")
    func longForm() throws {
        var der = try World().a.certificate.der
        // The outer length in three bytes where one or two do.
        #expect(der[0] == 0x30 && der[1] == 0x81 || der[1] == 0x82)
        let body = der[1] == 0x81 ? Array(der[3...]) : Array(der[4...])
        der = [0x30, 0x83, 0, UInt8(body.count >> 8), UInt8(body.count & 0xFF)] + body
        #expect(throws: TLSError.self) { try Certificate(der: der) }
    }

    @Test(
        "B4: names that no rule may match",
        arguments: [
            ("a.b", nil), ("a.vnet.example.com", nil), ("bücher.example", nil), ("", .empty), ("router", .noDot),
            ("a.b\u{0}.c", .controlCharacter), ("a.b\n", .controlCharacter), ("a\u{7F}.b", .controlCharacter),
            ("a.\u{202E}b", .invisibleCharacter), ("a.\u{200B}b", .invisibleCharacter),
            ("a.\u{2028}b", .invisibleCharacter),
            (String(repeating: "a", count: 251) + ".b", nil), (String(repeating: "a", count: 252) + ".b", .tooLong),
        ] as [(String, CommonNameDefect?)])
    func names(name: String, expected: CommonNameDefect?) {
        #expect(CommonName.defect(of: Array(name.utf8)) == expected)
        let shown = PrintableText.escape(Array(name.utf8), limit: 253)
        #expect(shown.unicodeScalars.allSatisfy { PrintableText.kind(of: $0) == .printable })
    }

    @Test("B4: bytes that are no UTF-8 are shown as numbers, and long text is cut")
    func escapes() {
        #expect(CommonName.defect(of: [0x61, 0x2E, 0xFF]) == .notUTF8)
        #expect(PrintableText.escape([0x61, 0x5C, 0xFF], limit: 9) == "a\\x5c\\xff")
        #expect(PrintableText.escape(Array("a\\b".utf8), limit: 9) == "a\\u{5c}b")
        #expect(PrintableText.escape(Array("abcdef".utf8), limit: 3) == "abc…")
    }

    @Test("keys: PKCS #8 and the older forms are read, encrypted and foreign ones are refused in clear words")
    func keys() throws {
        let world = try World()
        let url = world.pki.scratch.url
        // As v1's first scripts made them, with the curve's parameters before the key.
        let old = try Shell.openssl(["ecparam", "-name", "prime256v1", "-genkey"], in: url).output
        #expect(String(decoding: old, as: UTF8.self).contains("BEGIN EC PARAMETERS"))
        #expect(try PrivateKey(pem: old).algorithm.description == "ECDSA P-256")
        let rsa = try Shell.openssl(["genrsa", "-traditional", "2048"], in: url).output
        #expect(try PrivateKey(pem: rsa).algorithm == .rsa(bits: 2048))

        let encrypted = try Shell.openssl(
            ["genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:canary"], in: url
        ).output
        #expect(throws: TLSError.encryptedKey) { try PrivateKey(pem: encrypted) }
        let traditional = try Shell.openssl(
            ["genrsa", "-aes128", "-passout", "pass:canary", "-traditional", "2048"], in: url
        ).output
        #expect(throws: TLSError.encryptedKey) { try PrivateKey(pem: traditional) }
        #expect(throws: TLSError.malformedKey) { try PrivateKey(pem: world.a.certificatePEM) }
        #expect(throws: TLSError.malformedKey) { try PrivateKey(pem: []) }
        for kind in ["ED448", "X25519"] {
            let key = try Shell.openssl(["genpkey", "-algorithm", kind], in: url).output
            #expect(throws: TLSError.self) { try PrivateKey(pem: key) }
        }
        let curve = try Shell.openssl(
            ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"], in: url
        ).output
        #expect(throws: TLSError.self) { try PrivateKey(pem: curve) }
    }

    @Test("an identity's key belongs to its certificate")
    func identities() throws {
        let world = try World()
        #expect(throws: Never.self) {
            try Identity(certificatePEM: world.a.certificatePEM, keyPEM: world.a.keyPEM)
        }
        #expect(throws: TLSError.keyMismatch) {
            try Identity(certificatePEM: world.a.certificatePEM, keyPEM: world.b.keyPEM)
        }
        let chained = try Identity(
            certificatePEM: world.a.certificatePEM + world.authority.certificatePEM, keyPEM: world.a.keyPEM)
        #expect(chained.chain == [world.authority.certificate])
    }

    @Test("D17: damaged keys never show up in the error about them")
    func noSecretInErrors() throws {
        let world = try World()
        let text = String(decoding: world.a.keyPEM, as: UTF8.self)
        let body = text.split(separator: "\n").dropFirst().first ?? ""
        for index in stride(from: 0, to: world.a.keyPEM.count, by: 3) {
            var damaged = world.a.keyPEM
            damaged[index] ^= 0x05
            do {
                _ = try PrivateKey(pem: damaged)
            } catch {
                #expect(!"\(error)".contains(body.suffix(20)))
            }
        }
    }

    @Test("constant-time comparison compares")
    func comparison() {
        #expect(constantTimeEqual([], []))
        #expect(constantTimeEqual([1, 2], [1, 2]))
        #expect(!constantTimeEqual([1, 2], [1, 3]))
        #expect(!constantTimeEqual([1, 2], [1]))
        #expect(
            Hex.encode(sha256(Array("abc".utf8))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Hex.encode(sha256([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test(
        "UTC: known dates, both ways; a leap day has no namesake next year",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_795_621_648, "2026-11-25T15:47:28Z"), (-1, "1969-12-31T23:59:59Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (-62_167_219_200, "0000-01-01T00:00:00Z"),
        ] as [(Int64, String)])
    func dates(seconds: Int64, text: String) {
        #expect(UTCTime(unixSeconds: seconds).description == text)
        #expect(UTCTime(unixSeconds: seconds).unixSeconds == seconds)
        #expect(UTCTime(unixSeconds: 1_709_164_800).adding(years: 1).description == "2025-03-01T00:00:00Z")
        #expect(UTCTime(unixSeconds: .max).description == "9999-12-31T23:59:59Z")
        #expect(UTCTime(unixSeconds: .min).description == "0000-01-01T00:00:00Z")
    }
}
