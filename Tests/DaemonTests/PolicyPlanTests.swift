// What is said about routes and policies: a sentence for each reason, "would it be accepted?", and what an upload would do.

import ManagementAPI
import Testing

@testable import Daemon
@testable import Mesh
@testable import Platform
@testable import Routing
@testable import Wire

@Suite("sentences for reasons")
struct ReasonTextTests {
    private func view(_ reason: RouteReason, cost: UInt64?, threshold: UInt64?) -> CandidateView {
        CandidateView(
            link: 1, peerID: nil, peerName: nil, local: nil, path: [], cost: cost, status: .alternate, reason: reason,
            threshold: threshold, firstSeen: Instant(microseconds: 0), updated: Instant(microseconds: 0), expires: nil)
    }

    @Test("every reason has one, no two the same, and none shows a missing number", arguments: [true, false])
    func all(_ isMeasured: Bool) {
        let texts = RouteReason.allCases.map {
            ReasonText.of(view($0, cost: isMeasured ? 32_000 : nil, threshold: isMeasured ? 22_000 : nil))
        }
        #expect(Set(texts).count == RouteReason.allCases.count)
        for text in texts {
            #expect(text.count > 10 && !text.contains("nil") && !text.contains("Optional") && !text.contains("_"))
        }
    }

    @Test(
        "numbers as people read them",
        arguments: [(32_000, "32 ms"), (27_340, "27.3 ms"), (99_960, "100 ms"), (150, "0.2 ms"), (123_456, "123 ms")]
            as [(UInt64, String)])
    func numbers(_ cost: UInt64, _ expected: String) {
        #expect(ReasonText.of(view(.higherLatency, cost: cost, threshold: nil)).hasPrefix(expected + " "))
    }
}

@Suite("would it be accepted?")
struct PolicyCheckTests {
    private func check(_ policy: String?, _ node: String, _ prefix: String) throws -> PolicyCheckBody {
        let content = try policy.map { try PolicyContent.parse(Array($0.utf8)) }
        return PolicyCheck.body(node: node, prefix: try Prefix(parsing: prefix), policy: content)
    }

    private static let policy = #"{"prefix_whitelist": {"B.x": ["2001:db8:b::/48,max_prefix_len=56"], "none.x": []}}"#

    @Test(
        "the rows of the table",
        arguments: [
            (nil, "b.x", "2001:db8:b::/48", true, "no_policy"),
            (policy, "b.x", "2001:db8:b::/48", true, "whitelisted"),
            (policy, "b.X", "2001:db8:b:100::/56", true, "whitelisted"),
            (policy, "b.x", "2001:db8:b:1::/64", false, "max_prefix_len_exceeded"),
            (policy, "b.x", "2001:db8:c::/48", false, "not_whitelisted"),
            (policy, "b.x", "2001:db8::/32", false, "not_whitelisted"),
            (policy, "none.x", "2001:db8:b::/48", false, "not_whitelisted"),
            (policy, "other.x", "2001:db8:b::/48", true, "not_filtered"),
        ] as [(String?, String, String, Bool, String)])
    func rows(_ policy: String?, _ node: String, _ prefix: String, _ isAllowed: Bool, _ code: String) throws {
        let body = try check(policy, node, prefix)
        #expect(body.isAllowed == isAllowed)
        #expect(body.reason.code == code)
    }

    @Test("the entry that decided is named")
    func matched() throws {
        #expect(try check(Self.policy, "b.x", "2001:db8:b:1::/64").matched == "2001:db8:b::/48,max_prefix_len=56")
        #expect(try check(Self.policy, "b.x", "2001:db8:c::/48").matched == nil)
    }
}

@Suite("uploading a distributed config")
struct UploadPlanTests {
    private let router: LoopFixture
    private let peer = NodeID(bytes: [UInt8](repeating: 0xB2, count: 32))
    private let now = SystemClock.wallSeconds()

    init() throws {
        router = try LoopFixture()
        try announce(["2001:db8:b::/48", "2001:db8:b1::/48"])
    }

