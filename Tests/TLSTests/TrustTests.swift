// Who is let in, and by which word the others are turned away. Every row is a whole handshake in which the client
// presents the certificate in question.

import Testing

@testable import TLS

@Suite struct TrustTests {
    /// What became of a client with these credentials.
    private func verdict(
        _ world: World, client: Credentials, authorities: [Certificate]? = nil, pins: [Certificate] = [],
        chain: [Certificate] = [], after seconds: Int64 = 60
    ) throws -> (pair: Pair, peer: PeerIdentity?, failure: TLSFailure.Reason?) {
        var nodes = try world.nodes()
        nodes.client = try client.identity(chain: chain)
        nodes.serverTrust = try TrustPolicy(
            authorities: authorities ?? [world.authority.certificate], pins: Set(pins.map(\.fingerprint)))
        nodes.now = max(client.certificate.notBefore, world.b.certificate.notBefore) + seconds
        let pair = try nodes.pair().run()
        return (pair, pair.server.peer, pair.server.failure)
    }

    @Test("B1, A22: a foreign CA's or a self-signed certificate is refused by an alert, before any byte of HTTP/2")
    func strangers() throws {
        let world = try World()
        let foreign = try world.pki.authority("/CN=other.example.net")
        let rows = [
            try world.pki.leaf(foreign), try world.pki.selfSigned(),
            // The same names as ours, signed by another key.
            try world.pki.leaf(try world.pki.authority()),
        ]
        for row in rows {
            let result = try verdict(world, client: row)
            #expect(result.failure == .unknownCA)
            #expect(result.pair.client.failure == .refusedByPeer)
            #expect(result.pair.atServer.isEmpty)
        }
    }

    @Test("B1: a dialled peer of a foreign CA is refused by the client")
    func strangeServer() throws {
        let world = try World()
        var nodes = try world.nodes()
        nodes.server = try world.pki.leaf(try world.pki.authority("/CN=x.example")).identity()
        let pair = try nodes.pair().run()
        #expect(pair.client.failure == .unknownCA)
        #expect(pair.server.failure == .refusedByPeer)
    }

