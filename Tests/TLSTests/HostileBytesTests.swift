// Bytes from strangers and from a broken path: nothing may trap, and only the session that met them may die.

import Testing

@testable import TLS

@Suite struct HostileBytesTests {
    /// SplitMix64: small, seeded, the same everywhere.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    @Test("random bytes instead of a handshake end that session with a reason, in either role")
    func garbage() throws {
        let world = try World()
        let nodes = try world.nodes()
        let seed = UInt64.random(in: .min ... .max)
        var generator = Generator(state: seed)
        let contexts = try nodes.contexts()
        for round in 0..<400 {
            let pair = try nodes.pair(of: contexts)
            var bytes = (0..<Int.random(in: 1...2_000, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            // Half of them look like a handshake record, so that they get past the first check.
            if round.isMultiple(of: 2), bytes.count > 6 {
                bytes.replaceSubrange(0..<6, with: [22, 3, 1, 0, UInt8(min(255, bytes.count - 5)), 1])
            }
            for session in [pair.client, pair.server] {
                bytes.withUnsafeBytes { try? session.receive($0) }
                #expect(session.peer == nil, "seed \(seed)")
                var alert: [UInt8] = []
                session.takeCiphertext(into: &alert)
            }
        }
        #expect(try nodes.pair().run().server.peer != nil)
    }

    @Test(
        "other protocols on the port are refused at once",
        arguments: [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SSH-2.0-x\r\n",
            "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}",
        ])
    func otherProtocols(text: String) throws {
        let server = try World().nodes().pair().server
        Array(text.utf8).withUnsafeBytes { try? server.receive($0) }
        #expect(server.failure == .protocolError || server.failure == .noCommonParameters)
        #expect(!server.wantsCiphertext)
    }

    @Test("a bit flipped anywhere in the client's handshake never establishes a session at the server")
    func flippedHandshake() throws {
        let world = try World()
        for version in [TLSVersionNumber.tls12, TLSVersionNumber.tls13] {
            var nodes = try world.nodes()
            nodes.clientSettings.maximumVersion = version
            let seed = UInt64.random(in: .min ... .max)
            var generator = Generator(state: seed)
            let contexts = try nodes.contexts()
            for _ in 0..<150 {
                let pair = try nodes.pair(of: contexts)
                let flight = Int.random(in: 0...1, using: &generator)
                let position = Int.random(in: 0..<1_000_000, using: &generator)
                var seen = 0
                var flipped: Int?
                pair.tamper = { bytes in
                    guard !bytes.isEmpty else { return }
                    defer { seen += 1 }
                    guard seen == flight else { return }
                    bytes[position % bytes.count] ^= 1 << UInt8(position / 8 % 8)
                    flipped = position % bytes.count
                }
                pair.run()
                #expect(flipped != nil)
                // The version in the first record's header is all that TLS leaves unprotected (RFC 8446 5.1).
                if pair.server.peer != nil, pair.client.peer != nil, flipped != 1, flipped != 2 {
                    Issue.record(
                        "established in spite of a flipped bit at \(flipped ?? -1) of flight \(flight), seed \(seed)")
                }
            }
        }
    }

    @Test(
        "flipped, truncated, repeated and swapped records after the handshake end the session, and no plaintext of theirs is seen"
    )
    func damagedRecords() throws {
        let world = try World()
        for version in [TLSVersionNumber.tls12, TLSVersionNumber.tls13] {
            var nodes = try world.nodes()
            nodes.clientSettings.maximumVersion = version
            let text = Array("secret of one record".utf8)
            let contexts = try nodes.contexts()
            var length = 0
            var index = 0
            repeat {
                let pair = try nodes.pair(of: contexts).run()
                #expect(pair.client.writeAll(text) == text.count)
                pair.tamper = { bytes in
                    guard !bytes.isEmpty else { return }
                    length = bytes.count
                    bytes[index] ^= 0x10
                }
                pair.run()
                #expect(pair.atServer.isEmpty, "byte \(index)")
                // A longer length keeps it waiting; everything else is an error.
                #expect(pair.server.failure != nil || index == 3 || index == 4, "byte \(index)")
                index += 1
            } while index < length

            let replayed = try nodes.pair().run()
            #expect(replayed.client.writeAll(text) == text.count)
            replayed.tamper = { $0 += $0 }
            replayed.run()
            #expect(replayed.atServer == text)
            #expect(replayed.server.failure == .protocolError)

            let cut = try nodes.pair().run()
            #expect(cut.client.writeAll(text) == text.count)
            cut.tamper = { $0 = Array($0.dropLast()) }
            cut.run()
            #expect(cut.atServer.isEmpty)
            #expect(cut.server.peer != nil)
        }
    }

    @Test("a failed session keeps its first reason and ignores what follows")
    func firstReason() throws {
        let world = try World()
        let pair = try world.nodes().pair()
        Array("nonsense".utf8).withUnsafeBytes { try? pair.server.receive($0) }
        let first = pair.server.failure
        #expect(first != nil)
        pair.run()
        #expect(pair.server.failure == first)
        #expect(pair.server.drain().isEmpty)
        pair.server.shutdown()
        #expect(pair.server.failure == first)
    }

    @Test("more than the bound in one piece is refused")
    func hugePiece() throws {
        let server = try World().nodes().pair().server
        [UInt8](repeating: 22, count: TLSSession.inputLimit + 1).withUnsafeBytes { try? server.receive($0) }
        #expect(server.failure == .overflow)
    }
}
