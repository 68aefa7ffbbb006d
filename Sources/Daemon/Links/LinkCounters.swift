// What a link counts, and how the end of a stream is said in gRPC's words.

import HTTP
import Mesh

/// Packets and bytes of one link since it was opened; packets are whole IPv6 packets.
struct LinkCounters {
    /// Packets lost on the way to this peer for one reason.
    struct Drop {
        var packets: UInt64 = 0
        var bytes: UInt64 = 0
    }

    private(set) var receivedPackets: UInt64 = 0
    private(set) var receivedBytes: UInt64 = 0
    private(set) var sentPackets: UInt64 = 0
    private(set) var sentBytes: UInt64 = 0
    /// By reason, of api.md's vocabulary. The reasons are literals of this target, so the table is bounded.
    private(set) var drops: [String: Drop] = [:]
    /// Pings and other small messages beyond what is looked at in a turn (A17).
    var shedMessages: UInt64 = 0
    /// Messages that could not be read and cost nothing but themselves.
    var malformedMessages: UInt64 = 0

    mutating func received(_ bytes: Int) {
        receivedPackets &+= 1
        receivedBytes &+= UInt64(bytes)
    }

    mutating func sent(_ bytes: Int) {
        sentPackets &+= 1
        sentBytes &+= UInt64(bytes)
    }

    mutating func drop(_ bytes: Int, _ reason: String) {
        drops[reason, default: Drop()].packets &+= 1
        drops[reason, default: Drop()].bytes &+= UInt64(bytes)
    }

    /// Adds what an earlier link with the same peer counted.
    mutating func add(_ other: LinkCounters) {
        receivedPackets &+= other.receivedPackets
        receivedBytes &+= other.receivedBytes
        sentPackets &+= other.sentPackets
        sentBytes &+= other.sentBytes
        malformedMessages &+= other.malformedMessages
        shedMessages &+= other.shedMessages
        for (reason, drop) in other.drops {
            drops[reason, default: Drop()].packets &+= drop.packets
            drops[reason, default: Drop()].bytes &+= drop.bytes
        }
    }
}

extension CloseReason {
    /// The trailers that tell the other end why we close. v1 nodes print them and try again later.
    var outcome: GRPCOutcome {
        switch self {
        case .duplicate, .duplicateIdentity: GRPCOutcome(.alreadyExists, GRPCOutcome.duplicateText)
        case .replaced: GRPCOutcome(.aborted, "a newer link took over")
        case .ownIdentity: GRPCOutcome(.failedPrecondition, "this is the same node")
        case .nameMismatch: GRPCOutcome(.permissionDenied, "another name is expected here")
        case .blocked: GRPCOutcome(.permissionDenied, "blocked by the operator")
        case .tooManyLinks: GRPCOutcome(.resourceExhausted, "too many links")
        case .dead: GRPCOutcome(.deadlineExceeded, "nothing was heard")
        case .certificateExpired: GRPCOutcome(.unauthenticated, "the certificate has expired")
        case .protocolViolation: GRPCOutcome(.invalidArgument, "protocol violation")
        case .reset, .unconfigured: GRPCOutcome(.cancelled, "closed by the operator")
        case .shutdown: GRPCOutcome(.unavailable, "shutting down")
        }
    }
}

extension GRPCOutcome {
    /// v1's own words, by which one implementation knows the other's refusal of a second link.
    static let duplicateText = "detected multiple connections"

    /// Whether the other end refused this link because it holds another with us.
    var isDuplicate: Bool { status == .alreadyExists || message.contains(Self.duplicateText) }
}
