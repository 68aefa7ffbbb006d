// What the API service takes from outside: time, randomness, digests, and where its records go. All injected, so that
// a test decides what time it is and what the next request's id will be.

import ManagementAPI

/// The service's surroundings. All closures are called on the control loop's thread.
package struct APIEnvironment {
    /// Wall clock.
    package var now: () -> Timestamp
    /// Milliseconds of a clock that never goes back.
    package var monotonicMilliseconds: () -> UInt64
    /// That many bytes from the system's secure generator.
    package var random: (_ count: Int) -> [UInt8]
    /// SHA-256, 32 bytes.
    package var sha256: ([UInt8]) -> [UInt8]
    /// One line per write and per refused authentication.
    package var audit: (AuditRecord) -> Void
    /// One line per request, for the log at debug level.
    package var log: (RequestLogLine) -> Void

    package init(
        now: @escaping () -> Timestamp, monotonicMilliseconds: @escaping () -> UInt64,
        random: @escaping (_ count: Int) -> [UInt8], sha256: @escaping ([UInt8]) -> [UInt8],
        audit: @escaping (AuditRecord) -> Void = { _ in }, log: @escaping (RequestLogLine) -> Void = { _ in }
    ) {
        self.now = now
        self.monotonicMilliseconds = monotonicMilliseconds
        self.random = random
        self.sha256 = sha256
        self.audit = audit
        self.log = log
    }
}

/// What of the `api` block concerns the service. May be replaced at run time.
package struct APISettings: Sendable, Equatable {
    /// Lower-case host names, without ports.
    package var allowedHosts: Set<String>
    /// Lower-case hex SHA-256 of a client certificate → who that is.
    package var clients: [String: APIConfig.Client]
    package var isMetricsPublic: Bool
    /// Per source; more are answered 429.
    package var authFailuresPerMinute: Int

    package init(
        allowedHosts: Set<String> = [], clients: [APIConfig.Client] = [], isMetricsPublic: Bool = false,
        authFailuresPerMinute: Int = 10
    ) {
        self.allowedHosts = allowedHosts
        self.clients = Dictionary(clients.map { ($0.fingerprint, $0) }, uniquingKeysWith: { first, _ in first })
        self.isMetricsPublic = isMetricsPublic
        self.authFailuresPerMinute = authFailuresPerMinute
    }

    /// From the configuration; `certificateNames` are the names of the API's own certificate.
    package init(_ config: APIConfig, certificateNames: [String] = []) {
        self.init(
            allowedHosts: Set(config.allowedHosts + certificateNames.map(Name.folded)), clients: config.clients,
            isMetricsPublic: config.isMetricsPublic, authFailuresPerMinute: config.authFailuresPerMinute)
    }
}

/// One request in the log.
package struct RequestLogLine: Sendable, Equatable {
    package var requestID: String
    package var method: String
    /// Raw path without the query.
    package var path: String
    package var status: Int
    package var actor: String
    package var durationMilliseconds: UInt64
}
