// A service with a fake router behind it and requests in front, for tests that read as conversations.

import HTTP
import JSON
import ManagementAPI
import Routing

@testable import Daemon

/// What a test needs of an answer.
struct Reply {
    let response: HTTPResponse

    var status: Int { response.status }
    var json: JSONValue { (try? JSONValue(parsing: response.body, maximumBytes: 1 << 24)) ?? .null }
    var code: String? { json["code"]?.stringValue }
    var text: String { String(decoding: response.body, as: UTF8.self) }
    func header(_ name: String) -> String? { response.headers[name] }
}

final class APIBench {
    let router = FakeRouter()
    let tokens: TokenTable
    let service: APIService
    private(set) var audit: [AuditRecord] = []
    private(set) var log: [RequestLogLine] = []
    var now = FakeRouter.time
    var milliseconds: UInt64 = 0
    var savedTokens: [UInt8]?
    var canSaveTokens = true

    static let unix = APIConnection(listener: "unix:/s", transport: .unix(role: .admin, uid: 1000, pid: 1))
    static let reader = APIConnection(listener: "unix:/r", transport: .unix(role: .read, uid: 1001, pid: 1))
    static let scraper = APIConnection(listener: "unix:/m", transport: .unix(role: .metrics, uid: 1002, pid: 1))
    static let tcp = APIConnection(
        listener: "tcp:127.0.0.1:5121",
        transport: .tcp(source: "127.0.0.1", local: "127.0.0.1", isTLS: false, clientFingerprint: nil))

    init(settings: APISettings = APISettings(allowedHosts: ["r1.mgmt.example.com"])) {
        let box = Holder()
        var counter: UInt8 = 0
        let random: (Int) -> [UInt8] = { count in
            counter &+= 1
            return (0..<count).map { UInt8(truncatingIfNeeded: $0) &+ counter }
        }
        tokens = TokenTable(random: random, sha256: Self.digest) { bytes in
            guard box.bench?.canSaveTokens == true else { return false }
            box.bench?.savedTokens = bytes
            return true
        }
        service = APIService(
            router: router, tokens: tokens,
            environment: APIEnvironment(
                now: { box.bench?.now ?? FakeRouter.time },
                monotonicMilliseconds: { box.bench?.milliseconds ?? 0 }, random: random, sha256: Self.digest,
                audit: { box.bench?.audit.append($0) }, log: { box.bench?.log.append($0) }),
            settings: settings)
        box.bench = self
    }

    private final class Holder { weak var bench: APIBench? }

    /// 32 bytes that depend on every byte: enough for a test, no SHA-256 needed.
    static func digest(_ bytes: [UInt8]) -> [UInt8] {
        (0..<4).flatMap { lane -> [UInt8] in
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325 &+ UInt64(lane)
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash ^= hash >> 29
            return (0..<8).map { UInt8(truncatingIfNeeded: hash >> UInt64(8 * $0)) }
        }
    }

    /// Sends a request whose answer may come later.
    func begin(
        _ method: String, _ target: String, _ body: String? = nil, type: String? = "application/json",
        headers: HTTPHeaders = [:], host: String? = "localhost:5121", from connection: APIConnection = unix,
        respond: @escaping (Reply) -> Void
    ) {
        var fields = headers
        if body != nil, let type { fields.append("content-type", type) }
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let request = HTTPRequest(
            method: method, path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : nil, authority: host,
            headers: fields, body: Array((body ?? "").utf8))
        service.handle(request, from: connection) { respond(Reply(response: $0)) }
    }

    /// Sends a request and takes its answer, which must have come at once.
    func send(
        _ method: String, _ target: String, _ body: String? = nil, type: String? = "application/json",
        headers: HTTPHeaders = [:], host: String? = "localhost:5121", from connection: APIConnection = unix
    ) -> Reply {
        var reply: Reply?
        begin(method, target, body, type: type, headers: headers, host: host, from: connection) { reply = $0 }
        return reply ?? Reply(response: HTTPResponse(status: 0))
    }

    /// A token for TCP.
    func token(_ role: String = "admin", name: String = "t") -> HTTPHeaders {
        let reply = send("POST", "/v1/tokens", #"{"name":"\#(name)","role":"\#(role)"}"#)
        return ["authorization": "Bearer \(reply.json["token"]?.stringValue ?? "")"]
    }

    /// Peers, routes, an interface, certificates and a policy.
    func populate() throws {
        var peer = PeerBody(
            name: "b.vnet", id: FakeRouter.id(0xbb), origin: "configured", status: .up, statusSince: FakeRouter.time)
        peer.config = PeerConfig(name: "b.vnet", addresses: ["192.0.2.7:5120"])
        let idle = PeerBody(name: "c.vnet", id: nil, origin: "configured", status: .idle, statusSince: FakeRouter.time)
        router.peerList = [idle, peer]
        for index in 0..<3 {
            let reason = ReasonBody(code: "only_candidate", detail: "-")
            let candidate = CandidateBody(
                source: .learned, peer: NodeRefBody(id: FakeRouter.id(0xbb), name: nil), vif: nil,
                path: [HopBody(id: FakeRouter.id(0xbb), name: nil, latency: nil)], latency: nil, status: .selected,
                reason: reason, firstSeenAt: FakeRouter.time, updatedAt: FakeRouter.time, expiresAt: nil)
            router.routeList.append(
                RouteBody(prefix: try Prefix(parsing: "2001:db8:\(index)::/48"), candidates: [candidate]))
        }
        let vif = VifConfig(name: "lan", kind: .tun)
        router.config.vifs = [vif]
        router.vifList = [VifBody(name: "lan", config: vif, isUp: true, device: "vm0", mtuBytes: 1420)]
        router.certificateList = [FakeRouter.certificate(id: String(repeating: "aa", count: 32), role: .node)]
        router.policy = FakeRouter.policy(hash: String(repeating: "0a", count: 32))
    }
}
