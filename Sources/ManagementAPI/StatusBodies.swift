// The router as a whole: GET /v1/status, /v1/whoami, /readyz.
//
// Members have the names and units of openapi.yaml, in words; nil is said as null.

import JSON
import Routing

/// Whether the router does its work, in one word and in detail.
package struct HealthBody: Sendable, Equatable, JSONWritable {
    /// `ok` and `degraded` are ready.
    package enum Status: String, CaseIterable, Sendable { case ok, degraded, failing }
    /// `fail` means that the router is not ready.
    package enum CheckStatus: String, CaseIterable, Sendable { case ok, warn, fail }

    /// One thing that was looked at.
    package struct Check: Sendable, Equatable, JSONWritable {
        /// Stable token such as `node_certificate`.
        package var name: String
        package var status: CheckStatus
        package var detail: String?

        package init(name: String, status: CheckStatus, detail: String? = nil) {
            self.name = name
            self.status = status
            self.detail = detail
        }

        package var json: JSONValue {
            .object(["name": name.json, "status": status.rawValue.json, "detail": detail.json])
        }
    }

    package var checks: [Check]

    package init(checks: [Check]) { self.checks = checks }

    /// The worst of the checks.
    package var status: Status {
        if checks.contains(where: { $0.status == .fail }) { return .failing }
        return checks.contains { $0.status == .warn } ? .degraded : .ok
    }

    package var json: JSONValue { .object(["status": status.rawValue.json, "checks": checks.json]) }
}

/// GET /v1/status.
package struct StatusBody: Sendable, Equatable, JSONWritable {
    /// Peers by state; `inbound` are those that no configuration names.
    package struct Peers: Sendable, Equatable {
        package var configured = 0
        package var up = 0
        package var down = 0
        package var inbound = 0
        package init() {}
    }
    /// Sizes of the table.
    package struct Routes: Sendable, Equatable {
        package var prefixes = 0
        package var candidates = 0
        package var selected = 0
        package var rejected = 0
        package var local = 0
        package init() {}
    }
    /// Where the API listens, and the strongest role that can come in there.
    package struct Listener: Sendable, Equatable, JSONWritable {
        package var address: String
        package var isTLS: Bool
        package var maximumRole: Role

        package init(address: String, isTLS: Bool, maximumRole: Role) {
            self.address = address
            self.isTLS = isTLS
            self.maximumRole = maximumRole
        }

        package var json: JSONValue {
            .object(["address": address.json, "tls": isTLS.json, "max_role": maximumRole.rawValue.json])
        }
    }

    package var version: String
    package var commit: String
    package var id: NodeID
    package var name: String
    package var domain: String
    package var protocolVersions: [Int]
    package var bootID: String
    package var startedAt: Timestamp
    package var time: Timestamp
    package var uptimeSeconds: Int64
    package var listenAddress: String
    package var peers = Peers()
    package var routes = Routes()
    package var distributedConfig: DistributedConfigIDBody?
    package var config: ConfigStatusBody
    package var certificateNotAfter: Timestamp
    package var health: HealthBody
    package var listeners: [Listener] = []
    package var residentBytes: UInt64 = 0
    package var openDescriptors: Int = 0
    package var maximumDescriptors: Int = 0

    package init(
        version: String, commit: String, id: NodeID, name: String, domain: String, protocolVersions: [Int],
        bootID: String, startedAt: Timestamp, time: Timestamp, uptimeSeconds: Int64, listenAddress: String,
        config: ConfigStatusBody, certificateNotAfter: Timestamp, health: HealthBody
    ) {
        self.version = version
        self.commit = commit
        self.id = id
        self.name = name
        self.domain = domain
        self.protocolVersions = protocolVersions
        self.bootID = bootID
        self.startedAt = startedAt
        self.time = time
        self.uptimeSeconds = uptimeSeconds
        self.listenAddress = listenAddress
        self.config = config
        self.certificateNotAfter = certificateNotAfter
        self.health = health
    }

    /// The version of the API itself: additive within 1.
    package static let apiVersion = "1.0"

    package var json: JSONValue {
        .object([
            "api_version": Self.apiVersion.json, "version": version.json, "commit": commit.json,
            "node": .object(["id": id.json, "name": name.json, "domain": domain.json]),
            "protocol_versions": protocolVersions.json, "boot_id": bootID.json, "started_at": startedAt.json,
            "time": time.json, "uptime_seconds": uptimeSeconds.json, "listen_addr": listenAddress.json,
            "peers": .object([
                "configured": peers.configured.json, "up": peers.up.json, "down": peers.down.json,
                "inbound": peers.inbound.json,
            ]),
            "routes": .object([
                "prefixes": routes.prefixes.json, "candidates": routes.candidates.json,
                "selected": routes.selected.json, "rejected": routes.rejected.json, "local": routes.local.json,
            ]),
            "distributed_config": distributedConfig.json, "config": config.json,
            "node_certificate_not_after": certificateNotAfter.json, "health": health.json,
            "api_listeners": listeners.json,
            "process": .object([
                "resident_bytes": residentBytes.json, "open_fds": openDescriptors.json,
                "max_fds": maximumDescriptors.json,
            ]),
        ])
    }
}

/// GET /v1/whoami.
package struct WhoAmIBody: Sendable, Equatable, JSONWritable {
    package var role: Role
    /// `unix`, `bearer` or `mtls`.
    package var method: String
    package var subject: String
    package var expiresAt: Timestamp?

    package init(role: Role, method: String, subject: String, expiresAt: Timestamp?) {
        self.role = role
        self.method = method
        self.subject = subject
        self.expiresAt = expiresAt
    }

    package var json: JSONValue {
        .object([
            "role": role.rawValue.json, "method": method.json, "subject": subject.json,
            "expires_at": expiresAt.json,
        ])
    }
}
