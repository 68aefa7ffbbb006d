// The secrets behind edge tokens (protocol-v2 R1, R2), and what is known of revealed ones.
import Routing

/// Sixteen bytes that only the owner of an edge knows until the edge is dead.
struct EdgeSecret: Hashable, Sendable {
    static let count = 16
    var bytes: [UInt8]

    /// The first 12 bytes of SHA-256("vmesh2 edge" ‖ secret).
    var token: EdgeToken {
        let digest = SHA256.digest(Array("vmesh2 edge".utf8) + bytes)
        return EdgeToken(high: UInt64(digest[0]) << 32 | UInt64(digest[1]), low: digest[2])
    }
}

/// Makes secrets, and remembers lately revealed ones, so that they travel with what they caused.
struct EdgeKeeper: Sendable {
    /// What a message carries at most.
    static let perMessage = 8
    /// Milliseconds for which a revealed secret is news.
    private static let lifetime: Int64 = 2_000

    private let seed: [UInt8]
    private var counter: UInt64 = 0
    /// Revealed secrets, the newest last; at most eight.
    private var revealed: [(secret: EdgeSecret, at: Instant)] = []
    /// One was revealed since the peers were last told.
    var isFresh = false
    /// The secrets of our own prefixes.
    var origins: [Prefix: (secret: EdgeSecret, token: EdgeToken)] = [:]

    init(seed: [UInt8]) { self.seed = seed }

    mutating func make() -> EdgeSecret {
        counter &+= 1
        let number = (0..<8).map { UInt8(truncatingIfNeeded: counter >> (56 - 8 * UInt64($0))) }
        let digest = SHA256.digest(Array("vmesh2 edge secret".utf8) + seed + number)
        let bytes = digest.prefix(4).flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) }
        }
        return EdgeSecret(bytes: bytes)
    }

    mutating func reveal(_ secret: EdgeSecret, at now: Instant) {
        if revealed.count == Self.perMessage { revealed.removeFirst() }
        revealed.append((secret, now))
        isFresh = true
    }

    /// What goes into a message now.
    func causes(at now: Instant) -> [EdgeSecret] {
        revealed.filter { now.milliseconds(since: $0.at) <= Self.lifetime }.map(\.secret)
    }

    func isKnown(_ secret: EdgeSecret) -> Bool { revealed.contains { $0.secret == secret } }
}
