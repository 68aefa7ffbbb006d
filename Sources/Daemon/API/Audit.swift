// One record per write and per refused authentication: who did what from where, and what it changed. Never a body, a
// key or a token (api.md 2.10).

import JSON
import ManagementAPI

/// One line of the audit log.
package struct AuditRecord: Sendable, Equatable, JSONWritable {
    package var time: Timestamp
    package var requestID: String
    /// `uid 1000`, `token ansible`; for a refused authentication the source.
    package var actor: String
    package var role: Role?
    package var listener: String
    package var method: String
    package var path: String
    /// Only of queries whose every parameter the operation knows: an unknown one may be a misplaced token.
    package var query: String?
    package var status: Int
    package var isChanged: Bool
    package var revisionBefore: UInt64?
    package var revisionAfter: UInt64?
    package var pointers: [String]
    /// Lower-case hex; nil without a body.
    package var bodySHA256: String?
    package var durationMilliseconds: UInt64

    package var json: JSONValue {
        .object([
            "time": time.json, "request_id": requestID.json, "actor": actor.json, "role": (role?.rawValue).json,
            "listener": listener.json, "method": method.json, "path": path.json, "query": query.json,
            "status": status.json, "changed": isChanged.json, "revision_before": revisionBefore.json,
            "revision_after": revisionAfter.json, "pointers": pointers.json, "body_sha256": bodySHA256.json,
            "duration_ms": durationMilliseconds.json,
        ])
    }
}
