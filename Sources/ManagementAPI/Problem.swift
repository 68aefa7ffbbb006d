// The body of every answer that is not a success: `application/problem+json` of RFC 9457.

import JSON

/// What went wrong with one call. Thrown by handlers, handed back by the router, written out by the service.
package struct Problem: Error, Sendable, Equatable {
    /// One wrong place in the request.
    package struct Item: Sendable, Equatable {
        /// JSON Pointer (RFC 6901) into the request body, or nil.
        package var pointer: String?
        /// Name of the query, path or header parameter, or nil.
        package var parameter: String?
        /// Stable token such as `unknown_field`.
        package var code: String
        package var detail: String

        package init(pointer: String? = nil, parameter: String? = nil, code: String, detail: String) {
            self.pointer = pointer
            self.parameter = parameter
            self.code = code
            self.detail = detail
        }
    }

    package var code: ProblemCode
    /// One sentence about this occurrence; never holds a secret.
    package var detail: String?
    package var items: [Item]
    /// `distributed-config-invalid` only: one word of api.md 2.4.
    package var reason: String?
    /// 412 only: the ETag that would have matched.
    package var currentETag: String?
    /// 429 and 503: seconds after which a repetition makes sense; also sent as Retry-After.
    package var retryAfterSeconds: Int?
    /// 405 only: the methods that the path takes; sent as Allow.
    package var allow: [String]
    /// 415 only: what the operation takes; sent as Accept-Patch (PATCH) and named in the detail.
    package var acceptedMediaTypes: [String]

    package init(
        _ code: ProblemCode, _ detail: String? = nil, items: [Item] = [], reason: String? = nil,
        currentETag: String? = nil, retryAfterSeconds: Int? = nil, allow: [String] = [],
        acceptedMediaTypes: [String] = []
    ) {
        self.code = code
        self.detail = detail
        self.items = items
        self.reason = reason
        self.currentETag = currentETag
        self.retryAfterSeconds = retryAfterSeconds
        self.allow = allow
        self.acceptedMediaTypes = acceptedMediaTypes
    }

    /// 422 from the issues that a strict reader of a body or of the configuration collected.
    package static func invalid(_ issues: [JSONIssue]) -> Problem {
        let items = issues.map { Item(pointer: $0.pointer, code: $0.code, detail: $0.detail) }
        return Problem(
            .validationFailed, items.count == 1 ? items[0].detail : "\(items.count) fields are wrong", items: items)
    }

    /// A parameter of the path, the query or a header is malformed.
    package static func parameter(
        _ name: String, code: String = "invalid_value", _ detail: String, as problem: ProblemCode = .badRequest
    ) -> Problem {
        Problem(problem, "\(name): \(detail)", items: [Item(parameter: name, code: code, detail: detail)])
    }

    /// The document. `instance` is the request's path, `requestID` also stands in the header and in the log.
    package func json(instance: String, requestID: String) -> JSONValue {
        var object: JSONObject = [
            "type": .string("/problems/\(code.rawValue)"), "title": .string(code.title),
            "status": .integer(Int64(code.status)), "code": .string(code.rawValue),
        ]
        object["detail"] = detail.map(JSONValue.string)
        object["instance"] = .string(instance)
        object["request_id"] = .string(requestID)
        if !items.isEmpty { object["errors"] = .array(items.map(\.json)) }
        object["reason"] = reason.map(JSONValue.string)
        object["current_etag"] = currentETag.map(JSONValue.string)
        object["retry_after_seconds"] = retryAfterSeconds.map { .integer(Int64($0)) }
        return .object(object)
    }
}

extension Problem.Item: JSONWritable {
    package var json: JSONValue {
        var object: JSONObject = [:]
        object["pointer"] = pointer.map(JSONValue.string)
        object["parameter"] = parameter.map(JSONValue.string)
        object["code"] = .string(code)
        object["detail"] = .string(detail)
        return .object(object)
    }
}
