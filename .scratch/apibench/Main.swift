import Glibc
import HTTP
import JSON
import ManagementAPI
import Routing
import Daemon

@main
struct Main {
    static func main() { Server().run() }
}

final class Server {
    let router = FakeRouter()
    let service: APIService
    let tokens: TokenTable
    init() {
        func rnd(_ n: Int) -> [UInt8] { (0..<n).map { _ in UInt8.random(in: 0...255) } }
        func digest(_ bytes: [UInt8]) -> [UInt8] {
            (0..<4).flatMap { lane -> [UInt8] in
                var hash: UInt64 = 0xcbf2_9ce4_8422_2325 &+ UInt64(lane)
                for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
                hash ^= hash >> 29
                return (0..<8).map { UInt8(truncatingIfNeeded: hash >> UInt64(8 * $0)) }
            }
        }
        tokens = TokenTable(random: rnd, sha256: digest) { _ in true }
        service = APIService(router: router, tokens: tokens, environment: APIEnvironment(
            now: { Timestamp(seconds: Int64(time(nil))) }, monotonicMilliseconds: { UInt64(time(nil)) * 1000 },
            random: rnd, sha256: digest), settings: APISettings(authFailuresPerMinute: 1_000_000))
        var peer = PeerBody(name: "b.vnet", id: FakeRouter.id(0xbb), origin: "configured", status: .up, statusSince: FakeRouter.time)
        peer.config = PeerConfig(name: "b.vnet", addresses: ["192.0.2.7:5120"])
        peer.latency.mean = 12.5; peer.latency.samples = 3; peer.latency.jitter = 0.5
        peer.counters.drops = [DropCountBody(direction: "tx", reason: "queue_full", packets: 3, bytes: 10)]
        peer.dataChannel.kind = "stream"
        router.peerList = [peer, PeerBody(name: "c.vnet", id: nil, origin: "configured", status: .idle, statusSince: FakeRouter.time)]
        router.config.vifs = [VifConfig(name: "lan", kind: .tun)]
        router.vifList = [VifBody(name: "lan", config: router.config.vifs[0], isUp: true, device: "vm0", mtuBytes: 1420)]
        router.config.peers = [PeerConfig(name: "b.vnet", addresses: ["192.0.2.7:5120"])]
        router.config.announcements = [AnnouncementConfig(prefix: try! Prefix(parsing: "2001:db8:1::/48"), vif: "lan")]
        router.certificateList = [FakeRouter.certificate(id: String(repeating: "aa", count: 32), role: .node)]
        router.policy = FakeRouter.policy(hash: String(repeating: "0a", count: 32))
        for index in 0..<30 {
            let c = CandidateBody(source: .learned, peer: NodeRefBody(id: FakeRouter.id(0xbb), name: nil), vif: nil, path: [], latency: 3, status: .selected, reason: ReasonBody(code: "only_candidate", detail: "-"), firstSeenAt: FakeRouter.time, updatedAt: FakeRouter.time, expiresAt: nil)
            router.routeList.append(RouteBody(prefix: try! Prefix(parsing: "2001:db8:\(String(index, radix: 16))::/48"), candidates: [c]))
        }
        var s = MetricsSnapshot.Peer(name: "b.vnet")
        s.connectAttempts = ["ok": 1]; s.sessionEnds = ["eof": 1]; s.rejectedAnnouncements = ["not_whitelisted": 2]
        s.traffic = ["stream": MetricsSnapshot.Traffic()]; s.sessionStartedAtSeconds = 1.5e9
        router.snapshot.peers = [s]
        router.snapshot.routeChanges = ["selected": 3]; router.snapshot.queuePackets = ["control": 0]
        router.snapshot.drops = [.init(direction: "rx", reason: "no_route", packets: 1)]
        router.snapshot.processCPUSeconds = 1.25; router.snapshot.processVirtualBytes = 1 << 30; router.snapshot.processStartTimeSeconds = 1.7e9
        router.snapshot.apiConnections = [.init(listener: "tcp", httpProtocol: "h2", count: 1)]
    }
    func run() {
        for role in Role.allCases {
            if let t = try? tokens.createToken(TokenRequestBody(name: "seed-\(role.rawValue)", role: role, expiresInSeconds: nil), now: Timestamp(seconds: Int64(time(nil)))) { print(role.rawValue, t.token) }
        }
        fflush(nil)
        signal(SIGPIPE, SIG_IGN)
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var one: Int32 = 1
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        var addr = sockaddr_in(); addr.sin_family = sa_family_t(AF_INET); addr.sin_port = UInt16(5199).bigEndian; addr.sin_addr.s_addr = UInt32(0x7f000001).bigEndian
        let r = withUnsafePointer(to: &addr) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(fd, $0, 16) } }
        guard r == 0, listen(fd, 64) == 0 else { perror("bind"); exit(1) }
        struct Client { var fd: Int32; var conn: HTTPServerConnection; var out: [UInt8] = [] ; var shut = false }
        var clients: [Client] = []
        func now() -> UInt64 { var ts = timespec(); clock_gettime(CLOCK_MONOTONIC, &ts); return UInt64(ts.tv_sec) * 1000 + UInt64(ts.tv_nsec) / 1_000_000 }
        let info = APIConnection(listener: "tcp:127.0.0.1:5199", transport: .tcp(source: "127.0.0.1", local: "127.0.0.1", isTLS: false, clientFingerprint: nil))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
        while true {
            var polls = [pollfd(fd: fd, events: Int16(POLLIN), revents: 0)]
            for c in clients { polls.append(pollfd(fd: c.fd, events: Int16(POLLIN) | (c.out.isEmpty ? 0 : Int16(POLLOUT)), revents: 0)) }
            poll(&polls, nfds_t(polls.count), 200)
            var keep: [Client] = []
            for (i, var c) in clients.enumerated() {
                var dead = false
                if polls[i + 1].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
                    let n = read(c.fd, buffer.baseAddress, 65536)
                    if n <= 0 { if n == 0 { c.conn.endOfInput(nowMilliseconds: now()) } else { dead = true } }
                    else { c.conn.receive(UnsafeRawBufferPointer(rebasing: buffer[..<n]), nowMilliseconds: now()) }
                    while let e = c.conn.nextEvent() {
                        if case .request(let id, let req) = e { let conn = c.conn; service.handle(req, from: info) { conn.respond(id, $0) } }
                    }
                }
                c.conn.tick(nowMilliseconds: now())
                while c.out.count < 1 << 20, c.conn.takeOutput(into: &c.out, limit: 65536, nowMilliseconds: now()) > 0 {}
                if !c.out.isEmpty {
                    let n = send(c.fd, c.out, c.out.count, Int32(0x40))
                    if n > 0 { c.out.removeFirst(n) } else if errno != EAGAIN { dead = true }
                }
                if c.out.isEmpty, c.conn.wantsWriteShutdown, !c.shut { shutdown(c.fd, Int32(SHUT_WR)); c.shut = true }
                if dead || (c.out.isEmpty && c.conn.wantsClose) { close(c.fd) } else { keep.append(c) }
            }
            clients = keep
            if polls[0].revents != 0 {
                let s = accept(fd, nil, nil)
                if s >= 0 {
                    let service = service
                    clients.append(Client(fd: s, conn: HTTPServerConnection(nowMilliseconds: now(), bodyLimit: { service.bodyLimit(for: $0) }, problemBody: { status, _, detail in service.transportProblem(status: status, detail: detail) })))
                }
            }
        }
    }
}
