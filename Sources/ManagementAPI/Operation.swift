// The operations of the management API, one case each. The raw value is openapi.yaml's operationId; a test compares
// this table with that file both ways. The daemon routes by it, `vmesh` builds its requests from it.

/// One operation of openapi.yaml.
package enum Operation: String, CaseIterable, Sendable {
    case getLiveness, getReadiness, getMetrics, getOpenapi, getProblemDoc
    case getStatus, getWhoami
    case listPeers, getPeer, resetPeer
    case listRoutes, lookupRoute, getRoute, listFib
    case listVifs, getVif
    case getConfig, getConfigStatus, reloadConfig
    case listPeerConfigs, getPeerConfig, putPeerConfig, patchPeerConfig, deletePeerConfig
    case listAnnouncements, getAnnouncement, putAnnouncement, deleteAnnouncement
    case listCertificates, getCertificate, addExternalPeerCertificate, removeExternalPeerCertificate
    case getDistributedConfig, uploadDistributedConfig, downloadDistributedConfig, listDistributedConfigPeers
    case checkPolicy
    case listTokens, createToken, deleteToken

    /// HTTP methods; HEAD goes with GET, OPTIONS with all.
    package enum Method: String, CaseIterable, Sendable {
        case get = "GET"
        case put = "PUT"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    /// What a request's body must be.
    package enum RequestBody: Sendable, Equatable {
        case none
        case json
        /// RFC 7396.
        case mergePatch
        /// JSON `{certificate_pem}` or the PEM itself.
        case certificate
        case octets

        /// The media types that are taken; empty: a body is refused.
        package var mediaTypes: [String] {
            switch self {
            case .none: []
            case .json: ["application/json"]
            case .mergePatch: ["application/merge-patch+json"]
            case .certificate: ["application/json", "application/x-pem-file"]
            case .octets: ["application/octet-stream"]
            }
        }

        /// Bytes; more is 413.
        package var maximumBytes: Int {
            switch self {
            case .none: 0
            case .json, .mergePatch: 1 << 20
            case .certificate: 64 << 10
            // It must travel in one v1 message of at most 4 MiB.
            case .octets: (4 << 20) - (64 << 10)
            }
        }
    }

    package var method: Method { row.method }
    /// The path with `{parameters}`, as in openapi.yaml.
    package var path: String { row.path }
    /// The weakest role that may call it; nil: free.
    package var role: Role? { row.role }
    /// Names of the query parameters that it takes.
    package var query: [String] { row.query }
    package var requestBody: RequestBody { row.body }
    /// Media types that a success may have, the default first; empty: success has no body.
    package var responseTypes: [String] { row.answers }
    /// True for everything that changes something or may: these are audited.
    package var isWrite: Bool { method != .get }
    /// The release in which the operation appeared, `x-vmesh-stage`.
    package var stage: String { "v1" }

    /// One line of the table; the functions are the three kinds of operation by whom they are for.
    private struct Row {
        var method: Method
        var path: String
        var role: Role?
        var query: [String] = []
        var body = RequestBody.none
        var answers = ["application/json"]

        static func free(_ path: String, answers: [String] = ["application/json"]) -> Row {
            Row(method: .get, path: path, role: nil, answers: answers)
        }

        static func read(_ path: String, query: [String] = [], answers: [String] = ["application/json"]) -> Row {
            Row(method: .get, path: path, role: .read, query: query, answers: answers)
        }

        static func write(
            _ method: Method, _ path: String, query: [String] = [], body: RequestBody = .none,
            answers: [String] = ["application/json"]
        ) -> Row {
            Row(method: method, path: path, role: .admin, query: query, body: body, answers: answers)
        }
    }

    private static let paging = ["limit", "cursor"]
    private static let writing = ["dry_run", "persist"]
    private static let onePeer = "/v1/config/peers/{name}"
    private static let oneAnnouncement = "/v1/config/announcements/{address}/{prefix_length}"
    private static let externalPeers = "/v1/certificates/external-peers"
    private static let policy = "/v1/distributed-config"

    private var row: Row {
        switch self {
        case .getLiveness: .free("/healthz")
        case .getReadiness: .free("/readyz")
        case .getMetrics: Row(method: .get, path: "/metrics", role: .metrics, answers: ["text/plain"])
        case .getOpenapi: .free("/openapi.yaml", answers: ["application/yaml"])
        case .getProblemDoc: .free("/problems/{code}", answers: ["text/plain"])
        case .getStatus: .read("/v1/status")
        case .getWhoami: .read("/v1/whoami")
        case .listPeers: .read("/v1/peers", query: Self.paging + ["status", "q"])
        case .getPeer: .read("/v1/peers/{peer}")
        case .resetPeer: .write(.post, "/v1/peers/{peer}/reset", body: .json)
        case .listRoutes:
            .read("/v1/routes", query: Self.paging + ["within", "covers", "peer", "source", "selected_only"])
        case .lookupRoute: .read("/v1/routes/lookup", query: ["address"])
        case .getRoute: .read("/v1/routes/{address}/{prefix_length}")
        case .listFib: .read("/v1/fib", query: Self.paging)
        case .listVifs: .read("/v1/vifs", query: Self.paging)
        case .getVif: .read("/v1/vifs/{name}")
        case .getConfig: .read("/v1/config", query: ["source"])
        case .getConfigStatus: .read("/v1/config/status")
        case .reloadConfig: .write(.post, "/v1/config/reload", query: ["dry_run"])
        case .listPeerConfigs: .read("/v1/config/peers")
        case .getPeerConfig: .read(Self.onePeer)
        case .putPeerConfig: .write(.put, Self.onePeer, query: Self.writing, body: .json)
        case .patchPeerConfig: .write(.patch, Self.onePeer, query: Self.writing, body: .mergePatch)
        case .deletePeerConfig: .write(.delete, Self.onePeer, query: Self.writing)
        case .listAnnouncements: .read("/v1/config/announcements")
        case .getAnnouncement: .read(Self.oneAnnouncement)
        case .putAnnouncement: .write(.put, Self.oneAnnouncement, query: Self.writing, body: .json)
        case .deleteAnnouncement: .write(.delete, Self.oneAnnouncement, query: Self.writing)
        case .listCertificates: .read("/v1/certificates", query: Self.paging + ["role", "expires_within_seconds"])
        case .getCertificate:
            .read("/v1/certificates/{id}", answers: ["application/json", "application/x-pem-file"])
        case .addExternalPeerCertificate:
            .write(.post, Self.externalPeers, query: Self.writing, body: .certificate)
        case .removeExternalPeerCertificate:
            .write(.delete, Self.externalPeers + "/{id}", query: Self.writing + ["force"])
        case .getDistributedConfig: .read(Self.policy)
        case .uploadDistributedConfig: .write(.put, Self.policy, query: ["dry_run"], body: .octets)
        case .downloadDistributedConfig: .read(Self.policy + "/blob", answers: ["application/octet-stream"])
        case .listDistributedConfigPeers: .read(Self.policy + "/peers", query: Self.paging)
        case .checkPolicy: .read(Self.policy + "/check", query: ["node", "prefix"])
        case .listTokens: Row(method: .get, path: "/v1/tokens", role: .admin)
        case .createToken: .write(.post, "/v1/tokens", body: .json)
        case .deleteToken: .write(.delete, "/v1/tokens/{token_name}", answers: [])
        }
    }
}
