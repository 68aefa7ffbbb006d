// Who calls: the Unix listener's role, a bearer token, or a listed client certificate (api.md 2.2).
//
// A token is compared by its SHA-256 with every stored digest, in constant time (fault E2). Failures are counted per
// source: beyond a bound (ten a minute) a wrong token is answered 429 instead of 401. A right one always passes: a token has
// 256 random bits, so nothing is won by locking its owner out, and on loopback every local user shares one source.

import HTTP
import ManagementAPI

/// Decides who a request is from.
struct Authenticator {
    enum Outcome {
        case known(Principal)
        case refused(Problem, reason: Reason)
    }

    /// Label of vmesh_api_auth_failures_total.
    enum Reason: String, CaseIterable {
        case missing, malformed, unknown
        case rateLimited = "rate_limited"
    }

    let tokens: any TokenStore
    let sha256: ([UInt8]) -> [UInt8]
    var limiter = FailureLimiter()

    mutating func authenticate(
        _ request: HTTPRequest, from connection: APIConnection, settings: APISettings, now: Timestamp,
        monotonicMilliseconds: UInt64
    ) -> Outcome {
        guard case .tcp(_, _, _, let fingerprint) = connection.transport else {
            guard case .unix(let role, let uid, _) = connection.transport else {
                return .refused(Problem(.unauthorized), reason: .missing)
            }
            return .known(Principal(role: role, method: .unix, subject: "uid \(uid)", expiresAt: nil))
        }
        let fields = request.headers.all("authorization")
        guard let field = fields.first else {
            if let fingerprint, let client = settings.clients[fingerprint] {
                return .known(Principal(role: client.role, method: .mtls, subject: client.name, expiresAt: nil))
            }
            return .refused(Problem(.unauthorized, "send Authorization: Bearer TOKEN"), reason: .missing)
        }
        guard fields.count == 1, let token = Self.bearerToken(field) else {
            return .refused(
                Problem(.unauthorized, "the Authorization header is not one Bearer token"), reason: .malformed)
        }
        if let record = tokens.token(digest: sha256(token), now: now) {
            return .known(
                Principal(role: record.role, method: .bearer, subject: record.name, expiresAt: record.expiresAt))
        }
        let wait = limiter.recordFailure(
            of: connection.source, allowed: settings.authFailuresPerMinute, atMilliseconds: monotonicMilliseconds)
        if let wait {
            let problem = Problem(
                .tooManyRequests, "too many failed authentications from this address", retryAfterSeconds: wait)
            return .refused(problem, reason: .rateLimited)
        }
        return .refused(Problem(.unauthorized, "the token is unknown or expired"), reason: .unknown)
    }

    /// RFC 6750 section 2.1: `Bearer` without regard to case, one space or more, and b68token characters.
    private static func bearerToken(_ field: String) -> [UInt8]? {
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, HTTPHeaders.lowercased(String(parts[0])) == "bearer" else { return nil }
        let token = Array(HTTPHeaders.trimmed(String(parts[1])).utf8)
        guard (1...512).contains(token.count), token.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x2C }) else {
            return nil
        }
        return token
    }
}

/// Counts failed authentications per source within a minute.
struct FailureLimiter {
    /// Sources remembered at once; the oldest goes first.
    static let maximumSources = 1024
    private static let windowMilliseconds: UInt64 = 60_000

    private var windows: [String: (start: UInt64, count: Int)] = [:]

    /// Counts one failure. Seconds to wait if the source had more than `allowed` within the minute, else nil.
    mutating func recordFailure(of source: String, allowed: Int, atMilliseconds now: UInt64) -> Int? {
        var window = windows[source] ?? (now, 0)
        let age = now >= window.start ? now - window.start : 0
        if age >= Self.windowMilliseconds { window = (now, 0) }
        window.count = min(window.count, 1_000_000) + 1
        if windows[source] == nil, windows.count >= Self.maximumSources,
            let oldest = windows.min(by: { $0.value.start < $1.value.start })
        {
            windows[oldest.key] = nil
        }
        windows[source] = window
        guard window.count > allowed else { return nil }
        let left = Self.windowMilliseconds - min(now >= window.start ? now - window.start : 0, Self.windowMilliseconds)
        return max(1, Int((left + 999) / 1000))
    }
}
