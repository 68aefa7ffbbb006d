// What a write answers, and where the configuration stands.
//
// Members have the names and units of openapi.yaml, in words; nil is said as null.

import JSON

/// GET /v1/config/status.
package struct ConfigStatusBody: Sendable, Equatable, JSONWritable {
    /// Whether a change survives a restart.
    package enum Persistence: String, CaseIterable, Sendable {
        case writeBack = "write_back"
        case runtimeOnly = "runtime_only"
    }

    package var revision: UInt64
    /// The ETag of GET /v1/config, with its quotes. The service fills it in; the router leaves it empty.
    package var etag: String = ""
    package var changedAt: Timestamp
    package var changedBy: String
    package var file: String?
    /// SHA-256 of the file as it was loaded or written last, lower-case hex.
    package var fileSHA256: String?
    package var runningMatchesFile: Bool
    package var fileChangedOnDisk: Bool
    package var persist: Persistence

    package init(
        revision: UInt64, changedAt: Timestamp, changedBy: String, file: String?, fileSHA256: String?,
        runningMatchesFile: Bool, fileChangedOnDisk: Bool, persist: Persistence
    ) {
        self.revision = revision
        self.changedAt = changedAt
        self.changedBy = changedBy
        self.file = file
        self.fileSHA256 = fileSHA256
        self.runningMatchesFile = runningMatchesFile
        self.fileChangedOnDisk = fileChangedOnDisk
        self.persist = persist
    }

    package var json: JSONValue {
        .object([
            "revision": revision.json, "etag": etag.json, "changed_at": changedAt.json,
            "changed_by": changedBy.json, "file": file.json, "file_sha256": fileSHA256.json,
            "running_matches_file": runningMatchesFile.json, "file_changed_on_disk": fileChangedOnDisk.json,
            "persist": persist.rawValue.json, "pending": .null,
        ])
    }
}

/// One difference between two configurations.
package struct ChangeBody: Sendable, Equatable, JSONWritable {
    /// What became of the place.
    package enum Operation: String, CaseIterable, Sendable { case add, replace, remove }

    package var operation: Operation
    /// `/peers/NAME/udp`, `/local_announcements/PREFIX`, `/log/level` …; lists with names are addressed by name.
    package var pointer: String
    package var from: JSONValue?
    package var to: JSONValue?

    package init(_ operation: Operation, _ pointer: String, from: JSONValue? = nil, to: JSONValue? = nil) {
        self.operation = operation
        self.pointer = pointer
        self.from = from
        self.to = to
    }

    package var json: JSONValue {
        var object: JSONObject = ["op": operation.rawValue.json, "pointer": pointer.json]
        if let from { object["from"] = from }
        if let to { object["to"] = to }
        return .object(object)
    }
}

/// Something that a change does beyond the document.
package struct EffectBody: Sendable, Equatable, JSONWritable {
    /// A closed vocabulary of api answers; append only.
    package enum Kind: String, CaseIterable, Sendable {
        case sessionReset = "session_reset"
        case peerConnect = "peer_connect"
        case peerDisconnect = "peer_disconnect"
        case routeAnnounce = "route_announce"
        case routeWithdraw = "route_withdraw"
        case vifCreate = "vif_create"
        case vifRemove = "vif_remove"
        case listenerChange = "listener_change"
        case identityChange = "identity_change"
        case restartRequired = "restart_required"
    }

    package var kind: Kind
    package var subject: String

    package init(_ kind: Kind, _ subject: String) {
        self.kind = kind
        self.subject = subject
    }

    package var json: JSONValue { .object(["kind": kind.rawValue.json, "subject": subject.json]) }
}

/// The answer to every write, dry or real.
package struct ApplyResultBody: Sendable, Equatable, JSONWritable {
    package var isChanged: Bool
    package var isDryRun: Bool
    /// The revision in force after the write.
    package var revision: UInt64
    package var isPersisted: Bool
    package var changes: [ChangeBody]
    package var effects: [EffectBody]
    package var warnings: [String]

    package init(
        isChanged: Bool, isDryRun: Bool, revision: UInt64, isPersisted: Bool, changes: [ChangeBody] = [],
        effects: [EffectBody] = [], warnings: [String] = []
    ) {
        self.isChanged = isChanged
        self.isDryRun = isDryRun
        self.revision = revision
        self.isPersisted = isPersisted
        self.changes = changes
        self.effects = effects
        self.warnings = warnings
    }

    package var json: JSONValue {
        .object([
            "changed": isChanged.json, "dry_run": isDryRun.json, "revision": revision.json,
            "persisted": isPersisted.json, "changes": changes.json, "effects": effects.json,
            "warnings": warnings.json, "pending": .null,
        ])
    }
}
