// Edge tokens: vectors, encoding, and who may declare what dead.

import Routing
import Testing
import Wire

@testable import Mesh

@Suite("Edges")
struct EdgeTests {
    private func hex(_ words: [UInt32]) -> String {
        words.map { word in String(repeating: "0", count: 8 - String(word, radix: 16).count) + String(word, radix: 16) }
            .joined()
    }

    @Test(
        "SHA-256: the vectors of FIPS 180-4, and lengths around the block's end",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func sha256(text: String, digest: String) { #expect(hex(SHA256.digest(Array(text.utf8))) == digest) }

    @Test("R1: the token of the secret 00…0f is cc38c76243e5ba1640cdbaf0")
    func token() {
        let token = EdgeSecret(bytes: Array(0..<16)).token
        #expect(token == EdgeToken(high: 0xcc38_c762_43e5_ba16, low: 0x40cd_baf0))
    }

    @Test("secrets differ, and are the same for the same seed")
    func secrets() {
        var one = EdgeKeeper(seed: [1, 2, 3])
        var same = EdgeKeeper(seed: [1, 2, 3])
        var other = EdgeKeeper(seed: [1, 2, 4])
        let first = one.make()
        #expect(first == same.make())
        #expect(first != other.make())
        #expect(first != one.make())
    }

    @Test("what the writer adds the reader finds, and v1's reader passes over; 64 hops too", arguments: [1, 10, 64])
    func roundTrip(hops: Int) throws {
        let path = (0..<hops).map { Hop(id: Simulation.id($0), latency: UInt32($0)) }
        let tokens = (0..<hops).map { index -> EdgeToken? in
            if index % 3 == 1 { return nil }
            return EdgeToken(high: UInt64(index + 1) << 40, low: UInt32(index))
        }
        let secret = EdgeSecret(bytes: Array(100..<116))
        var writer = AnnouncementWriter(sender: Simulation.id(0), isFull: true, causes: [secret])
        writer.append(AnnouncedRoute(prefix: Simulation.prefix(1), path: path), tokens: tokens)
        writer.append(AnnouncedRoute(prefix: Simulation.prefix(2), path: path, isWithdrawal: true), tokens: [])
        let messages = writer.finish()
        #expect(messages.count == 1)
        guard case .announce(let payload)? = try messages.first.map(PeerMessage.decode) else {
            Issue.record("an announcement")
            return
        }
        let extra = AnnouncementExtension(payload: payload)
        #expect(extra.causes == [secret])
        #expect(extra.tokens == [tokens, []])
        var routes: [DecodedRoute] = []
        let info = try Announcement.decode(payload) { routes.append($0) }
        #expect(info.kind == .fullEnd && routes.count == 2)
    }

    @Test("A13: a bent extension costs nothing but itself", arguments: [UInt64(1), 2])
    func bent(seed: UInt64) throws {
        var random = SimRandom(seed: seed)
        var writer = AnnouncementWriter(
            sender: Simulation.id(0), isFull: false, causes: [EdgeSecret(bytes: Array(0..<16))])
        writer.append(
            AnnouncedRoute(prefix: Simulation.prefix(1), path: [Hop(id: Simulation.id(0), latency: 1)]), tokens: [nil])
        guard case .announce(let payload)? = try writer.finish().first.map(PeerMessage.decode) else { return }
        for _ in 0..<3_000 {
            var bent = payload
            bent[Int(random.next() % UInt64(bent.count))] = UInt8(truncatingIfNeeded: random.next())
            if random.next() % 4 == 0 { bent.removeLast(Int(random.next() % UInt64(bent.count))) }
            let extra = AnnouncementExtension(payload: bent)
            #expect(extra.causes.count <= 8)
        }
    }

    @Test("A19: an invented secret kills nothing, a revealed one does; more than 200 a second are not looked at")
    func causes() {
        let secret = EdgeSecret(bytes: Array(0..<16))
        var bench = Bench()
        let a = bench.open(1)
        let b = bench.open(2)
        var announcement = Bench.payload([route("2001:db8:b::/48", (1, 3))], scope: .partial)
        AnnouncementExtension.append([secret.token], to: &announcement)
        bench.happen(.message(a, .announce(announcement)))
        let p = prefix("2001:db8:b::/48")
        #expect(bench.chosenLink(p) == a)
        for number in 0..<300 {
            var invented = Bench.payload([], scope: .partial)
            AnnouncementExtension.append(
                EdgeSecret(bytes: [UInt8](repeating: 0, count: 14) + [UInt8(number / 256 + 1), UInt8(number % 256)]),
                to: &invented)
            bench.happen(.message(b, .announce(invented)))
        }
        #expect(bench.chosenLink(p) == a)
        var revealed = Bench.payload([], scope: .partial)
        AnnouncementExtension.append(secret, to: &revealed)
        bench.happen(.message(b, .announce(revealed)))
        #expect(bench.chosenLink(p) == a, "the budget of that peer is used up")
        bench.happen(.message(a, .announce(revealed)))
        #expect(bench.chosenLink(p) == nil)
        #expect(bench.reason(p, a) == .deadEdge)
    }
}
