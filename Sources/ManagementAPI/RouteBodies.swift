// What the API says about routes: every candidate with its reason, the FIB, and a look-up that explains itself.
//
// Members have the names and units of openapi.yaml, in words; nil is said as null.

import JSON
import Routing

/// A machine-readable reason with a sentence for people.
package struct ReasonBody: Sendable, Equatable, JSONWritable {
    /// A word of the route reason vocabulary.
    package var code: String
    package var detail: String

    package init(code: String, detail: String) {
        self.code = code
        self.detail = detail
    }

    package var json: JSONValue { .object(["code": code.json, "detail": detail.json]) }
}

/// One hop of a path. Latency in milliseconds, nil where v1 says 0xFFFFFFFF.
package struct HopBody: Sendable, Equatable, JSONWritable {
    package var id: NodeID
    package var name: String?
    package var latency: UInt64?

    package init(id: NodeID, name: String?, latency: UInt64?) {
        self.id = id
        self.name = name
        self.latency = latency
    }

    package var json: JSONValue { .object(["id": id.json, "name": name.json, "latency_ms": latency.json]) }
}

/// One way to reach a prefix.
package struct CandidateBody: Sendable, Equatable, JSONWritable {
    /// In use, usable, or refused.
    package enum Status: String, CaseIterable, Sendable { case selected, alternate, rejected }
    /// Announced by this node, or learned from a peer.
    package enum Source: String, CaseIterable, Sendable { case local, learned }

    package var source: Source
    package var peer: NodeRefBody?
    package var vif: String?
    package var path: [HopBody]
    /// Milliseconds over the whole path; nil while some hop has not measured.
    package var latency: UInt64?
    package var status: Status
    package var reason: ReasonBody
    package var firstSeenAt: Timestamp
    package var updatedAt: Timestamp
    package var expiresAt: Timestamp?

    package init(
        source: Source, peer: NodeRefBody?, vif: String?, path: [HopBody], latency: UInt64?, status: Status,
        reason: ReasonBody, firstSeenAt: Timestamp, updatedAt: Timestamp, expiresAt: Timestamp?
    ) {
        self.source = source
        self.peer = peer
        self.vif = vif
        self.path = path
        self.latency = latency
        self.status = status
        self.reason = reason
        self.firstSeenAt = firstSeenAt
        self.updatedAt = updatedAt
        self.expiresAt = expiresAt
    }

    package var json: JSONValue {
        .object([
            "source": source.rawValue.json, "peer": peer.json, "vif": vif.json, "path": path.json,
            "latency_ms": latency.json, "status": status.rawValue.json, "reason": reason.json,
            "first_seen_at": firstSeenAt.json, "updated_at": updatedAt.json, "expires_at": expiresAt.json,
        ])
    }
}

/// A prefix with all its candidates.
package struct RouteBody: Sendable, Equatable, JSONWritable {
    package var prefix: Prefix
    /// The selected one first, then by latency; at most one is `selected`.
    package var candidates: [CandidateBody]

    package init(prefix: Prefix, candidates: [CandidateBody]) {
        self.prefix = prefix
        self.candidates = candidates
    }

    package var selected: CandidateBody? { candidates.first { $0.status == .selected } }

    package var json: JSONValue {
        .object(["prefix": prefix.json, "selected": selected.json, "candidates": candidates.json])
    }
}

/// One entry of the forwarding table.
package struct FIBEntryBody: Sendable, Equatable, JSONWritable {
    /// What happens to a packet: to a peer, to an interface, nowhere.
    package enum Action: String, CaseIterable, Sendable { case forward, deliver, discard }

    package var prefix: Prefix
    package var action: Action
    package var peer: NodeRefBody?
    package var vif: String?
    package var installedAt: Timestamp

    package init(prefix: Prefix, action: Action, peer: NodeRefBody?, vif: String?, installedAt: Timestamp) {
        self.prefix = prefix
        self.action = action
        self.peer = peer
        self.vif = vif
        self.installedAt = installedAt
    }

    package var json: JSONValue {
        .object([
            "prefix": prefix.json, "action": action.rawValue.json, "peer": peer.json, "vif": vif.json,
            "installed_at": installedAt.json,
        ])
    }
}

/// The answer to "where would a packet for this address go, and why".
package struct LookupBody: Sendable, Equatable, JSONWritable {
    /// A covering prefix, longest first.
    package struct Considered: Sendable, Equatable, JSONWritable {
        package var prefix: Prefix
        package var isUsed: Bool
        package var reason: ReasonBody

        package init(prefix: Prefix, isUsed: Bool, reason: ReasonBody) {
            self.prefix = prefix
            self.isUsed = isUsed
            self.reason = reason
        }

        package var json: JSONValue {
            .object(["prefix": prefix.json, "used": isUsed.json, "reason": reason.json])
        }
    }

    package var address: IPv6Address
    package var match: FIBEntryBody?
    package var considered: [Considered]

    package init(address: IPv6Address, match: FIBEntryBody?, considered: [Considered]) {
        self.address = address
        self.match = match
        self.considered = considered
    }

    package var json: JSONValue {
        .object(["address": address.json, "match": match.json, "considered": considered.json])
    }
}
