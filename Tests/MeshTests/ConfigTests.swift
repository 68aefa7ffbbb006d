// The distributed config: order, persistence, budgets, and what it does to routes.

import Mesh
import Routing
import Testing
import Wire

@Suite("Distributed config")
struct ConfigTests {
    private static let p = prefix("2001:db8:b::/48")

    /// A config that lets n1 announce `entries`; `hash` orders those of one second.
    private func config(_ issuedAt: Int64, hash: UInt8 = 1, n1 entries: String = "\"2001:db8:b::/48\"")
        -> VerifiedConfig
    {
        let content = Array("{\"prefix_whitelist\": {\"n1.mesh.test\": [\(entries)]}}".utf8)
        return VerifiedConfig(
            signed: SignedConfig(certificate: [hash, UInt8(truncatingIfNeeded: issuedAt)], content: content),
            contentHash: [UInt8](repeating: hash, count: 32), issuedAt: issuedAt, expiresAt: issuedAt + 31_536_000)
    }

    private func questions(_ bench: Bench) -> [UInt64] {
        bench.effects.compactMap { effect in if case .verifyConfig(let number, _, _) = effect { number } else { nil } }
    }

    /// A peer says it, and it verifies.
    private func offer(_ config: VerifiedConfig, from link: LinkID, _ bench: inout Bench) {
        bench.happen(.message(link, .distributedConfig(config.signed)))
        guard let number = questions(bench).first else { return }
        bench.happen(.configVerified(number, config))
    }

    private func isPersisted(_ bench: Bench) -> Bool {
        bench.effects.contains { if case .persistConfig = $0 { true } else { false } }
    }

    @Test("a newer one is adopted, persisted, sent to all others at once, and routes outside it go in the same turn")
    func adoption() {
        var bench = Bench()
        let source = bench.open(1)
        let other = bench.open(2)
        bench.announce(source, [route("2001:db8:b::/48", (1, 3)), route("2001:db8:c::/48", (1, 3))])
        let new = config(Bench.wall - 5)
        offer(new, from: source, &bench)
        #expect(isPersisted(bench))
        #expect(bench.messages(to: other).contains(.distributedConfig(new.signed)))
        #expect(!bench.messages(to: source).contains(.distributedConfig(new.signed)))
        #expect(bench.fib == [FIBChange(prefix: prefix("2001:db8:c::/48"), nextHop: nil)])
        #expect(bench.reason(prefix("2001:db8:c::/48"), source) == .notWhitelisted)
        // A later one that allows it lets it in at once, without a word of the peer.
        offer(config(Bench.wall - 4, n1: "\"2001:db8::/32\""), from: other, &bench)
        #expect(bench.fib == [FIBChange(prefix: prefix("2001:db8:c::/48"), nextHop: .link(source))])
        let third = bench.open(3)
        #expect(bench.messages(to: third).contains { if case .distributedConfig = $0 { true } else { false } })
        for link in [source, other, third] { bench.happen(.linkActivity(link)) }
        bench.pass(milliseconds: 30_001)
        #expect(bench.messages(to: other).contains { if case .distributedConfig = $0 { true } else { false } })
    }

    @Test("A17: the same bytes are not verified again; others three at once, then one in 10 s")
    func budget() {
        var bench = Bench { $0.storedConfig = config(Bench.wall - 100) }
        let link = bench.open(1)
        var asked = 0
        for index in 0..<50 {
            let bytes = SignedConfig(certificate: [9, UInt8(index)], content: [])
            bench.happen(.message(link, .distributedConfig(bytes)))
            for number in questions(bench) {
                asked += 1
                bench.happen(.configRejected(number, ConfigRejection(reason: "not_signed_by_ca", detail: "")))
                bench.happen(.message(link, .distributedConfig(bytes)))
                asked += questions(bench).count
            }
        }
        #expect(asked == 3)
        bench.happen(.message(link, .distributedConfig(config(Bench.wall - 100).signed)))
        #expect(questions(bench).isEmpty)
        #expect(bench.node.peer(Simulation.name(1), at: bench.now)?.configSync.status == .inSync)
        bench.pass(milliseconds: 10_000)
        bench.happen(.message(link, .distributedConfig(config(Bench.wall - 50).signed)))
        #expect(questions(bench).count == 1)
    }

    @Test("B11, C27 a: older is refused, also after a restart by the high-water mark, and the sender is told ours")
    func rollback() {
        let current = config(Bench.wall - 10)
        var bench = Bench { $0.storedConfig = current }
        let link = bench.open(1)
        offer(config(Bench.wall - 20), from: link, &bench)
        #expect(bench.node.distributedConfig.current == current)
        #expect(bench.notices.contains(.configOlder(issuedAt: Bench.wall - 20)))
        #expect(bench.messages(to: link).contains(.distributedConfig(current.signed)))
        // The file is lost, the mark is not.
        var restarted = Bench { $0.highWaterMark = current.mark }
        let again = restarted.open(1)
        offer(config(Bench.wall - 20), from: again, &restarted)
        #expect(restarted.node.distributedConfig.current == nil)
        offer(current, from: again, &restarted)
        #expect(restarted.node.distributedConfig.current == current)
    }

