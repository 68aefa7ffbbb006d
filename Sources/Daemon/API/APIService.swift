// The management API without its transport: a request and who sent it in, an answer out.
//
// The order of the checks is the order of what they may reveal: where the request comes from (a web page?), whether
// there is such an operation (openapi.yaml is public), who calls, and only then what the request says. Handlers stand
// in Handlers/, one file a resource; they see a checked `APICall` and answer an `Answer` or throw a `Problem`.
// Writes go through one queue. Everything runs on the control loop's thread.

import HTTP
import JSON
import ManagementAPI

/// The service. One per daemon; it lives as long as the router does.
package final class APIService {
    typealias Outcome = Result<Answer, Problem>

    let router: any ManagedRouter
    let tokens: any TokenStore
    let environment: APIEnvironment
    /// May be replaced when the configuration changes.
    package var settings: APISettings
    var statistics = APIStatistics()
    let writes = WriteQueue()
    /// Of the revision that was asked for last.
    var knownConfigETag: (revision: UInt64, text: String)?

    private static let smallBody = 64 << 10

    /// The document never changes while the process lives.
    private(set) lazy var openapiETag: String = {
        let digest = environment.sha256(Array(OpenAPIDocument.text.utf8))
        return "\"\(Hex.text(digest.prefix(8)))\""
    }()
    private let table = RouteTable()
    private var authenticator: Authenticator

    package init(
        router: any ManagedRouter, tokens: any TokenStore, environment: APIEnvironment,
        settings: APISettings = APISettings()
    ) {
        self.router = router
        self.tokens = tokens
        self.environment = environment
        self.settings = settings
        authenticator = Authenticator(tokens: tokens, sha256: environment.sha256)
    }

    /// Answers a whole request. `respond` is called once, now or when a write is done. For HEAD the body is given too;
    /// the transport sends its length only.
    package func handle(
        _ request: HTTPRequest, from connection: APIConnection, respond: @escaping (HTTPResponse) -> Void
    ) {
        let exchange = Exchange(
            request: request, connection: connection, startedAt: environment.monotonicMilliseconds(),
            requestID: RequestID.make(now: environment.now(), random: environment.random), respond: respond)
        do throws(Problem) {
            guard let call = try admit(exchange) else { return }
            exchange.call = call
            exchange.revisionBefore = call.operation.isWrite ? router.configStatus().revision : nil
            perform(call) { [self] outcome in finish(exchange, outcome) }
        } catch {
            finish(exchange, .failure(error))
        }
    }

    /// The bound on the body of the request with this head, for the transport to refuse more before reading it. What
    /// takes no body may still bring a small one: the answer is then the one that the request deserves (404, 405 or
    /// 400), not 413.
    package func bodyLimit(for head: HTTPRequest) -> Int {
        guard let segments = try? PercentCoding.pathSegments(head.path), let match = table.match(segments),
            let operation = match.operations.first(where: { $0.method.rawValue == head.method })
        else { return Self.smallBody }
        return max(operation.requestBody.maximumBytes, Self.smallBody)
    }

    /// The body of an error answer that the transport makes by itself (smuggling, slow heads, limits).
    package func transportProblem(status: Int, detail: String) -> [UInt8] {
        let code: ProblemCode =
            switch status {
            case 413: .payloadTooLarge
            case 429: .tooManyRequests
            case 503: .tooManyStreams
            case 500: .internal
            default: .badRequest
            }
        let id = RequestID.make(now: environment.now(), random: environment.random)
        var object = Problem(code, detail).json(instance: "", requestID: id).objectValue ?? JSONObject()
        // 408, 431 and 501 have no code of their own; the status line is what counts.
        object["status"] = status.json
        object["instance"] = nil
        return JSONValue.object(object).serialized()
    }

    // MARK: Checks

    /// The call, or nil if the request is answered already (OPTIONS).
    private func admit(_ exchange: Exchange) throws(Problem) -> APICall? {
        let request = exchange.request
        if let problem = OriginCheck.flaw(request, from: exchange.connection, settings: settings) {
            statistics.authFailures[problem.code.rawValue, default: 0] += 1
            exchange.isRefusedAuthentication = true
            throw problem
        }
        if request.method == "OPTIONS", request.path == "*" {
            finishOptions(exchange, allow: Operation.Method.allCases.map(\.rawValue) + ["HEAD", "OPTIONS"])
            return nil
        }
        let match = try self.match(request)
        if request.method == "OPTIONS" {
            finishOptions(exchange, allow: match.allow)
            return nil
        }
        let method = request.method == "HEAD" ? "GET" : request.method
        guard let operation = match.operations.first(where: { $0.method.rawValue == method }) else {
            throw Problem(
                .methodNotAllowed, "this path takes \(match.allow.joined(separator: ", "))", allow: match.allow)
        }
        exchange.operation = operation
        try authenticate(exchange, for: operation)
        guard
            let type = operation.responseTypes.isEmpty
                ? "" : Negotiation.choose(request.headers.all("accept"), among: operation.responseTypes)
        else {
            throw Problem(.notAcceptable, "this operation answers \(operation.responseTypes.joined(separator: ", "))")
        }
        let query = try self.query(request, of: operation)
        exchange.isQueryKnown = true
        let bodyType = try self.bodyType(request, of: operation)
        if operation.isWrite, router.isStopping { throw Problem(.stopping, retryAfterSeconds: 5) }
        return APICall(
            operation: operation, request: request, principal: exchange.principal, path: match.parameters, query: query,
            answerType: type, bodyType: bodyType)
    }

    private func match(_ request: HTTPRequest) throws(Problem) -> RouteTable.Match {
        let segments: [String]
        do throws(PercentCodingError) {
            segments = try PercentCoding.pathSegments(request.path)
        } catch {
            if error == .nul { throw Problem(.notFound) }
            throw .parameter("path", code: "bad_encoding", "is not percent-encoded UTF-8")
        }
        guard let match = table.match(segments) else { throw Problem(.notFound) }
        return match
    }

    private func authenticate(_ exchange: Exchange, for operation: Operation) throws(Problem) {
        guard let needed = operation.role, !(operation == .getMetrics && settings.isMetricsPublic) else { return }
        let outcome = authenticator.authenticate(
            exchange.request, from: exchange.connection, settings: settings, now: environment.now(),
            monotonicMilliseconds: environment.monotonicMilliseconds())
        switch outcome {
        case .refused(let problem, let reason):
            statistics.authFailures[reason.rawValue, default: 0] += 1
            exchange.isRefusedAuthentication = true
            throw problem
        case .known(let principal):
            exchange.principal = principal
            guard principal.role.permits(needed) else {
                statistics.authFailures["role", default: 0] += 1
                exchange.isRefusedAuthentication = true
                throw Problem(
                    .forbidden, "role \(principal.role.rawValue) may not do this; \(needed.rawValue) is needed")
            }
        }
    }

    private func query(_ request: HTTPRequest, of operation: Operation) throws(Problem) -> [String: String] {
        let parameters: [PercentCoding.Parameter]
        do throws(PercentCodingError) {
            parameters = try PercentCoding.queryParameters(request.query)
        } catch {
            throw .parameter("query", code: "bad_encoding", "is not percent-encoded UTF-8")
        }
        var query: [String: String] = [:]
        for parameter in parameters {
            // The name comes from outside and may be a secret at the wrong place: it is not repeated.
            guard operation.query.contains(parameter.name) else {
                let known = operation.query.isEmpty ? "none" : operation.query.joined(separator: ", ")
                throw Problem(.unknownParameter, "the query holds an unknown parameter; this operation takes: \(known)")
            }
            guard query.updateValue(parameter.value ?? "", forKey: parameter.name) == nil else {
                throw .parameter(parameter.name, code: "repeated", "stands more than once", as: .unknownParameter)
            }
        }
        return query
    }

    private func bodyType(_ request: HTTPRequest, of operation: Operation) throws(Problem) -> String? {
        let accepted = operation.requestBody.mediaTypes
        guard !accepted.isEmpty else {
            guard request.body.isEmpty else { throw Problem(.badRequest, "this operation takes no body") }
            return nil
        }
        guard request.body.count <= operation.requestBody.maximumBytes else {
            throw Problem(.payloadTooLarge, "at most \(operation.requestBody.maximumBytes) bytes are taken")
        }
        let fields = request.headers.all("content-type")
        let media = fields.count == 1 ? fields.first.flatMap(MediaType.init(parsing:)) : nil
        let charset = media?.parameter("charset").map(HTTPHeaders.lowercased) ?? "utf-8"
        guard let essence = media?.essence, accepted.contains(essence), charset == "utf-8" else {
            throw Problem(
                .unsupportedMediaType, "the body must be \(accepted.joined(separator: " or "))",
                acceptedMediaTypes: accepted)
        }
        if !request.headers.all("content-encoding").isEmpty {
            throw Problem(.unsupportedMediaType, "a compressed body is not taken", acceptedMediaTypes: accepted)
        }
        return essence
    }

    private func finishOptions(_ exchange: Exchange, allow: [String]) {
        var headers = AnswerHeaders.common(requestID: exchange.requestID)
        headers.append("allow", allow.joined(separator: ", "))
        exchange.answer(HTTPResponse(status: 204, headers: headers))
    }
}
