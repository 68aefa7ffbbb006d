// Why a command ended without doing what it was asked for, as one line for people and one number for scripts.

import JSON

/// The module's error; the process dies of each.
enum Failure: Error, Equatable {
    /// The arguments, or a file they name, cannot be used.
    case usage(String)
    /// Nobody answers.
    case unreachable(String)
    /// The socket's permissions keep us out.
    case denied(String)
    case timeout(action: String, seconds: String)
    /// The router said no; `body` is its problem document if it sent one.
    case refused(action: String, httpStatus: Int, body: JSONValue?, hint: String?)
    /// The answer is not what the API promises.
    case malformed(action: String, reason: String)
    /// Something failed on this side.
    case local(String)
    /// The answer was printed, and it is bad.
    case checkedBad
    /// The person said no.
    case declined
    /// Whoever read our output has had enough: no error, nothing to say.
    case readerGone

    var status: ExitStatus {
        switch self {
        case .usage: .usage
        case .unreachable: .unreachable
        case .denied: .notAllowed
        case .timeout: .timeout
        case .refused(_, let httpStatus, _, _): ExitStatus(httpStatus: httpStatus)
        case .malformed, .local, .declined: .failed
        case .checkedBad: .checkedBad
        case .readerGone: .done
        }
    }

    /// The line after `vmesh: `; nil where there is nothing to say.
    var line: String? {
        switch self {
        case .usage(let text), .unreachable(let text), .denied(let text), .local(let text): text
        case .timeout(let action, let seconds): "cannot \(action): no answer within \(seconds) (--timeout)"
        case .refused(let action, let status, let body, let hint):
            ProblemLine.text(action: action, httpStatus: status, body: body, hint: hint)
        case .malformed(let action, let reason): "cannot \(action): the answer is not the API's: \(reason)"
        case .checkedBad, .readerGone: nil
        case .declined: "nothing was changed"
        }
    }
}

/// A problem document (RFC 9457) as one line.
enum ProblemLine {
    /// Wrong places that are named; the rest is counted.
    private static let maximumPlaces = 5

    static func text(action: String, httpStatus: Int, body: JSONValue?, hint: String?) -> String {
        guard let body, let code = body.text("code") else {
            return "cannot \(action): HTTP status \(httpStatus)" + ending(hint)
        }
        let places = body.list("errors").prefix(maximumPlaces).map(place)
        var what = places.joined(separator: "; ")
        if places.isEmpty { what = body.text("detail") ?? body.text("title") ?? "HTTP status \(httpStatus)" }
        let more = body.list("errors").count - places.count
        if more > 0 { what += "; and \(more) more" }
        let reason = body.text("reason").map { ": \($0)" } ?? ""
        let request = body.text("request_id").map { ", request \($0)" } ?? ""
        return "cannot \(action): \(what) (\(code)\(reason)\(request))" + ending(hint ?? ProblemLine.hint(code))
    }

    private static func ending(_ hint: String?) -> String { hint.map { ": \($0)" } ?? "" }

    /// `addrs[0]: '192.0.2.1' has no port`.
    private static func place(_ error: JSONValue) -> String {
        let detail = error.text("detail") ?? error.text("code") ?? "wrong"
        if let pointer = error.text("pointer"), !pointer.isEmpty { return "\(path(pointer)): \(detail)" }
        if let parameter = error.text("parameter") { return "\(parameter): \(detail)" }
        return detail
    }

    /// `/peers/0/addrs/1` as people write it: `peers[0].addrs[1]`.
    static func path(_ pointer: String) -> String {
        guard let tokens = JSONPointer(parsing: pointer)?.tokens else { return pointer }
        var text = ""
        for token in tokens {
            if !token.isEmpty, token.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
                text += "[\(token)]"
            } else {
                text += text.isEmpty ? token : ".\(token)"
            }
        }
        return text
    }

    /// What to do about it, where that is known.
    private static func hint(_ code: String) -> String? {
        switch code {
        case "unauthorized": "name a token with --token-file or VMESH_TOKEN_FILE"
        case "forbidden": "`vmesh whoami` says which role you have"
        case "peer-not-found": "`vmesh peer list` names those there are"
        case "precondition-failed": "somebody changed it meanwhile; look again before you decide"
        case "config-file-changed": "`vmesh config reload` takes the file's changes first"
        case "persist-unavailable": "--no-persist changes the running configuration only"
        case "starting", "stopping", "too-many-requests": "try again in a moment"
        default: nil
        }
    }
}
