// Names off the loop: answers, time limits and bounds, with look-ups that hang on purpose.

import Testing

@testable import Platform

private final class Client: ResolverClient {
    var answers: [UInt64: Result<[SocketAddress], ResolveError>] = [:]
    func resolved(_ request: UInt64, _ result: Result<[SocketAddress], ResolveError>) { answers[request] = result }
}

@Suite("Resolver", .serialized)
struct ResolverTests {
    @Test("a number is answered without a look-up, but not before resolve returns")
    func numeric() throws {
        let (reactor, client) = (try Reactor(), Client())
        let resolver = try Resolver(reactor: reactor, client: client)
        let request = resolver.resolve(try HostPort(parsing: "[2001:db8::1]:5120"))
        #expect(client.answers.isEmpty)
        #expect(try reactor.run { client.answers.count == 1 })
        #expect(client.answers[request] == .success([try #require(SocketAddress(numeric: "2001:db8::1", port: 5120))]))
        resolver.stop()
        #expect(reactor.count == 0)
    }

    @Test("a name of the hosts file is found with its port")
    func localhost() throws {
        let (reactor, client) = (try Reactor(), Client())
        let resolver = try Resolver(reactor: reactor, client: client)
        let request = resolver.resolve(try HostPort(parsing: "localhost:5120"))
        #expect(try reactor.run { client.answers[request] != nil })
        let addresses = try #require(client.answers[request]).get()
        #expect(!addresses.isEmpty)
        #expect(addresses.allSatisfy { $0.isLoopback && $0.port == 5120 })
        resolver.stop()
    }

    @Test("D14: a look-up that hangs is given up, its late answer is dropped, and the loop was never held up")
    func timeout() throws {
        let (reactor, client) = (try Reactor(), Client())
        let hanging = Gate()
        let resolver = try Resolver(reactor: reactor, client: client, limit: 20_000) { _ in
            hanging.wait()
            return .success([])
        }
        let request = resolver.resolve(try HostPort(parsing: "silent.example:1"))
        #expect(try reactor.run { client.answers[request] != nil })
        #expect(client.answers[request] == .failure(.timeout))
        client.answers = [:]
        hanging.open()
        // The late answer is taken from the mailbox and nobody hears of it; one asked for afterwards is heard.
        let next = resolver.resolve(try HostPort(parsing: "192.0.2.1:1"))
        #expect(try reactor.run { client.answers[next] != nil })
        #expect(client.answers[request] == nil)
        resolver.stop()
    }

    @Test("a cancelled request is not answered; hanging ones bound the threads, not the queue")
    func bounds() throws {
        let (reactor, client) = (try Reactor(), Client())
        let gate = Gate()
        let resolver = try Resolver(reactor: reactor, client: client) { _ in
            gate.wait()
            return .failure(.failed("no"))
        }
        let target = try HostPort(parsing: "silent.example:1")
        let requests = (0..<264).map { _ in resolver.resolve(target) }
        let refused = resolver.resolve(target)
        resolver.cancel(requests[100])
        #expect(try reactor.run { client.answers[refused] != nil })
        #expect(client.answers[refused] == .failure(.busy))
        #expect(client.answers.count == 1)
        gate.open()
        #expect(try reactor.run { client.answers.count == 264 })
        #expect(client.answers[requests[100]] == nil)
        resolver.stop()
    }
}

/// Holds threads until it is opened.
private final class Gate: Sendable {
    private let bell = try? Wakeup()
    func wait() { if let bell { _ = StreamSocket.poll(bell.descriptor) } }
    func open() { bell?.ring() }
}

extension StreamSocket {
    fileprivate static func poll(_ descriptor: Descriptor) -> Bool {
        StreamSocket(descriptor, peer: .unix(PeerCredentials(uid: 0, gid: 0, pid: 0))).waitReadable(
            milliseconds: 30_000)
    }
}
