// The process: rights, descriptors, output, notices. What changes a whole process runs in one of its own.

import CLinux
import Glibc
import Testing

@testable import Platform

@Suite("Process", .serialized)
struct ProcessTests {
    /// Runs `body` in a process of its own, for what changes a whole process: this program again, with one test alone
    /// and a variable that tells it which of the two it is. Answers the status that the child exits with, -1 if a
    /// signal ended it.
    private func inOwnProcess(_ test: String, through wrapper: String = "", _ body: () throws -> Int32) throws -> Int32
    {
        if Environment.value("VMESH_TEST_CHILD") == test { exit(try body()) }
        let program = CommandLine.arguments[0]
        let script = """
            VMESH_TEST_CHILD='\(test)' exec \(wrapper) '\(program)' --testing-library swift-testing --no-parallel \
              --filter 'ProcessTests/\(test)' >/dev/null 2>&1
            """
        var pid: pid_t = 0
        let words: [UnsafeMutablePointer<CChar>?] = (["/bin/sh", "-c", script] as [String]).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        try #require(posix_spawn(&pid, "/bin/sh", nil, nil, words, environ) == 0)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        return status & 0x7F == 0 ? status >> 8 & 0xFF : -1
    }

    @Test("D17: dropped to nobody with CAP_NET_ADMIN alone, and no way back")
    func drop() throws {
        try requireNetAdmin()
        let status = try inOwnProcess("drop") {
            try NetworkNamespace.unshare()
            let tun = try TunDevice.open(name: "vmesh0")
            let after = try Privileges.drop()
            guard after.hasNetAdmin, after.permitted == ProcessPrivileges.netAdmin, after.uid == 65_534 else {
                return 3
            }
            guard (try? Files.read("/etc/shadow", limit: 100_000)) == nil else { return 4 }
            guard linux_set_uid(0) < 0 else { return 5 }
            // /proc still tells the process about itself, although it is not dumpable.
            guard ProcessStatistics.current().openDescriptors > 0 else { return 7 }
            // What is kept is enough for a deleted TUN to be made anew (C23), and later threads have it too.
            let netlink = try Netlink()
            try netlink.deleteInterface(try netlink.index(of: "vmesh0"))
            let again = try TunDevice.open(name: "vmesh0", reusing: tun)
            try netlink.setUp(try netlink.index(of: again.name))
            let box = Box<Bool>()
            try WorkerThread.start(name: "later") {
                box.value = (try? ProcessPrivileges.current().effective) == ProcessPrivileges.netAdmin
            }.join()
            return box.value == true ? 77 : 6
        }
        #expect(status == 77)
    }

    @Test("a user namespace with one user is told from a failure, and nothing is changed")
    func confined() throws {
        try requireNetAdmin()
        let status = try inOwnProcess("confined", through: "unshare -Ur") {
            do { _ = try Privileges.drop() } catch PrivilegeError.confinedNamespace {
                return try ProcessPrivileges.current().hasNetAdmin ? 77 : 4
            }
            return 5
        }
        #expect(status == 77)
    }

    @Test("the kernel's account of this process is read")
    func current() throws {
        let privileges = try ProcessPrivileges.current()
        #expect(privileges.uid == linux_uid())
        #expect(privileges.effective & ~privileges.permitted == 0)
    }

    @Test("statistics are of this process")
    func statistics() throws {
        let before = ProcessStatistics.current()
        #expect(before.residentBytes > 1_000_000)
        #expect(before.maximumDescriptors > 0)
        #expect(before.openDescriptors > 2)
    }

    @Test("an error's text names the call, the subject and the code")
    func errorText() {
        let error = PlatformError.system(call: "bind", subject: "[::1]:5120", code: .addressInUse)
        #expect("\(error)" == "bind [::1]:5120: Address already in use (EADDRINUSE)")
        #expect(ErrorCode(rawValue: 9999).description == "errno 9999: unknown error")
    }

    @Test("a reader that has stopped costs lines, never time")
    func stalledOutput() throws {
        var ends: [Int32] = [0, 0]
        try #require(linux_pipe(&ends) == 0)
        let (reader, writer) = (Descriptor(ends[0]), Descriptor(ends[1]))
        let output = ErrorOutput(descriptor: writer.raw)
        let line = [UInt8](repeating: 65, count: 999) + [10]
        var written = 0
        while output.write(line) { written += 1 }
        #expect(written >= 60)
        #expect(output.lost == 1)
        var buffer = [UInt8](repeating: 0, count: 65_536)
        #expect(linux_read(reader.raw, &buffer, buffer.count) > 0)
        #expect(output.write(line))
        // As SignalSource does for the daemon.
        #expect(linux_ignore_signal(linux_signal_pipe) == 0)
        reader.close()
        #expect(!output.write(line))
    }

