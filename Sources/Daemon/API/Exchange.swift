// One request on its way through the service, and the end of that way: headers, audit, statistics, log.

import HTTP
import JSON
import ManagementAPI

/// What is known of a request so far.
final class Exchange {
    let request: HTTPRequest
    let connection: APIConnection
    let startedAt: UInt64
    let requestID: String
    var operation: Operation?
    var principal: Principal?
    var call: APICall?
    var isQueryKnown = false
    var isRefusedAuthentication = false
    var revisionBefore: UInt64?
    private var respond: ((HTTPResponse) -> Void)?

    init(
        request: HTTPRequest, connection: APIConnection, startedAt: UInt64, requestID: String,
        respond: @escaping (HTTPResponse) -> Void
    ) {
        self.request = request
        self.connection = connection
        self.startedAt = startedAt
        self.requestID = requestID
        self.respond = respond
    }

    /// True until the answer is out; a second answer is dropped.
    var isOpen: Bool { respond != nil }

    func answer(_ response: HTTPResponse) {
        let respond = self.respond
        self.respond = nil
        respond?(response)
    }
}

extension APIService {
    /// Sends the outcome, and records it.
    func finish(_ exchange: Exchange, _ outcome: Outcome) {
        guard exchange.isOpen else { return }
        var answer: Answer?
        var problem: Problem?
        do throws(Problem) {
            answer = try conditional(try outcome.get(), exchange)
        } catch {
            problem = error
        }
        let response = answer.map { success($0, exchange) } ?? failure(problem ?? Problem(.internal), exchange)
        record(exchange, answer: answer, status: response.status)
        exchange.answer(response)
    }

    /// 304 where the client has it already.
    private func conditional(_ answer: Answer, _ exchange: Exchange) throws(Problem) -> Answer {
        guard let etag = answer.etag, exchange.operation?.method == .get, answer.status == 200,
            try Preconditions.isNotModified(exchange.request.headers, current: etag)
        else { return answer }
        return Answer(status: 304, body: .none, etag: etag)
    }

    private func success(_ answer: Answer, _ exchange: Exchange) -> HTTPResponse {
        var headers = AnswerHeaders.common(requestID: exchange.requestID)
        if let etag = answer.etag { headers.append("etag", etag) }
        switch answer.body {
        case .none:
            return HTTPResponse(status: answer.status, headers: headers)
        case .json(let value):
            headers.append("content-type", "application/json")
            return HTTPResponse(status: answer.status, headers: headers, body: value.serialized())
        case .bytes(let bytes, let type):
            headers.append("content-type", type)
            if (exchange.operation?.responseTypes.count ?? 0) > 1 { headers.append("vary", "accept") }
            return HTTPResponse(status: answer.status, headers: headers, body: bytes)
        }
    }

    private func failure(_ problem: Problem, _ exchange: Exchange) -> HTTPResponse {
        var headers = AnswerHeaders.common(requestID: exchange.requestID)
        headers.append("content-type", "application/problem+json")
        if problem.code == .unauthorized { headers.append("www-authenticate", "Bearer realm=\"vmesh\"") }
        if !problem.allow.isEmpty { headers.append("allow", problem.allow.joined(separator: ", ")) }
        if let seconds = problem.retryAfterSeconds { headers.append("retry-after", String(seconds)) }
        if let etag = problem.currentETag { headers.append("etag", etag) }
        if problem.code == .unsupportedMediaType, exchange.operation?.method == .patch {
            // RFC 5789 section 3.1.
            headers.append("accept-patch", problem.acceptedMediaTypes.joined(separator: ", "))
        }
        let body = problem.json(instance: exchange.request.path, requestID: exchange.requestID)
        return HTTPResponse(status: problem.code.status, headers: headers, body: body.serialized())
    }

    private func record(_ exchange: Exchange, answer: Answer?, status: Int) {
        let now = environment.monotonicMilliseconds()
        let duration = now >= exchange.startedAt ? now - exchange.startedAt : 0
        let actor = exchange.principal?.actor ?? exchange.connection.source
        statistics.record(exchange.operation, status: status, milliseconds: duration)
        environment.log(
            RequestLogLine(
                requestID: exchange.requestID, method: exchange.request.method, path: exchange.request.path,
                status: status, actor: actor, durationMilliseconds: duration))
        let isWrite = exchange.operation?.isWrite ?? false
        guard isWrite || exchange.isRefusedAuthentication else { return }
        let body = exchange.request.body
        environment.audit(
            AuditRecord(
                time: environment.now(), requestID: exchange.requestID, actor: actor,
                role: exchange.principal?.role, listener: exchange.connection.listener,
                method: exchange.request.method, path: exchange.request.path,
                query: exchange.isQueryKnown ? exchange.request.query : nil, status: status,
                isChanged: answer?.isChanged ?? false, revisionBefore: exchange.revisionBefore,
                revisionAfter: exchange.revisionBefore == nil ? nil : router.configStatus().revision,
                pointers: answer?.pointers ?? [],
                bodySHA256: body.isEmpty ? nil : Hex.text(environment.sha256(body)), durationMilliseconds: duration))
    }
}
