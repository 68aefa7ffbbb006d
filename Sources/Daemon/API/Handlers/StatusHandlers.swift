// Health, the API's own documents, status: what stands outside the resources.

import ManagementAPI

extension APIService {
    /// Alive or not, and nothing else: this one is free.
    func getLiveness() -> Answer {
        let isAlive = router.isAlive
        return .json(.object(["status": isAlive ? "ok" : "failing"]), status: isAlive ? 200 : 503)
    }

    /// 200 also when degraded: a missing peer is no reason to take a router out of service.
    func getReadiness() -> Answer {
        let health = router.readiness()
        return .json(health.json, status: health.status == .failing ? 503 : 200)
    }

    func getMetrics() -> Answer {
        .text(metricsText(), type: "text/plain; version=0.0.4; charset=utf-8")
    }

    func getOpenapi() -> Answer {
        let text = OpenAPIDocument.text
        let etag = openapiETag
        return .text(text, type: "application/yaml", etag: etag)
    }

    func getProblemDoc(_ call: APICall) throws(Problem) -> Answer {
        guard let code = ProblemCode(rawValue: try call.pathText("code")) else {
            throw Problem(.notFound, "there is no such problem code")
        }
        let text = "\(code.rawValue) (HTTP \(code.status))\n\(code.title)\n\n\(code.explanation)\n"
        return .text(text, type: "text/plain; charset=utf-8")
    }

    func getStatus() -> Answer {
        var status = router.status()
        status.config.etag = configETag(revision: status.config.revision)
        return .json(status.json)
    }

    func getWhoami(_ call: APICall) throws(Problem) -> Answer {
        guard let principal = call.principal else { throw Problem(.unauthorized) }
        let body = WhoAmIBody(
            role: principal.role, method: principal.method.rawValue, subject: principal.subject,
            expiresAt: principal.expiresAt)
        return .json(body.json)
    }
}
