// The exit statuses, which scripts rely on: one number, one meaning, for every command.

/// What the process ends with. A process that Ctrl-C ends dies of the signal; shells call that 130.
enum ExitStatus: Int32, CaseIterable {
    case done = 0
    /// The router failed (5xx), answered nonsense, or this program could not do its part.
    case failed = 1
    case usage = 2
    case unreachable = 3
    case notFound = 4
    /// 401, 403, or the socket's permissions.
    case notAllowed = 5
    /// 409, 412, 428.
    case conflict = 6
    /// 400, 405, 406, 413, 415, 422.
    case invalid = 7
    case timeout = 8
    /// Asked and answered, and the answer is bad: not ready, not allowed by the policy.
    case checkedBad = 9
    /// `diff` found differences.
    case different = 10

    /// The status that goes with an HTTP status which is no success.
    init(httpStatus: Int) {
        self =
            switch httpStatus {
            case 404, 410: .notFound
            case 401, 403: .notAllowed
            case 409, 412, 428: .conflict
            // All of them say that the request should not have been sent like this.
            case 400, 405, 406, 411, 413, 414, 415, 417, 422, 431: .invalid
            case 408, 504: .timeout
            default: .failed
            }
    }
}
