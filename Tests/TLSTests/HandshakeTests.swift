// Two nodes shake hands over memory: versions, keys, ALPN, certificates, and what flows afterwards.

import Testing

@testable import TLS

@Suite struct HandshakeTests {
    enum Version: String, CaseIterable, CustomTestStringConvertible {
        case tls12, tls13
        var number: Int32 { self == .tls12 ? TLSVersionNumber.tls12 : TLSVersionNumber.tls13 }
        var name: String { self == .tls12 ? "TLSv1.2" : "TLSv1.3" }
        var testDescription: String { name }
    }

    @Test(
        "every version with every kind of key, certificates as v1's scripts make them", arguments: Version.allCases,
        KeyKind.accepted)
    func versionsAndKeys(version: Version, kind: KeyKind) throws {
        let pki = try PKI()
        let authority = try pki.authority("/CN=ca.vnet.example.com", kind)
        let a = try pki.leaf(authority, subject: "/CN=a.vnet.example.com", kind)
        let b = try pki.leaf(authority, subject: "/CN=b.vnet.example.com", kind)
        #expect(a.certificate.version == 1)
        var nodes = try Nodes(authority, client: a, server: b)
        nodes.clientSettings.maximumVersion = version.number
        let pair = try nodes.pair().run()
        #expect(pair.client.peer?.certificate.commonName == "b.vnet.example.com")
        #expect(pair.server.peer?.certificate.commonName == "a.vnet.example.com")
        #expect(pair.server.peer?.trust == .internalCA(authority: authority.certificate.fingerprint))
        #expect(pair.server.peer?.certificate.fingerprint == a.certificate.fingerprint)
        #expect(pair.server.protocolVersion == version.name)
        #expect(pair.client.cipher?.isEmpty == false)
        #expect(pair.client.applicationProtocol == "h2")
        #expect(pair.client.writeAll(Array("ping".utf8)) == 4)
        #expect(pair.server.writeAll(Array("pong".utf8)) == 4)
        pair.run()
        #expect(pair.atServer == Array("ping".utf8))
        #expect(pair.atClient == Array("pong".utf8))
    }

    @Test("bytes may arrive one at a time", arguments: Version.allCases)
    func byteAtATime(version: Version) throws {
        let world = try World()
        var nodes = try world.nodes()
        nodes.serverSettings.maximumVersion = version.number
        let pair = try nodes.pair(chunk: 1).run()
        let text = Array("one by one".utf8)
        #expect(pair.client.writeAll(text) == text.count)
        pair.run()
        #expect(pair.atServer == text)
    }

    @Test("E14: TLS 1.1 is refused by an alert")
    func oldVersions() throws {
        let server = try World().nodes().pair().server
        // A ClientHello of TLS 1.1 by hand: our own client cannot make one.
        let body: [UInt8] = [3, 2] + [UInt8](repeating: 7, count: 32) + [0, 0, 4, 0xC0, 0x13, 0, 0x2F, 1, 0]
        let hello: [UInt8] = [22, 3, 1, 0, UInt8(body.count + 4), 1, 0, 0, UInt8(body.count)] + body
        hello.withUnsafeBytes { try? server.receive($0) }
        #expect(server.failure == .noCommonParameters)
        var alert: [UInt8] = []
        server.takeCiphertext(into: &alert)
        // Fatal, protocol_version.
        #expect(alert.suffix(2) == [2, 70])
    }

    @Test("a client that offers no ALPN, or another protocol, is refused inside the handshake")
    func serverDemandsALPN() throws {
        let world = try World()
        for offer in [nil, [8] + Array("http/1.1".utf8), [2] + Array("h3".utf8)] as [[UInt8]?] {
            for version in Version.allCases {
                var nodes = try world.nodes()
                nodes.clientSettings.offeredProtocols = offer
                // This client does not mind that h2 is missing, else it would be the first to give up.
                nodes.clientSettings.acceptsAnyPeer = true
                nodes.clientSettings.maximumVersion = version.number
                let pair = try nodes.pair().run()
                #expect(pair.server.failure == .alpn)
                #expect(pair.client.peer == nil)
            }
        }
    }

    @Test("h2 is found behind other offers")
    func laterOffer() throws {
        let world = try World()
        var nodes = try world.nodes()
        nodes.clientSettings.offeredProtocols = [8] + Array("http/1.1".utf8) + [2] + Array("h2".utf8)
        let pair = try nodes.pair().run()
        #expect(pair.server.applicationProtocol == "h2")
        #expect(pair.server.peer != nil)
    }

    @Test("A22: a client without a certificate is refused by an alert", arguments: Version.allCases)
    func noCertificate(version: Version) throws {
        let world = try World()
        var nodes = try world.nodes()
        nodes.clientSettings.presentsCertificate = false
        nodes.clientSettings.maximumVersion = version.number
        let pair = try nodes.pair().run()
        #expect(pair.server.failure == .noCertificate)
        #expect(pair.client.failure == .refusedByPeer)
        #expect(pair.server.writeAll([1]) == 0)
        #expect(pair.atServer.isEmpty)
    }

    @Test("a server without a certificate cannot complete a handshake")
    func serverWithoutCertificate() throws {
        let world = try World()
        var nodes = try world.nodes()
        nodes.serverSettings.presentsCertificate = false
        let pair = try nodes.pair().run()
        #expect(pair.client.peer == nil)
        #expect(pair.server.failure == .noCommonParameters)
    }

