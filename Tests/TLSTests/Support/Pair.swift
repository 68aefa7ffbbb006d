// A client and a server joined by memory: what one queues, the other receives, in pieces of a chosen size.

import Testing

@testable import TLS

final class Pair {
    let client: TLSSession
    let server: TLSSession
    let chunk: Int
    /// Plaintext that has arrived and that no test has taken yet.
    var atClient: [UInt8] = []
    var atServer: [UInt8] = []
    /// Changes bytes on their way to the server.
    var tamper: ((inout [UInt8]) -> Void)?

    init(client: TLSSession, server: TLSSession, chunk: Int = 65_536) {
        self.client = client
        self.server = server
        self.chunk = chunk
    }

    /// Moves bytes until both sides are silent; failures stay in the sessions' states. The number of rounds is bounded,
    /// so that two ends that answer each other for ever are seen.
    @discardableResult
    func run() -> Pair {
        for _ in 0..<1_000 {
            var up: [UInt8] = []
            client.takeCiphertext(into: &up)
            tamper?(&up)
            deliver(up, to: server, plaintext: &atServer)
            var down: [UInt8] = []
            server.takeCiphertext(into: &down)
            deliver(down, to: client, plaintext: &atClient)
            if up.isEmpty, down.isEmpty { return self }
        }
        Issue.record("the two ends never fall silent")
        return self
    }

    private func deliver(_ bytes: [UInt8], to session: TLSSession, plaintext: inout [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(chunk))
            rest = rest.dropFirst(piece.count)
            guard (try? piece.withUnsafeBytes({ try session.receive($0) })) != nil else { return }
            plaintext += session.drain()
        }
    }
}

extension TLSSession {
    /// All plaintext there is; what came before a failure is kept, the failure stays in `state`.
    func drain() -> [UInt8] {
        var collected: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while let count = try? buffer.withUnsafeMutableBytes({ try read(into: $0) }), count > 0 {
            collected += buffer[..<count]
        }
        return collected
    }

    func writeAll(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { write($0) }
    }

    var failure: TLSFailure.Reason? {
        if case .failed(let failure) = state { failure.reason } else { nil }
    }

    var peer: PeerIdentity? {
        if case .established(let peer) = state { peer } else { nil }
    }
}

/// Two nodes and whom they trust; each test changes what it is about.
struct Nodes {
    var client: Identity
    var server: Identity
    var clientTrust: TrustPolicy
    var serverTrust: TrustPolicy
    var clientSettings = TLSContext.Settings()
    var serverSettings = TLSContext.Settings()
    var now: Int64
    var serverName: String? = "b.vnet.example.com"

    /// Both below `authority`; the time is a minute after the later certificate was issued.
    init(_ authority: Credentials, client: Credentials, server: Credentials) throws {
        self.client = try client.identity()
        self.server = try server.identity()
        clientTrust = try TrustPolicy(authorities: [authority.certificate])
        serverTrust = clientTrust
        now = max(client.certificate.notBefore, server.certificate.notBefore) + 60
        // Wrong leaves are what many tests are about: the checks on one's own are tested apart.
        clientSettings.checksOwnLeaf = false
        serverSettings.checksOwnLeaf = false
    }

    func contexts() throws -> (client: TLSContext, server: TLSContext) {
        (
            try TLSContext(identity: client, trust: clientTrust, settings: clientSettings),
            try TLSContext(identity: server, trust: serverTrust, settings: serverSettings)
        )
    }

    func pair(chunk: Int = 65_536) throws -> Pair {
        try pair(of: contexts(), chunk: chunk)
    }

    func pair(of contexts: (client: TLSContext, server: TLSContext), chunk: Int = 65_536) throws -> Pair {
        Pair(
            client: try TLSSession(context: contexts.client, role: .client(serverName: serverName), now: now),
            server: try TLSSession(context: contexts.server, role: .server, now: now), chunk: chunk)
    }
}
