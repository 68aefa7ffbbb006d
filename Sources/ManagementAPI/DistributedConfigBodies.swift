// The network's signed policy as the API shows it.
//
// Members have the names and units of openapi.yaml, in words; nil is said as null.

import JSON
import Routing

/// Which distributed config: the hash of its content and when it was signed.
package struct DistributedConfigIDBody: Sendable, Equatable, JSONWritable {
    package var hash: String
    package var issuedAt: Timestamp

    package init(hash: String, issuedAt: Timestamp) {
        self.hash = hash
        self.issuedAt = issuedAt
    }

    package var json: JSONValue { .object(["hash": hash.json, "issued_at": issuedAt.json]) }
}

/// One distributed config, in force or offered.
package struct DistributedConfigBody: Sendable, Equatable, JSONWritable {
    /// Where it came from: an upload, a peer, the state directory or the command line.
    package enum SourceKind: String, CaseIterable, Sendable { case api, peer, file }

    package var version: Int
    /// SHA-256 of the content, lower-case hex.
    package var hash: String
    package var issuedAt: Timestamp
    package var expiresAt: Timestamp
    /// SHA-256 of the signing leaf's DER, lower-case hex.
    package var signerID: String
    package var signerSubject: String
    package var adoptedAt: Timestamp?
    package var sourceKind: SourceKind
    package var sourcePeer: NodeRefBody?
    package var sizeBytes: Int
    /// The signed JSON document itself.
    package var content: JSONValue
    package var warnings: [String]

    package init(
        version: Int, hash: String, issuedAt: Timestamp, expiresAt: Timestamp, signerID: String,
        signerSubject: String, adoptedAt: Timestamp?, sourceKind: SourceKind, sourcePeer: NodeRefBody?,
        sizeBytes: Int, content: JSONValue, warnings: [String]
    ) {
        self.version = version
        self.hash = hash
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.signerID = signerID
        self.signerSubject = signerSubject
        self.adoptedAt = adoptedAt
        self.sourceKind = sourceKind
        self.sourcePeer = sourcePeer
        self.sizeBytes = sizeBytes
        self.content = content
        self.warnings = warnings
    }

    package var json: JSONValue {
        .object([
            "version": version.json, "hash": hash.json, "issued_at": issuedAt.json, "expires_at": expiresAt.json,
            "signer": .object(["id": signerID.json, "subject": signerSubject.json]),
            "adopted_at": adoptedAt.json,
            "source": .object(["kind": sourceKind.rawValue.json, "peer": sourcePeer.json]),
            "size_bytes": sizeBytes.json, "content": content, "warnings": warnings.json,
        ])
    }
}

/// What an upload does, or would do.
package struct DistributedConfigPlanBody: Sendable, Equatable, JSONWritable {
    package var isChanged: Bool
    package var isDryRun: Bool
    package var isValid: Bool
    package var isNewer: Bool
    package var candidate: DistributedConfigBody
    /// Entries such as `b.vnet.example.com 2001:db8:2::/48`.
    package var added: [String]
    package var removed: [String]
    package var routesNewlyRejected: [Prefix]
    package var routesNewlyAccepted: [Prefix]
    package var isSelfAffected: Bool

    package init(
        isChanged: Bool, isDryRun: Bool, isValid: Bool, isNewer: Bool, candidate: DistributedConfigBody,
        added: [String], removed: [String], routesNewlyRejected: [Prefix], routesNewlyAccepted: [Prefix],
        isSelfAffected: Bool
    ) {
        self.isChanged = isChanged
        self.isDryRun = isDryRun
        self.isValid = isValid
        self.isNewer = isNewer
        self.candidate = candidate
        self.added = added
        self.removed = removed
        self.routesNewlyRejected = routesNewlyRejected
        self.routesNewlyAccepted = routesNewlyAccepted
        self.isSelfAffected = isSelfAffected
    }

    package var json: JSONValue {
        .object([
            "changed": isChanged.json, "dry_run": isDryRun.json, "valid": isValid.json, "newer": isNewer.json,
            "candidate": candidate.json, "added": added.json, "removed": removed.json,
            "routes_newly_rejected": routesNewlyRejected.json, "routes_newly_accepted": routesNewlyAccepted.json,
            "self_affected": isSelfAffected.json,
        ])
    }
}

/// Where one peer stands: GET /v1/distributed-config/peers.
package struct DistributedConfigPeerBody: Sendable, Equatable, JSONWritable {
    package var peer: NodeRefBody
    package var sync: ConfigSyncBody

    package init(peer: NodeRefBody, sync: ConfigSyncBody) {
        self.peer = peer
        self.sync = sync
    }

    package var json: JSONValue { .object(["peer": peer.json, "sync": sync.json]) }
}

/// "Would it be accepted?": GET /v1/distributed-config/check.
package struct PolicyCheckBody: Sendable, Equatable, JSONWritable {
    package var node: String
    package var prefix: Prefix
    package var isAllowed: Bool
    /// The entry that decided, as it stands in the policy; nil where none covers the prefix.
    package var matched: String?
    package var reason: ReasonBody

    package init(node: String, prefix: Prefix, isAllowed: Bool, matched: String?, reason: ReasonBody) {
        self.node = node
        self.prefix = prefix
        self.isAllowed = isAllowed
        self.matched = matched
        self.reason = reason
    }

    package var json: JSONValue {
        .object([
            "node": node.json, "prefix": prefix.json, "allowed": isAllowed.json, "matched": matched.json,
            "reason": reason.json,
        ])
    }
}