    @Test("a pinned certificate is external, whoever signed it; one below our CA is internal even if pinned")
    func pins() throws {
        let world = try World()
        let foreign = try world.pki.leaf(try world.pki.authority("/CN=x.example"), subject: "/CN=a.vnet.example.com")
        #expect(try verdict(world, client: foreign, pins: [foreign.certificate]).peer?.trust == .externalPin)
        let alone = try world.pki.selfSigned()
        #expect(try verdict(world, client: alone, pins: [alone.certificate]).peer?.trust == .externalPin)
        let authority = world.authority.certificate.fingerprint
        #expect(
            try verdict(world, client: world.a, pins: [world.a.certificate]).peer?.trust
                == .internalCA(authority: authority))
    }

    @Test("B5, B6: a name is never a reason: the pin is for one certificate, not for who is called so")
    func namesDoNotCount() throws {
        let world = try World()
        let foreign = try world.pki.authority("/CN=x.example")
        let pinned = try world.pki.leaf(foreign, subject: "/CN=a.vnet.example.com")
        let sameName = try world.pki.leaf(foreign, subject: "/CN=a.vnet.example.com")
        #expect(try verdict(world, client: sameName, pins: [pinned.certificate]).failure == .unknownCA)
        // A member with the external peer's name is internal, not the external peer.
        let member = try world.pki.leaf(world.authority, subject: "/CN=p.peer.example.net")
        let external = try world.pki.leaf(foreign, subject: "/CN=p.peer.example.net")
        let result = try verdict(world, client: member, pins: [external.certificate])
        #expect(result.peer?.trust == .internalCA(authority: world.authority.certificate.fingerprint))
    }

    @Test("several CAs, also of one name: each leaf is found below its own")
    func severalAuthorities() throws {
        let world = try World()
        let renewed = try world.pki.authority()
        let other = try world.pki.authority("/CN=other.example.net", .p256)
        let all = [world.authority, renewed, other]
        for authority in all {
            let leaf = try world.pki.leaf(authority)
            for order in [all, all.reversed()] {
                let result = try verdict(world, client: leaf, authorities: order.map(\.certificate))
                #expect(result.peer?.trust == .internalCA(authority: authority.certificate.fingerprint))
            }
        }
    }

    @Test("a self-signed version 1 CA, as old scripts make it, works", arguments: KeyKind.accepted)
    func version1Authority(kind: KeyKind) throws {
        let world = try World()
        let old = try world.pki.authority("/CN=old.example", kind, version1: true)
        #expect(old.certificate.version == 1 && !old.certificate.isCA && old.certificate.canIssue)
        let leaf = try world.pki.leaf(old)
        let trust = try verdict(world, client: leaf, authorities: [old.certificate]).peer?.trust
        #expect(trust == .internalCA(authority: old.certificate.fingerprint))
    }

    @Test("intermediates count only if they are CAs; B9: a node's leaf issues nothing")
    func intermediates() throws {
        let world = try World()
        let caExtensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"
        let middle = try world.pki.leaf(world.authority, subject: "/CN=middle", extensions: caExtensions)
        let below = try world.pki.leaf(middle)
        #expect(try verdict(world, client: below).failure == .unknownCA)
        #expect(try verdict(world, client: below, chain: [middle.certificate]).peer != nil)
        // An intermediate may itself be the configured CA.
        #expect(try verdict(world, client: below, authorities: [middle.certificate]).peer != nil)

        let issuers = [
            try world.pki.leaf(world.authority, subject: "/CN=n.vnet.example.com"),
            try world.pki.leaf(
                world.authority, subject: "/CN=n.vnet.example.com", extensions: "basicConstraints=CA:FALSE"),
            try world.pki.leaf(
                world.authority, subject: "/CN=n.vnet.example.com", extensions: "keyUsage=digitalSignature"),
        ]
        for issuer in issuers {
            let forged = try world.pki.leaf(issuer)
            #expect(try verdict(world, client: forged, chain: [issuer.certificate]).failure == .badCertificate)
            #expect(throws: TLSError.self) { try TrustPolicy(authorities: [issuer.certificate]) }
        }
    }

    @Test("B2: expired is refused, below the CA and pinned; B3: the start is forgiven 300 s")
    func validity() throws {
        let world = try World()
        let length = world.a.certificate.notAfter - world.a.certificate.notBefore
        for pins in [[], [world.a.certificate]] {
            let foreign = pins.isEmpty ? nil : [try world.pki.authority("/CN=x.example").certificate]
            let rows: [(Int64, TLSFailure.Reason?)] = [
                (length - 1, nil), (length, .expired), (length + 400, .expired), (-300, nil), (-301, .notYetValid),
                (-1_700_000_000, .notYetValid),
            ]
            for (offset, expected) in rows {
                var nodes = try world.nodes()
                nodes.clientSettings.acceptsAnyPeer = true
                nodes.serverTrust = try TrustPolicy(
                    authorities: foreign ?? [world.authority.certificate], pins: Set(pins.map(\.fingerprint)))
                nodes.now = world.a.certificate.notBefore + offset
                let pair = try nodes.pair().run()
                // The CA of the test is a second or so older than the leaf, so the tolerance ends with the leaf's.
                #expect(pair.server.failure == expected, "offset \(offset), pinned \(!pins.isEmpty)")
                if case .failed(let failure) = pair.server.state {
                    #expect(failure.detail.contains("clock says"))
                }
            }
        }
    }

    @Test("an expired CA lets nobody in")
    func expiredAuthority() throws {
        let world = try World()
        let leaf = try world.pki.leaf(world.authority, days: 5_000)
        let after = world.authority.certificate.notAfter - leaf.certificate.notBefore + 10
        var nodes = try world.nodes()
        nodes.client = try leaf.identity()
        nodes.clientSettings.acceptsAnyPeer = true
        nodes.now = leaf.certificate.notBefore + after
        #expect(try nodes.pair().run().server.failure == .expired)
    }

    @Test("B8: neither a CA's nor a configuration signer's certificate is a node's, not even pinned")
    func wrongPurpose() throws {
        let world = try World()
        let hash = String(repeating: "ab", count: 32)
        let rows: [(Credentials, TLSFailure.Reason)] = [
            (world.authority, .isCA),
            (try world.pki.authority("/CN=self.example.net"), .isCA),
            (try world.pki.authority("/CN=old.example.net", version1: true), .isCA),
            (try world.pki.leaf(world.authority, extensions: "basicConstraints=CA:TRUE"), .isCA),
            (
                try world.pki.leaf(
                    world.authority, subject: "/", extensions: "subjectAltName=critical,URI:vnet-conf://\(hash)"),
                .isConfigSigner
            ),
            (
                try world.pki.leaf(
                    world.authority, extensions: "subjectAltName=DNS:a.vnet.example.com,URI:VNET-conf:\(hash)"),
                .isConfigSigner
            ),
        ]
        for (credentials, expected) in rows {
            let authorities =
                [world.authority.certificate] + (credentials.certificate.version == 1 ? [credentials.certificate] : [])
            for pins in [[], [credentials.certificate]] {
                let result = try verdict(world, client: credentials, authorities: authorities, pins: pins)
                #expect(result.failure == expected, "\(credentials.certificate.subject)")
            }
        }
    }

    @Test(
        "B18: no extended key usage or serverAuth is accepted; clientAuth alone is refused and says why",
        arguments: [
            (nil, nil), ("serverAuth", nil), ("serverAuth,clientAuth", nil), ("anyExtendedKeyUsage", nil),
            ("clientAuth", TLSFailure.Reason.badKeyUsage), ("emailProtection,1.2.3.4", .badKeyUsage),
        ] as [(String?, TLSFailure.Reason?)])
    func extendedKeyUsage(usage: String?, expected: TLSFailure.Reason?) throws {
        let world = try World()
        let leaf = try world.pki.leaf(
            world.authority, extensions: usage.map { "extendedKeyUsage=\($0)" } ?? "basicConstraints=CA:FALSE")
        let result = try verdict(world, client: leaf)
        #expect(result.failure == expected)
        if case .failed(let failure) = result.pair.server.state {
            #expect(failure.detail.contains("serverAuth"))
        }
    }

    @Test("RSA below 2048 bits and SHA-1 are refused, in the leaf and in the CA")
    func weakKeys() throws {
        let world = try World()
        let small = try world.pki.leaf(world.authority, .rsa1024)
        #expect(throws: TLSError.unsupportedKey(found: "RSA 1024")) { try small.key() }
        #expect(judge(small, try TrustPolicy(authorities: [world.authority.certificate])) == .weakKey)
        let trust = try TrustPolicy(authorities: [], pins: [small.certificate.fingerprint])
        #expect(judge(small, trust) == .weakKey)
        let smallAuthority = try world.pki.authority("/CN=small.example", .rsa1024)
        let leaf = try world.pki.leaf(smallAuthority)
        #expect(judge(leaf, try TrustPolicy(authorities: [smallAuthority.certificate])) == .weakKey)
        let authority = try world.pki.authority("/CN=rsa.example", .rsa2048)
        let sha1 = try world.pki.leaf(authority, digest: "sha1")
        #expect(judge(sha1, try TrustPolicy(authorities: [authority.certificate])) == .weakKey)
    }

    @Test("an unknown critical extension below our CA is refused")
    func criticalExtension() throws {
        let world = try World()
        let leaf = try world.pki.leaf(world.authority, extensions: "1.2.3.4=critical,DER:0500")
        #expect(try verdict(world, client: leaf).failure == .badCertificate)
    }

    @Test("B4: a peer with an odd name is let in, but no rule can match its name")
    func oddNames() throws {
        let world = try World()
        let odd = try world.pki.selfSigned("/CN=a.vnet.XXXX").patched("XXXX", [0x61, 0x00, 0x0A, 0x1B])
        let result = try verdict(world, client: odd, pins: [odd.certificate])
        #expect(result.peer?.certificate.commonName == "")
        #expect(result.peer?.certificate.commonNameDefect == .controlCharacter)
        #expect(result.peer?.certificate.displayName == "a.vnet.a\\u{0}\\u{a}\\u{1b}")
    }

    @Test("B4, B8: a node does not start with a certificate that peers would refuse or could not name")
    func ownCertificate() throws {
        let world = try World()
        let trust = try TrustPolicy(authorities: [world.authority.certificate])
        #expect(throws: Never.self) { try TLSContext(identity: try world.a.identity(), trust: trust) }
        let rows: [(Credentials, TLSError)] = [
            (try world.pki.leaf(world.authority, subject: "/CN=router"), .unusableName(.noDot)),
            (try world.pki.leaf(world.authority, subject: "/O=nobody"), .unusableName(.missing)),
            (try world.pki.leaf(world.authority, subject: "/CN=a.b/CN=c.d"), .unusableName(.severalNames)),
        ]
        for (credentials, expected) in rows {
            let identity = try credentials.identity()
            #expect(throws: expected) { try TLSContext(identity: identity, trust: trust) }
        }
        let authority = try world.authority.identity()
        #expect {
            try TLSContext(identity: authority, trust: trust)
        } throws: { error in
            guard case TLSError.unusableIdentity(.isCA, _)? = error as? TLSError else { return false }
            return true
        }
    }

    private func judge(_ credentials: Credentials, _ trust: TrustPolicy) -> TLSFailure.Reason? {
        do {
            let object = try X509Object(der: credentials.certificate.der)
            _ = try trust.judge(
                leaf: object.pointer, certificate: credentials.certificate, intermediates: nil,
                now: credentials.certificate.notBefore + 60)
            return nil
        } catch {
            return (error as? TLSFailure)?.reason
        }
    }
}
