// Unix sockets: modes, stale files, credentials, and a datagram service that comes and goes.

import CLinux
import Testing

@testable import Platform

@Suite("Unix listeners")
struct UnixListenerTests {
    @Test(
        "E10: the mode is what was asked for, whatever the umask", arguments: [0o600, 0o640, 0o660, 0o666] as [UInt32])
    func mode(mode: UInt32) throws {
        let scratch = try ScratchDirectory()
        let path = scratch.path + "/api.sock"
        let listener = try StreamListener.unix(UnixListenerSettings(path: path, mode: mode, group: nil))
        #expect(try Files.status(path).mode == mode)
        #expect(try Files.status(path).kind == .socket)
        listener.closeAndRemove()
        #expect(throws: PlatformError.self) { try Files.status(path) }
    }

    @Test("E10: the socket is never wider than the owner's bits before listen")
    func neverWider() throws {
        // The step that decides: what bind makes of an unbound socket's mode.
        let scratch = try ScratchDirectory()
        let path = scratch.path + "/bare"
        let socket = Descriptor(linux_unix_stream())
        #expect(linux_fchmod(socket.raw, 0o600) == 0)
        #expect(linux_unix_bind(socket.raw, path) == 0)
        #expect(try Files.status(path).mode & 0o077 == 0)
        #expect(linux_unix_connect(linux_unix_stream(), path) == -ECONNREFUSED)
    }

    @Test("the group is set by name")
    func group() throws {
        let scratch = try ScratchDirectory()
        try #require(linux_uid() == 0, "this test needs root")
        let path = scratch.path + "/api.sock"
        var gid: UInt32 = 0
        #expect(linux_group_id("daemon", &gid) == 0)
        let listener = try StreamListener.unix(UnixListenerSettings(path: path, mode: 0o660, group: "daemon"))
        #expect(try Files.status(path).gid == gid)
        _ = listener
        #expect {
            try StreamListener.unix(
                UnixListenerSettings(path: scratch.path + "/x", mode: 0o660, group: "no-such-group"))
        } throws: { "\($0)".contains("groupadd no-such-group") }
    }

    @Test("E10: a remover takes its sockets away when it is told to, and leaves what others put in their places")
    func remover() throws {
        let scratch = try ScratchDirectory()
        let paths = ["one", "two"].map { "\(scratch.path)/\($0)" }
        let listeners = try paths.map { path in
            try StreamListener.unix(UnixListenerSettings(path: path, mode: 0o600, group: nil))
        }
        let remover = try SocketRemover(paths)
        listeners[1].closeAndRemove()
        try Files.write(paths[1], [1])
        #expect(try Files.status(paths[0]).kind == .socket, "it waits")
        remover.finish()
        #expect(throws: PlatformError.self) { try Files.status(paths[0]) }
        #expect(try Files.read(paths[1], limit: 1) == [1])
        #expect(throws: PlatformError.self) { try SocketRemover([scratch.path + "/none"]) }
    }

    @Test("D13: a living instance is left alone, a dead one's file is replaced")
    func stale() throws {
        let scratch = try ScratchDirectory()
        let settings = UnixListenerSettings(path: scratch.path + "/api.sock", mode: 0o600, group: nil)
        let first = try StreamListener.unix(settings)
        #expect(throws: PlatformError.alreadyRunning(path: settings.path)) { try StreamListener.unix(settings) }
        _ = try StreamSocket.connect(toUnixPath: settings.path)
        first.descriptor.close()  // As a crash leaves it: the file stays.
        let second = try StreamListener.unix(settings)
        _ = try StreamSocket.connect(toUnixPath: settings.path)
        second.closeAndRemove()
    }

    @Test("a file that is no socket is never removed")
    func notASocket() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.path + "/data"
        try Files.write(path, [1, 2, 3])
        #expect(throws: PlatformError.self) {
            try StreamListener.unix(UnixListenerSettings(path: path, mode: 0o600, group: nil))
        }
        #expect(try Files.read(path, limit: 10) == [1, 2, 3])
    }

    @Test("E10: a directory that anybody may write to is refused, a sticky one is not")
    func openDirectory() throws {
        let scratch = try ScratchDirectory()
        let settings = UnixListenerSettings(path: scratch.path + "/api.sock", mode: 0o600, group: nil)
        #expect(linux_chmod(scratch.path, 0o777) == 0)
        #expect(throws: PlatformError.self) { try StreamListener.unix(settings) }
        #expect(linux_chmod(scratch.path, 0o1777) == 0)
        try StreamListener.unix(settings).closeAndRemove()
    }

    @Test("the peer's user and process are known")
    func credentials() throws {
        let (_, server) = try streamPair()
        let own = PeerCredentials(uid: linux_uid(), gid: linux_gid(), pid: linux_pid())
        #expect(server.peer == .unix(own))
    }

    @Test(
        "a path that is too long or relative is refused",
        arguments: ["api.sock", "/" + String(repeating: "x", count: 107)])
    func badPath(path: String) {
        #expect(throws: PlatformError.malformed(text: path, reason: "is no absolute path of at most 107 bytes")) {
            try StreamListener.unix(UnixListenerSettings(path: path, mode: 0o600, group: nil))
        }
    }

    @Test("C25: a datagram socket reconnects to a service that comes, goes and comes back")
    func datagrams() throws {
        let scratch = try ScratchDirectory()
        let (own, service) = (scratch.path + "/vif.sock", scratch.path + "/service.sock")
        let vif = try DatagramSocket.bind(path: own, peerPath: service)
        #expect(try Files.status(own).mode == 0o600)
        #expect(throws: PlatformError.system(call: "connect", subject: service, code: .notFound)) { try vif.connect() }
        var buffer = [UInt8](repeating: 0, count: 64)
        for _ in 0..<2 {
            let other = try DatagramSocket.bind(path: service, peerPath: own)
            try vif.connect()
            try other.connect()
            #expect([1 as UInt8, 2, 3].withUnsafeBytes { vif.send($0) } == .sent)
            #expect(buffer.withUnsafeMutableBytes { other.receive(into: $0) } == .datagram(3))
            #expect(buffer.withUnsafeMutableBytes { other.receive(into: $0) } == .wouldBlock)
            other.descriptor.close()
            #expect([1 as UInt8].withUnsafeBytes { vif.send($0) } == .disconnected)
        }
    }
}
