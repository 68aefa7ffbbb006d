// What the management API asks of the router: the wall between handlers and the control loop.
//
// Everything happens on the control loop's thread. Reads answer at once with plain values that nobody changes
// afterwards. Writes answer through a completion, on the same thread, now or later: it is called exactly once, when
// the change is in force (or was refused), within 10 seconds. The service never starts a second write before the
// first has answered, so the router sees one at a time; a reload by signal may still come between, therefore every
// change names the revision it was made from.
//
// A refusal is a `Problem`; the service adds the request's id and path. Details never hold keys or tokens.

import JSON
import ManagementAPI
import Routing

/// Which peer is meant in a path or a query.
package enum PeerSelector: Sendable, Equatable {
    case id(NodeID)
    /// Compared without case.
    case name(String)
}

/// Which routes are asked for; nil members do not restrict.
package struct RouteQuery: Sendable, Equatable {
    /// Only prefixes inside this one (itself included).
    package var within: Prefix?
    /// Only prefixes that contain this address.
    package var covers: IPv6Address?
    /// Only routes with a candidate of this peer.
    package var peer: PeerSelector?
    /// Only routes with a candidate of this source.
    package var source: CandidateBody.Source?
    /// Only routes with a selected candidate, and of each only that one.
    package var isSelectedOnly = false

    package init() {}
}

/// How a write is meant.
package struct WriteOptions: Sendable, Equatable {
    /// Everything up to the commit, and the same answer.
    package var isDryRun: Bool
    /// Overrides the node's `api.persist` for this call: true = must be written (409 `persist-unavailable` else),
    /// false = running only. Nil: as configured.
    package var persist: Bool?
    /// Who asks, for `changed_by`: `uid 1000`, `token ansible`.
    package var actor: String

    package init(isDryRun: Bool, persist: Bool?, actor: String) {
        self.isDryRun = isDryRun
        self.persist = persist
        self.actor = actor
    }
}

/// A checked change of the running configuration.
package struct ConfigChange: Sendable, Equatable {
    /// The revision that `proposed` was made from. If it is no longer the running one the router answers
    /// `staleConfigChange`, and the service makes the change again from the new one.
    package var baseRevision: UInt64
    /// The whole configuration wanted; valid in itself (references between its parts included).
    package var proposed: NodeConfig
    /// The differences, never empty: what changes nothing is answered without asking the router.
    package var changes: [ChangeBody]

    package init(baseRevision: UInt64, proposed: NodeConfig, changes: [ChangeBody]) {
        self.baseRevision = baseRevision
        self.proposed = proposed
        self.changes = changes
    }
}

/// Why a change was not made.
package enum WriteFailure: Error, Sendable, Equatable {
    /// `baseRevision` is not the running one; nothing was done.
    case staleConfigChange
    /// Refused, and undone if it had begun.
    case refused(Problem)
}

/// POST /v1/peers/{peer}/reset.
package enum PeerResetMode: String, CaseIterable, Sendable {
    /// Close the session and dial again.
    case hard
    /// Judge the retained announcements again and announce again; the session stays.
    case soft
}

package typealias ApplyCompletion = (Result<ApplyResultBody, WriteFailure>) -> Void

/// The router as the management API sees it. Implemented by the control loop.
package protocol ManagedRouter: AnyObject {
    // MARK: State

    /// True while the event loop turned within the last 5 s; the rest of /healthz is silence.
    var isAlive: Bool { get }
    /// `ok` or `degraded` = ready. `starting` and `stopping` are failing checks.
    func readiness() -> HealthBody
    /// Set from SIGTERM on: reads still answer, writes get 503 `stopping`.
    var isStopping: Bool { get }
    func status() -> StatusBody
    /// `<boot>-<seq>`: the point from which a list's reader would watch.
    var eventID: String { get }

    /// All peers, configured and seen; at most a few thousand. Any order.
    func peers() -> [PeerBody]
    /// A configured name wins over a certificate's name.
    func peer(_ selector: PeerSelector) -> PeerBody?
    /// At most `limit` routes in prefix order, strictly after `after`.
    func routes(_ query: RouteQuery, after: Prefix?, limit: Int) -> [RouteBody]
    func route(_ prefix: Prefix) -> RouteBody?
    func lookup(_ address: IPv6Address) -> LookupBody
    /// At most `limit` entries in prefix order, strictly after `after`.
    func forwardingTable(after: Prefix?, limit: Int) -> [FIBEntryBody]
    func vifs() -> [VifBody]
    /// Node, CAs, external peers, API; any order.
    func certificates() -> [CertificateBody]
    /// What the bodies above do not hold, for /metrics; see MetricsSnapshot.
    func metrics() -> MetricsSnapshot

    // MARK: Distributed config

    func distributedConfig() -> DistributedConfigBody?
    /// The signed bytes in force, as `vnconfigsign` wrote them.
    func distributedConfigBlob() -> [UInt8]?
    func distributedConfigPeers() -> [DistributedConfigPeerBody]
    func checkPolicy(node: String, prefix: Prefix) -> PolicyCheckBody
    /// Verifies and, unless `isDryRun`, adopts. Equal to the one in force: a plan with `isChanged` false. Refusals:
    /// `distributed-config-invalid` with `reason`, `distributed-config-not-newer`.
    func uploadDistributedConfig(
        _ bytes: [UInt8], options: WriteOptions,
        completion: @escaping (Result<DistributedConfigPlanBody, Problem>) -> Void)

    // MARK: Configuration

    /// The running configuration; `configStatus().revision` is its revision.
    var runningConfig: NodeConfig { get }
    func configStatus() -> ConfigStatusBody
    /// The file as it is on disk now; broken: `validation-failed` or `malformed-json`; none: `not-found`.
    func fileConfig() -> Result<NodeConfig, Problem>
    /// The running configuration with every default filled in.
    var effectiveConfig: NodeConfig { get }
    func apply(_ change: ConfigChange, options: WriteOptions, completion: @escaping ApplyCompletion)
    /// Loads the file again (SIGHUP does the same).
    func reloadConfig(options: WriteOptions, completion: @escaping ApplyCompletion)

    // MARK: Actions

    /// The peer as it is once the reset has begun.
    func resetPeer(
        _ selector: PeerSelector, mode: PeerResetMode, reason: String?, options: WriteOptions,
        completion: @escaping (Result<PeerBody, Problem>) -> Void)
    /// Parses (one certificate, ≤ 64 KiB), stores beside the configuration and pins. Already pinned: `isChanged`
    /// false. The string is the certificate's id.
    func addExternalCertificate(
        pem: [UInt8], options: WriteOptions, completion: @escaping (Result<(ApplyResultBody, String), Problem>) -> Void)
    /// `id`: 64 lower-case hex digits. A live session hangs on it: 409 `in-use` unless `force`.
    func removeExternalCertificate(
        id: String, force: Bool, options: WriteOptions, completion: @escaping (Result<ApplyResultBody, Problem>) -> Void
    )
}
