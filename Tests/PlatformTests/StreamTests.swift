// TCP over the loopback interface: dials, ends, options and back-pressure.

import CLinux
import Glibc
import Testing

@testable import Platform

@Suite("Streams", .serialized)
struct StreamTests {
    private func loopback(_ port: UInt16) throws -> SocketAddress {
        try #require(SocketAddress(numeric: "127.0.0.1", port: port))
    }

    private func accept(_ listener: StreamListener) throws -> StreamSocket {
        for _ in 0..<100 {
            if case .connection(let socket) = listener.accept() { return socket }
            _ = linux_poll_readable(listener.descriptor.raw, 1000)
        }
        throw PlatformError.malformed(text: "listener", reason: "took nothing")
    }

    @Test("TCP: connect, bytes both ways, end of stream", arguments: ["127.0.0.1", "::1"])
    func tcp(host: String) throws {
        let listener = try StreamListener.tcp(try #require(SocketAddress(numeric: host, port: 0)))
        let address = try #require(listener.address)
        let client = try StreamSocket.connect(to: address)
        let server = try accept(listener)
        #expect(client.waitWritable(milliseconds: 5000))
        try client.finishConnecting()
        #expect(server.peer == .internet(try #require(client.localAddress)))

        #expect(try "hello".utf8.withContiguousStorageIfAvailable { try client.write(.init($0)) } == .bytes(5))
        var buffer = [UInt8](repeating: 0, count: 16)
        #expect(server.waitReadable(milliseconds: 5000))
        #expect(try buffer.withUnsafeMutableBytes { try server.read(into: $0) } == .bytes(5))
        #expect(buffer.starts(with: Array("hello".utf8)))
        #expect(try buffer.withUnsafeMutableBytes { try server.read(into: $0) } == .wouldBlock)
        client.finishWriting()
        #expect(server.waitReadable(milliseconds: 5000))
        #expect(try buffer.withUnsafeMutableBytes { try server.read(into: $0) } == .end)
    }

    @Test("TCP: a refused connection says so when it is writable")
    func refusedConnection() throws {
        let listener = try StreamListener.tcp(try loopback(0))
        let port = try #require(listener.address?.port)
        listener.closeAndRemove()
        do {
            let client = try StreamSocket.connect(to: try loopback(port))
            _ = client.waitWritable(milliseconds: 5000)
            try client.finishConnecting()
            Issue.record("connected to a closed port")
        } catch let error as PlatformError {
            #expect(error.code == .refused)
            #expect("\(error)" == "connect 127.0.0.1:\(port): Connection refused (ECONNREFUSED)")
        }
    }

    @Test("D13: a port in use is refused with the remedy")
    func portInUse() throws {
        let first = try StreamListener.tcp(try loopback(0))
        let address = try #require(first.address)
        #expect {
            try StreamListener.tcp(address)
        } throws: { error in
            "\(error)".contains("the port is in use") && "\(error)".contains("\(address)")
        }
    }

    @Test("both families listen on the same port")
    func everywhere() throws {
        let listeners = try StreamListener.tcpEverywhere(port: 0)
        #expect(listeners.count == 2)
        #expect(listeners[0].address?.port == listeners[1].address?.port)
        for listener in listeners {
            let host = listener.address?.isIPv6 == true ? "::1" : "127.0.0.1"
            let port = try #require(listener.address?.port)
            let client = try StreamSocket.connect(to: try #require(SocketAddress(numeric: host, port: port)))
            let server = try accept(listener)
            #expect(server.peer == .internet(try #require(client.localAddress)))
        }
    }

    @Test("options are in force: keepalive off, no delay, user timeout")
    func options() throws {
        var options = TCPOptions()
        options.userTimeout = 12_345
        options.notSentLowWater = 65_536
        let listener = try StreamListener.tcp(try loopback(0), options: options)
        let client = try StreamSocket.connect(to: try #require(listener.address), options: options)
        let server = try accept(listener)
        for socket in [client, server] {
            #expect(option(socket, Int32(IPPROTO_TCP), TCP_NODELAY) == 1)
            #expect(option(socket, SOL_SOCKET, SO_KEEPALIVE) == 0)
            #expect(option(socket, Int32(IPPROTO_TCP), 18 /* TCP_USER_TIMEOUT */) == 12_345)
        }
    }

    @Test("writing stops when the other side does not read")
    func backPressure() throws {
        let (client, server) = try streamPair()
        let chunk = [UInt8](repeating: 7, count: 65_536)
        var sent = 0
        while case .bytes(let count) = try chunk.withUnsafeBytes({ try client.write($0) }) { sent += count }
        #expect(sent > 0)
        var (received, buffer) = (0, [UInt8](repeating: 0, count: 65_536))
        while case .bytes(let count) = try buffer.withUnsafeMutableBytes({ try server.read(into: $0) }) {
            received += count
        }
        #expect(received == sent)
    }

    @Test("a peer that is gone is an error and no signal")
    func brokenPipe() throws {
        let (client, server) = try streamPair()
        server.close()
        #expect(throws: PlatformError.self) { try [1].withUnsafeBytes { try client.write($0) } }
    }

    private func option(_ socket: StreamSocket, _ level: Int32, _ name: Int32) -> Int32 {
        var (value, length): (Int32, socklen_t) = (-1, 4)
        return getsockopt(socket.descriptor.raw, level, name, &value, &length) == 0 ? value : -1
    }
}
