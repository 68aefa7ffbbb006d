// The addresses of a host, for a client that waits.

import Platform

final class NameLookup: ResolverClient {
    private var result: Result<[SocketAddress], ResolveError>?

    func resolved(_ request: UInt64, _ result: Result<[SocketAddress], ResolveError>) { self.result = result }

    /// Looks up a name, or takes a number as it is; the library's order.
    static func addresses(of place: HostPort, until deadline: Deadline) throws(Failure) -> [SocketAddress] {
        if let address = place.numeric { return [address] }
        let lookup = NameLookup()
        do throws(PlatformError) {
            let reactor = try Reactor()
            let resolver = try Resolver(reactor: reactor, client: lookup)
            defer { resolver.stop() }
            _ = resolver.resolve(place)
            while lookup.result == nil, deadline.remaining > 0 {
                _ = try reactor.turn(deadline: SystemClock.now() + Int64(deadline.remaining) * 1000)
            }
        } catch {
            throw .local("cannot look up \(place.host): \(error)")
        }
        switch lookup.result {
        case .success(let addresses): return addresses
        case .failure(.failed(let reason)): throw .unreachable("cannot look up \(place.host): \(reason)")
        case .failure(.busy), .failure(.timeout), nil:
            throw .unreachable("cannot look up \(place.host): no answer from the name server")
        }
    }
}
