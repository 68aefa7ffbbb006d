// Where the API listens: what is essential, what is only missed, what is refused (api.md 2.2).

import ManagementAPI
import Testing

@testable import Daemon
@testable import Platform

@Suite("the API's listeners")
struct APIListenTests {
    private let scratch: ScratchDirectory
    private let reactor: Reactor
    private let router = FakeRouter()

    init() throws {
        scratch = try ScratchDirectory()
        reactor = try Reactor()
    }

    private func server() -> APIServer {
        let tokens = TokenTable(random: SecureRandom.bytes, sha256: { $0 }, save: { _ in true })
        let environment = APIEnvironment(
            now: { FakeRouter.time }, monotonicMilliseconds: { 0 }, random: SecureRandom.bytes, sha256: { $0 },
            audit: { _ in }, log: { _ in })
        return APIServer(
            reactor: reactor,
            service: APIService(
                router: router, tokens: tokens, environment: environment, settings: APISettings(APIConfig())))
    }

    private func config(_ listeners: APIConfig.Listener...) -> APIConfig {
        var config = APIConfig()
        config.listeners = listeners
        return config
    }

    private func unix(_ name: String, group: String? = nil) -> APIConfig.Listener {
        .unix(path: "\(scratch.path)/\(name)", mode: 0o660, group: group, role: .admin)
    }

    private func occupied() throws -> StreamListener {
        try StreamListener.tcp(try #require(SocketAddress(numeric: "127.0.0.1", port: 0)))
    }

    @Test("sockets are made with their mode, in a directory that is made for them, and go with the server")
    func made() throws {
        let server = server()
        #expect(try server.listen(config(unix("run/vmesh.sock")), isDefault: false).isEmpty)
        let path = scratch.path + "/run/vmesh.sock"
        #expect(try Files.status(path).mode & 0o777 == 0o660)
        #expect(server.listeners.map(\.isUnix) == [true])
        server.shutdown()
        #expect((try? Files.status(path)) == nil)
    }

    @Test("the default without its group is open to the daemon's user alone, with a remark; a written one is refused")
    func group() throws {
        let listener = unix("a.sock", group: "no-such-group")
        let remarks = try server().listen(config(listener), isDefault: true)
        #expect(remarks.count == 1 && remarks[0].contains("no-such-group"))
        #expect(try Files.status(scratch.path + "/a.sock").mode & 0o777 == 0o600)
        #expect { try server().listen(config(unix("b.sock", group: "no-such-group")), isDefault: false) } throws: {
            "\($0)".contains("groupadd")
        }
    }

    @Test("the default's TCP port may be taken, a written one may not; the Unix socket never")
    func inUse() throws {
        let holder = try occupied()
        let taken = "\(try #require(holder.address))"
        let server = server()
        let remarks = try server.listen(config(unix("a.sock"), .tcp(address: taken, tls: nil)), isDefault: true)
        #expect(remarks.count == 1 && remarks[0].contains(taken))
        #expect(server.listeners.count == 1)
        #expect(throws: PlatformError.self) {
            try self.server().listen(config(.tcp(address: taken, tls: nil)), isDefault: false)
        }
        #expect { try self.server().listen(config(unix("a.sock")), isDefault: true) } throws: {
            "\($0)".contains("another instance")
        }
        holder.closeAndRemove()
    }

    @Test("plain text beyond loopback, and TLS, are never served")
    func plain() throws {
        let files = APIConfig.TLSFiles(certificate: "c", key: "k", clientCA: nil)
        for (address, tls) in [("0.0.0.0:5121", nil), ("[::]:5121", nil), ("127.0.0.1:5121", files)]
            as [(String, APIConfig.TLSFiles?)]
        {
            #expect {
                try server().listen(config(.tcp(address: address, tls: tls)), isDefault: true)
            } throws: {
                "\($0)".contains("TLS is not in this version")
            }
        }
        let holder = try occupied()
        let free = "\(try #require(holder.address))"
        holder.closeAndRemove()
        #expect(try server().listen(config(.tcp(address: free, tls: nil)), isDefault: false).isEmpty)
    }
}
