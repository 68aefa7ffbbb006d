// An acceptor in a reactor, held and let go.

import Testing

@testable import Platform

private final class Client: AcceptorClient {
    var sockets: [StreamSocket] = []
    func accepted(_ socket: StreamSocket, from acceptor: Acceptor) { sockets.append(socket) }
    func exhausted(_ code: ErrorCode, acceptor: Acceptor) {}
}

@Suite("Acceptor")
struct AcceptorTests {
    @Test("A21: held connections wait in the kernel, and come in when it resumes")
    func hold() throws {
        let reactor = try Reactor()
        let client = Client()
        let listener = try StreamListener.tcp(try #require(SocketAddress(numeric: "127.0.0.1", port: 0)))
        let acceptor = try Acceptor(listener, reactor: reactor, client: client)
        let address = try #require(listener.address)
        let first = try StreamSocket.connect(to: address)
        #expect(try reactor.run { client.sockets.count == 1 })
        acceptor.hold()
        let second = try StreamSocket.connect(to: address)
        #expect(second.waitWritable(milliseconds: 5000))
        try reactor.turn(deadline: 0)
        #expect(client.sockets.count == 1)
        acceptor.resume()
        #expect(try reactor.run { client.sockets.count == 2 })
        acceptor.stop()
        #expect(reactor.count == 0)
        _ = first
    }
}