    @Test("both ends export the same keying material, others do not", arguments: Version.allCases)
    func exporter(version: Version) throws {
        let world = try World()
        var nodes = try world.nodes()
        nodes.serverSettings.maximumVersion = version.number
        let pair = try nodes.pair()
        #expect(pair.client.exporter(label: "EXPORTER-test", context: [], length: 32) == nil)
        pair.run()
        let first = pair.client.exporter(label: "EXPORTER-test", context: [1, 2], length: 32)
        #expect(first?.count == 32)
        #expect(first == pair.server.exporter(label: "EXPORTER-test", context: [1, 2], length: 32))
        #expect(first != pair.server.exporter(label: "EXPORTER-test", context: [1, 3], length: 32))
        #expect(first != pair.server.exporter(label: "EXPORTER-other", context: [1, 2], length: 32))
        #expect(pair.client.exporter(label: "EXPORTER-test", context: [], length: 0) == nil)
        #expect(pair.client.exporter(label: "EXPORTER-test", context: [], length: -1) == nil)
        let other = try nodes.pair().run()
        #expect(first != other.client.exporter(label: "EXPORTER-test", context: [1, 2], length: 32))
    }

    @Test("no session can be resumed: the server says nothing after the client's last flight, so hands out no ticket")
    func noTickets() throws {
        let pair = try World().nodes().pair()
        for (from, to) in [(pair.client, pair.server), (pair.server, pair.client), (pair.client, pair.server)] {
            var bytes: [UInt8] = []
            from.takeCiphertext(into: &bytes)
            try receive(bytes, by: to)
        }
        #expect(pair.server.peer != nil && pair.client.peer != nil)
        #expect(pair.server.pendingCiphertext == 0)
    }

    @Test("closing is said and heard; nothing is written afterwards")
    func closing() throws {
        let world = try World()
        let pair = try world.nodes().pair().run()
        #expect(pair.client.writeAll(Array("last".utf8)) == 4)
        pair.client.shutdown()
        #expect(pair.client.state == .closed)
        pair.run()
        #expect(pair.atServer == Array("last".utf8))
        #expect(pair.server.state == .closed)
        #expect(pair.client.writeAll([1]) == 0)
        #expect(pair.server.writeAll([1]) == 0)
    }

    @Test("plaintext is refused once 256 KiB of ciphertext wait, and accepted again when they are taken")
    func boundedOutput() throws {
        let world = try World()
        let pair = try world.nodes().pair().run()
        let block = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let accepted = pair.client.writeAll(block)
        #expect(accepted < block.count)
        #expect(pair.client.pendingCiphertext >= TLSSession.outputLimit)
        #expect(pair.client.pendingCiphertext < TLSSession.outputLimit + 17_000)
        #expect(pair.client.writeAll([1]) == 0)
        var sent = accepted
        while sent < block.count {
            pair.run()
            let more = pair.client.writeAll(Array(block[sent...]))
            try #require(more > 0)
            sent += more
        }
        pair.run()
        #expect(pair.atServer == block)
    }

    @Test("ciphertext that is never read ends the session at its bound")
    func boundedInput() throws {
        let world = try World()
        let pair = try world.nodes().pair().run()
        var overflow: TLSFailure?
        for _ in 0..<64 where overflow == nil {
            #expect(pair.client.writeAll([UInt8](repeating: 7, count: 16_000)) == 16_000)
            var bytes: [UInt8] = []
            pair.client.takeCiphertext(into: &bytes)
            do throws(TLSFailure) {
                try receive(bytes, by: pair.server)
            } catch {
                overflow = error
            }
        }
        #expect(overflow?.reason == .overflow)
        #expect(pair.server.wantsCiphertext == false)
    }

    @Test("the socket is left alone while ciphertext waits to be read")
    func inputMark() throws {
        let world = try World()
        let pair = try world.nodes().pair().run()
        #expect(pair.server.wantsCiphertext)
        #expect(pair.client.writeAll([UInt8](repeating: 7, count: 100_000)) == 100_000)
        var bytes: [UInt8] = []
        pair.client.takeCiphertext(into: &bytes)
        try receive(bytes, by: pair.server)
        #expect(!pair.server.wantsCiphertext)
        #expect(pair.server.drain().count == 100_000)
        #expect(pair.server.wantsCiphertext)
    }

    @Test(
        "SNI is sent for DNS names only, and no name breaks the handshake",
        arguments: [
            "b.vnet.example.com", "2001:db8::1", "192.0.2.1", "", "a b", "x\u{0}y", "bücher.example",
            String(repeating: "a", count: 400), "b.",
        ])
    func serverNames(name: String) throws {
        let world = try World()
        var nodes = try world.nodes()
        nodes.serverName = name
        #expect(try nodes.pair().run().server.peer != nil)
        #expect(TLSSession.mayBeServerName(name) == (name == "b.vnet.example.com"))
    }

    private func receive(_ bytes: [UInt8], by session: TLSSession) throws(TLSFailure) {
        let failure = bytes.withUnsafeBytes { buffer -> TLSFailure? in
            do throws(TLSFailure) {
                try session.receive(buffer)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }
}

/// libssl's numbers, which the tests cannot import.
enum TLSVersionNumber {
    static let tls11: Int32 = 0x0302
    static let tls12: Int32 = 0x0303
    static let tls13: Int32 = 0x0304
}

/// One CA, two nodes: what most tests start from.
struct World {
    let pki: PKI
    let authority: Credentials
    let a: Credentials
    let b: Credentials

    init() throws {
        pki = try PKI()
        authority = try pki.authority()
        a = try pki.leaf(authority, subject: "/CN=a.vnet.example.com")
        b = try pki.leaf(authority, subject: "/CN=b.vnet.example.com")
    }

    func nodes() throws -> Nodes { try Nodes(authority, client: a, server: b) }
}
