// Every way in which the API says no. The code is the stable key of RFC 9457's problem document, the last segment
// of its `type`, and the name of the page that explains it (GET /problems/{code}).

/// A closed list; append only.
package enum ProblemCode: String, CaseIterable, Sendable {
    case badRequest = "bad-request"
    case malformedJSON = "malformed-json"
    case unknownParameter = "unknown-parameter"
    case validationFailed = "validation-failed"
    case unauthorized = "unauthorized"
    case forbidden = "forbidden"
    case hostNotAllowed = "host-not-allowed"
    case originNotAllowed = "origin-not-allowed"
    case notFound = "not-found"
    case peerNotFound = "peer-not-found"
    case routeNotFound = "route-not-found"
    case noDistributedConfig = "no-distributed-config"
    case noPendingChange = "no-pending-change"
    case methodNotAllowed = "method-not-allowed"
    case notAcceptable = "not-acceptable"
    case unsupportedMediaType = "unsupported-media-type"
    case payloadTooLarge = "payload-too-large"
    case confirmPending = "confirm-pending"
    case wrongConfirmID = "wrong-confirm-id"
    case configFileChanged = "config-file-changed"
    case persistUnavailable = "persist-unavailable"
    case privilegesDropped = "privileges-dropped"
    case inUse = "in-use"
    case lastCA = "last-ca"
    case nameChange = "name-change"
    case keyMismatch = "key-mismatch"
    case chainInvalid = "chain-invalid"
    case distributedConfigInvalid = "distributed-config-invalid"
    case distributedConfigNotNewer = "distributed-config-not-newer"
    case exists
    case preconditionFailed = "precondition-failed"
    case preconditionRequired = "precondition-required"
    case tooManyRequests = "too-many-requests"
    case tooManyStreams = "too-many-streams"
    case starting
    case stopping
    case probeTimeout = "probe-timeout"
    case `internal`

    /// The HTTP status that goes with the code (RFC 9110 section 15).
    package var status: Int {
        switch self {
        case .badRequest, .malformedJSON, .unknownParameter: 400
        case .unauthorized: 401
        case .forbidden, .hostNotAllowed, .originNotAllowed: 403
        case .notFound, .peerNotFound, .routeNotFound, .noDistributedConfig, .noPendingChange: 404
        case .methodNotAllowed: 405
        case .notAcceptable: 406
        case .confirmPending, .wrongConfirmID, .configFileChanged, .persistUnavailable, .privilegesDropped, .inUse,
            .lastCA, .nameChange, .distributedConfigNotNewer, .exists:
            409
        case .preconditionFailed: 412
        case .payloadTooLarge: 413
        case .unsupportedMediaType: 415
        case .validationFailed, .keyMismatch, .chainInvalid, .distributedConfigInvalid: 422
        case .preconditionRequired: 428
        case .tooManyRequests: 429
        case .internal: 500
        case .tooManyStreams, .starting, .stopping: 503
        case .probeTimeout: 504
        }
    }

    /// One line, the same for every occurrence (RFC 9457 section 3.1.3).
    package var title: String { words.title }

    /// What it means and what to do: the body of GET /problems/{code}.
    package var explanation: String { words.explanation }
}
