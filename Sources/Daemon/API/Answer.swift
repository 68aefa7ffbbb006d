// What a handler answers, before headers that every answer has are put around it.

import HTTP
import JSON
import ManagementAPI

/// A success.
struct Answer {
    enum Body {
        case none
        case json(JSONValue)
        case bytes([UInt8], type: String)
    }

    var status = 200
    var body: Body
    /// With its quotes; nil on live state, which changes as it is read.
    var etag: String?
    /// For the audit: what a write did.
    var isChanged = false
    var pointers: [String] = []

    static func json(_ value: JSONValue, status: Int = 200, etag: String? = nil) -> Answer {
        Answer(status: status, body: .json(value), etag: etag)
    }

    static func text(_ text: String, type: String, etag: String? = nil) -> Answer {
        Answer(body: .bytes(Array(text.utf8), type: type), etag: etag)
    }

    static func applied(_ result: ApplyResultBody, status: Int = 200, etag: String? = nil) -> Answer {
        Answer(
            status: status, body: .json(result.json), etag: etag, isChanged: result.isChanged && !result.isDryRun,
            pointers: result.changes.map(\.pointer))
    }
}

/// Fields that every answer carries.
enum AnswerHeaders {
    static func common(requestID: String) -> HTTPHeaders {
        [
            "x-request-id": requestID,
            // Answers are the router's state: neither a proxy nor a browser's disk is the place for it.
            "cache-control": "no-store",
            // Case C31 (h): whatever a page makes of it, it is not a script.
            "x-content-type-options": "nosniff",
        ]
    }
}