    @Test("sd_notify reaches a path and an abstract socket", arguments: [false, true])
    func notify(isAbstract: Bool) throws {
        let scratch = try ScratchDirectory()
        let address = isAbstract ? "@vmesh-\(SecureRandom.hexadecimal(bytes: 8))" : scratch.path + "/notify"
        let receiver = Descriptor(linux_unix_datagram())
        try #require(linux_unix_bind(receiver.raw, address) == 0)
        try #require(ServiceNotifier(address: address)).send("READY=1", "STATUS=one\ntwo")
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = linux_read(receiver.raw, &buffer, buffer.count)
        #expect(String(decoding: buffer.prefix(max(0, Int(count))), as: UTF8.self) == "READY=1\nSTATUS=one two")
        #expect(ServiceNotifier(address: "relative") == nil)
    }

    @Test("random bytes differ and have the length asked for")
    func random() {
        #expect(SecureRandom.bytes(32) != SecureRandom.bytes(32))
        #expect(SecureRandom.bytes(0).isEmpty)
        #expect(SecureRandom.hexadecimal(bytes: 16).utf8.count == 32)
    }

    @Test("D7: without descriptors accept says so, sheds the client, and works again afterwards")
    func exhaustion() throws {
        // In a process of its own: the tests beside this one need descriptors.
        let status = try inOwnProcess("exhaustion") {
            let listener = try StreamListener.tcp(try #require(SocketAddress(numeric: "127.0.0.1", port: 0)))
            let address = try #require(listener.address)
            let client = try StreamSocket.connect(to: address)
            let second = try StreamSocket.connect(to: address)
            guard linux_poll_readable(listener.descriptor.raw, 5000) == 1 else { return 3 }
            guard linux_set_descriptor_limit(UInt64(second.descriptor.raw) + 8) == 0 else { return 4 }
            var held: [Descriptor] = []
            while case let code = linux_eventfd(), code >= 0 { held.append(Descriptor(code)) }
            guard case .exhausted(let code) = listener.accept(), code.rawValue == EMFILE else { return 5 }
            // The first client was shed: its connection has ended.
            guard client.waitReadable(milliseconds: 5000) else { return 6 }
            var byte: [UInt8] = [0]
            let end = try? byte.withUnsafeMutableBytes { try client.read(into: $0) }
            guard end == .end || end == nil else { return 7 }
            held.removeLast()
            guard case .connection = listener.accept() else { return 8 }
            return 77
        }
        #expect(status == 77)
    }

    @Test("D7: an acceptor that ran out rests for 100 ms instead of spinning, and comes back by itself")
    func resting() throws {
        let status = try inOwnProcess("resting") {
            let reactor = try Reactor()
            let client = CountingClient()
            let listener = try StreamListener.tcp(try #require(SocketAddress(numeric: "127.0.0.1", port: 0)))
            let acceptor = try Acceptor(listener, reactor: reactor, client: client)
            let address = try #require(listener.address)
            let sockets = try (0..<3).map { _ in try StreamSocket.connect(to: address) }
            guard linux_set_descriptor_limit(64) == 0 else { return 3 }
            var held: [Descriptor] = []
            while case let code = linux_eventfd(), code >= 0 { held.append(Descriptor(code)) }
            let start = SystemClock.now()
            var turns = 0
            while client.exhaustions < 2 {
                try reactor.turn(deadline: nil)
                turns += 1
            }
            // One turn to run out, one for the timer, one to run out again; a spin would be thousands.
            guard turns <= 4, SystemClock.now() - start >= StreamListener.pause else { return 4 }
            held = []
            guard try reactor.run(until: { client.accepted == 1 }) else { return 5 }
            acceptor.stop()
            return sockets.count == 3 ? 77 : 6
        }
        #expect(status == 77)
    }
}

private final class CountingClient: AcceptorClient {
    var accepted = 0
    var exhaustions = 0
    func accepted(_ socket: StreamSocket, from acceptor: Acceptor) { accepted += 1 }
    func exhausted(_ code: ErrorCode, acceptor: Acceptor) { exhaustions += 1 }
}
