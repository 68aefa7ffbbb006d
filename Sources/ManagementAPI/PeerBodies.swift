// What the API says about a neighbour: GET /v1/peers. Configured peers and whoever else is connected.
//
// Members have the names and units of openapi.yaml, in words; nil is said as null.

import JSON
import Routing

/// A node by id, with the name under which this router knows it.
package struct NodeRefBody: Sendable, Equatable, JSONWritable {
    package var id: NodeID
    package var name: String?

    package init(id: NodeID, name: String?) {
        self.id = id
        self.name = name
    }

    package var json: JSONValue { .object(["id": id.json, "name": name.json]) }
}

/// The states of a peer, api.md 2.6.
package enum PeerStatus: String, CaseIterable, Sendable {
    case disabled, idle, connecting, handshaking, up, backoff, refused
}

/// One cause of lost packets.
package struct DropCountBody: Sendable, Equatable, JSONWritable {
    /// `rx` or `tx`.
    package var direction: String
    /// A word of api.md's drop vocabulary.
    package var reason: String
    package var packets: UInt64
    package var bytes: UInt64

    package init(direction: String, reason: String, packets: UInt64, bytes: UInt64) {
        self.direction = direction
        self.reason = reason
        self.packets = packets
        self.bytes = bytes
    }

    package var json: JSONValue {
        .object([
            "direction": direction.json, "reason": reason.json, "packets": packets.json, "bytes": bytes.json,
        ])
    }
}

/// Traffic since the daemon started; packets are whole IPv6 packets, bytes their lengths.
package struct CountersBody: Sendable, Equatable, JSONWritable {
    package var receivedBytes: UInt64 = 0
    package var receivedPackets: UInt64 = 0
    package var sentBytes: UInt64 = 0
    package var sentPackets: UInt64 = 0
    package var drops: [DropCountBody] = []

    package init() {}

    package var json: JSONValue {
        .object([
            "rx_bytes": receivedBytes.json, "rx_packets": receivedPackets.json, "tx_bytes": sentBytes.json,
            "tx_packets": sentPackets.json, "drops": drops.json,
        ])
    }
}

/// Round-trip times of the control stream in milliseconds; nil where nothing was measured.
package struct LatencyBody: Sendable, Equatable, JSONWritable {
    package var last: Double?
    package var mean: Double?
    package var minimum: Double?
    package var maximum: Double?
    package var jitter: Double?
    /// 0…1.
    package var lossRatio: Double = 0
    package var samples: Int = 0

    package init() {}

    package var json: JSONValue {
        .object([
            "last_ms": last.json, "mean_ms": mean.json, "min_ms": minimum.json, "max_ms": maximum.json,
            "jitter_ms": jitter.json, "loss_ratio": lossRatio.json, "samples": samples.json,
        ])
    }
}

/// How packets travel to a peer.
package struct DataChannelBody: Sendable, Equatable, JSONWritable {
    /// `udp`, `stream` or `none`.
    package var kind: String = "none"
    package var isEncrypted: Bool = false
    /// `active`, `probing`, `fallback` or `off`.
    package var status: String = "off"
    package var remoteAddress: String?
    package var mtuBytes: Int?
    package var since: Timestamp?

    package init() {}

    package var json: JSONValue {
        .object([
            "kind": kind.json, "encrypted": isEncrypted.json, "status": status.json,
            "remote_addr": remoteAddress.json, "mtu_bytes": mtuBytes.json, "since": since.json,
        ])
    }
}

/// Prefixes exchanged with a peer.
package struct PrefixCountsBody: Sendable, Equatable, JSONWritable {
    package var received: Int = 0
    package var accepted: Int = 0
    package var rejected: Int = 0
    package var advertised: Int = 0
    package var limit: Int = 0

    package init() {}

    package var json: JSONValue {
        .object([
            "received": received.json, "accepted": accepted.json, "rejected": rejected.json,
            "advertised": advertised.json, "limit": limit.json,
        ])
    }
}

/// Something that failed, and when.
package struct ErrorNoteBody: Sendable, Equatable, JSONWritable {
    package var time: Timestamp
    /// Stable token such as `timeout` or `unknown_ca`.
    package var code: String
    package var detail: String

    package init(time: Timestamp, code: String, detail: String) {
        self.time = time
        self.code = code
        self.detail = detail
    }

    package var json: JSONValue { .object(["time": time.json, "code": code.json, "detail": detail.json]) }
}

/// Where a peer stands with the distributed config.
package struct ConfigSyncBody: Sendable, Equatable, JSONWritable {
    /// `in_sync`, `behind`, `ahead`, `none` or `unknown`.
    package var status: String = "unknown"
    /// SHA-256 of the content that the peer sent last, lower-case hex.
    package var hash: String?
    package var issuedAt: Timestamp?
    package var lastSentAt: Timestamp?
    package var lastReceivedAt: Timestamp?

    package init() {}

    package var json: JSONValue {
        .object([
            "status": status.json, "hash": hash.json, "issued_at": issuedAt.json,
            "last_sent_at": lastSentAt.json, "last_received_at": lastReceivedAt.json,
        ])
    }
}

/// One peer, configured or merely connected.
package struct PeerBody: Sendable, Equatable, JSONWritable {
    /// The configured name; else the certificate's name; else the id.
    package var name: String
    package var id: NodeID?
    /// `configured` or `inbound`.
    package var origin: String
    package var config: PeerConfig?
    package var status: PeerStatus
    package var statusSince: Timestamp
    /// `inbound` or `outbound`, nil while there is no session.
    package var direction: String?
    package var remoteAddress: String?
    /// `internal_ca` or `external_cert`.
    package var trust: String?
    package var certificateNotAfter: Timestamp?
    package var protocolVersion: Int?
    package var attempts: Int = 0
    package var retryAt: Timestamp?
    package var lastError: ErrorNoteBody?
    package var latency = LatencyBody()
    package var dataChannel = DataChannelBody()
    package var prefixes = PrefixCountsBody()
    package var counters = CountersBody()
    package var configSync = ConfigSyncBody()
    package var warnings: [String] = []

    package init(name: String, id: NodeID?, origin: String, status: PeerStatus, statusSince: Timestamp) {
        self.name = name
        self.id = id
        self.origin = origin
        self.status = status
        self.statusSince = statusSince
    }

    package var json: JSONValue {
        .object([
            "name": name.json, "id": id.json, "origin": origin.json, "config": config.json,
            "status": status.rawValue.json, "status_since": statusSince.json, "direction": direction.json,
            "remote_addr": remoteAddress.json, "trust": trust.json,
            "certificate_not_after": certificateNotAfter.json, "protocol_version": protocolVersion.json,
            "attempts": attempts.json, "retry_at": retryAt.json, "last_error": lastError.json,
            "latency": latency.json, "data_channel": dataChannel.json, "prefixes": prefixes.json,
            "counters": counters.json, "config_sync": configSync.json, "warnings": warnings.json,
        ])
    }
}