    /// A link that exists for the node only, and routes from it.
    private func announce(_ prefixes: [String]) throws {
        let peer = try #require(peer)
        router.loop.happened(
            .linkOpened(
                7,
                LinkInfo(
                    id: peer, name: "b.vnet.example.com", trust: .internalCA, direction: .inbound,
                    remoteAddress: "192.0.2.7:9", certificateNotAfter: now + 86_400)))
        try router.turn()
        let routes = try prefixes.map {
            AnnouncedRoute(prefix: try Prefix(parsing: $0), path: [Hop(id: peer, latency: 1)], isWithdrawal: false)
        }
        for message in AnnouncementEncoder.messages(for: routes, sender: peer, scope: .partial) {
            router.loop.happened(.message(7, try message.withUnsafeBytes { try PeerMessage.decode($0) }))
        }
        try router.turn()
    }

    private func upload(_ signed: SignedConfig, dryRun: Bool = false) throws -> Result<
        DistributedConfigPlanBody, Problem
    > {
        try upload(signed.encoded(), dryRun: dryRun)
    }

    private func upload(_ bytes: [UInt8], dryRun: Bool = false) throws -> Result<DistributedConfigPlanBody, Problem> {
        var answers: [Result<DistributedConfigPlanBody, Problem>] = []
        router.facade.uploadDistributedConfig(bytes, options: router.options(dryRun: dryRun)) { answers.append($0) }
        try router.turn()
        try #require(answers.count == 1)
        return answers[0]
    }

    private func selected(_ text: String) throws -> Bool {
        router.facade.route(try Prefix(parsing: text))?.candidates.first?.status == .selected
    }

    private func problem(_ result: Result<DistributedConfigPlanBody, Problem>) -> Problem? {
        if case .failure(let problem) = result { problem } else { nil }
    }

    @Test("the plan names entries and routes, a dry run leaves them, adoption carries it out and stores it")
    func plan() throws {
        #expect(try selected("2001:db8:b::/48") && selected("2001:db8:b1::/48"))
        let signed = try router.pki.signed(
            #"{"prefix_whitelist": {"b.vnet.example.com": ["2001:db8:b::/48"], "c.x": []}}"#, at: now - 100)
        let plan = try upload(signed, dryRun: true).get()
        #expect(plan.isChanged && plan.isValid && plan.isNewer && plan.isDryRun && !plan.isSelfAffected)
        #expect(plan.added == ["b.vnet.example.com 2001:db8:b::/48", "c.x (nothing)"])
        #expect(plan.routesNewlyRejected == [try Prefix(parsing: "2001:db8:b1::/48")])
        #expect(plan.routesNewlyAccepted.isEmpty && plan.removed.isEmpty)
        #expect(try selected("2001:db8:b1::/48") && router.facade.distributedConfig() == nil)

        #expect(try upload(signed).get().isChanged)
        #expect(try selected("2001:db8:b::/48"))
        #expect(try !selected("2001:db8:b1::/48"))
        #expect(router.facade.distributedConfigBlob() == signed.encoded())
        #expect(try Files.read(router.loop.state.path + "/distributed-config.bin", limit: 1 << 20) == signed.encoded())
        #expect(try !upload(signed).get().isChanged, "the same again")

        let wider = try router.pki.signed(
            #"{"prefix_whitelist": {"a.vnet.example.com": [], "B.vnet.example.com": ["2001:db8::/32"]}}"#, at: now - 50)
        let next = try upload(wider, dryRun: true).get()
        #expect(next.routesNewlyAccepted == [try Prefix(parsing: "2001:db8:b1::/48")])
        #expect(next.routesNewlyRejected.isEmpty && next.isSelfAffected)
        #expect(next.removed == ["b.vnet.example.com 2001:db8:b::/48", "c.x (nothing)"])
    }

    @Test("C27a: an older one is refused with both times")
    func older() throws {
        _ = try upload(try router.pki.signed(#"{"prefix_whitelist": {}}"#, at: now - 100)).get()
        let old = try router.pki.signed(#"{"prefix_whitelist": {"x.y": []}}"#, at: now - 500)
        for dryRun in [true, false] {
            let refusal = try #require(problem(try upload(old, dryRun: dryRun)))
            #expect(refusal.code == .distributedConfigNotNewer)
            #expect(refusal.detail?.contains("this router holds one of") == true)
        }
    }

    @Test("what does not verify is refused with its reason")
    func invalid() throws {
        let other = try TestPKI(in: router.directory, name: "other")
        #expect(problem(try upload(try other.signed("{}")))?.reason == "not_signed_by_ca")
        #expect(problem(try upload([1, 2, 3]))?.reason == "bad_encoding")
        #expect(problem(try upload(try router.pki.signed("{}", at: now + 1000)))?.reason == "issued_in_future")
    }
}