    @Test("B12, C27 c: issued too far ahead: held, shown, not in force; asked again when its time has come")
    func future() {
        var bench = Bench { $0.tunables.deadAfter = 10_000_000 }
        let link = bench.open(1)
        let early = config(Bench.wall + 600)
        offer(early, from: link, &bench)
        #expect(bench.node.distributedConfig.current == nil)
        #expect(bench.node.distributedConfig.held == early)
        #expect(bench.notices == [.configHeld(issuedAt: Bench.wall + 600)])
        // It does not stand in the way of one that is valid now.
        offer(config(Bench.wall - 1), from: link, &bench)
        #expect(bench.node.distributedConfig.current?.issuedAt == Bench.wall - 1)
        bench.pass(milliseconds: 299_000)
        #expect(questions(bench).isEmpty)
        bench.pass(milliseconds: 2_000)
        guard let number = questions(bench).first else {
            Issue.record("verified anew")
            return
        }
        bench.happen(.configVerified(number, early))
        #expect(bench.node.distributedConfig.current == early)
    }

    @Test("B12: of two of the future the one that is due first is held, and the other is looked at again after it")
    func severalOfTheFuture() {
        var bench = Bench { $0.tunables.deadAfter = 10_000_000 }
        let link = bench.open(1)
        let far = config(Bench.wall + 86_400 * 3650)
        let near = config(Bench.wall + 600)
        offer(far, from: link, &bench)
        offer(near, from: link, &bench)
        #expect(bench.node.distributedConfig.held == near)
        bench.pass(milliseconds: 301_000)
        guard let number = questions(bench).first else {
            Issue.record("verified anew")
            return
        }
        bench.happen(.configVerified(number, near))
        #expect(bench.node.distributedConfig.current == near)
        offer(near, from: link, &bench)
        offer(far, from: link, &bench)
        #expect(bench.node.distributedConfig.current == near)
        #expect(bench.node.distributedConfig.held == far)
    }

    @Test("B12: within five minutes ahead is in force at once")
    func tolerance() {
        var bench = Bench()
        let link = bench.open(1)
        offer(config(Bench.wall + 300), from: link, &bench)
        #expect(bench.node.distributedConfig.current?.issuedAt == Bench.wall + 300)
    }

    @Test(
        "B13, C27 h: of two of one second the larger hash wins, in either order, with an alarm",
        arguments: [true, false])
    func tie(isLargerFirst: Bool) {
        var bench = Bench()
        let link = bench.open(1)
        let (small, large) = (config(Bench.wall, hash: 3), config(Bench.wall, hash: 200))
        offer(isLargerFirst ? large : small, from: link, &bench)
        offer(isLargerFirst ? small : large, from: link, &bench)
        #expect(bench.node.distributedConfig.current == large)
        #expect(bench.notices.contains(.configConflict(issuedAt: Bench.wall)))
    }

    @Test("B14, C27 d: past its expiry it stays in force, with an alarm at start")
    func expired() {
        var old = config(Bench.wall - 40_000_000)
        old.expiresAt = Bench.wall - 1
        var bench = Bench { $0.storedConfig = old }
        #expect(bench.notices == [.configExpired(expiresAt: Bench.wall - 1)])
        #expect(bench.node.distributedConfig.isExpired)
        let link = bench.open(1)
        bench.announce(link, [route("2001:db8:c::/48", (1, 3))])
        #expect(bench.reason(prefix("2001:db8:c::/48"), link) == .notWhitelisted)
    }

    @Test(
        "B15, C28: content that does not parse strictly is refused whole, the former stays",
        arguments: [
            "null", "{\"prefix_whitelist\": null}",
            "{\"prefix_whitelist\": {\"n1.mesh.test\": [\"2001:db8::/32,max_prefix_len=999\"]}}",
            "{\"prefix_whitelist\": {\"n1.mesh.test\": [], \"N1.mesh.test\": []}}",
        ])
    func malformed(content: String) {
        let former = config(Bench.wall - 10)
        var bench = Bench { $0.storedConfig = former }
        let link = bench.open(1)
        var bad = config(Bench.wall - 5)
        bad.signed.content = Array(content.utf8)
        offer(bad, from: link, &bench)
        #expect(bench.node.distributedConfig.current == former)
        #expect(bench.notices == [.configRejected(reason: "content_invalid")])
    }

    @Test("the API's offer is answered when it has been judged: adopted, same, older, invalid")
    func offers() {
        var bench = Bench()
        func reply() -> CommandResult? {
            for case .reply(_, let result) in bench.effects { return result }
            return nil
        }
        let first = config(Bench.wall - 10)
        bench.happen(.command(.offerConfig(first.signed), token: 1))
        #expect(reply() == nil)
        bench.happen(.configVerified(questions(bench).first ?? 0, first))
        #expect(reply() == .done(changed: true))
        bench.happen(.command(.offerConfig(first.signed), token: 2))
        #expect(reply() == .done(changed: false))
        let older = config(Bench.wall - 20)
        bench.happen(.command(.offerConfig(older.signed), token: 3))
        bench.happen(.configVerified(questions(bench).first ?? 0, older))
        #expect(reply() == .configNotNewer)
        bench.happen(.command(.offerConfig(config(Bench.wall).signed), token: 4))
        bench.happen(
            .configRejected(questions(bench).first ?? 0, ConfigRejection(reason: "expired", detail: "since May")))
        #expect(reply() == .configInvalid(reason: "expired", detail: "since May"))
    }
}
