// What the API counts about itself, for /metrics.

import ManagementAPI

struct APIStatistics {
    /// Upper bounds of the histogram's buckets in milliseconds; the last bucket is +Inf.
    static let bounds: [UInt64] = [1, 5, 25, 100, 500, 2500, 10_000]

    struct Durations {
        /// One count per bound and one beyond the last; not cumulative.
        var counts = [UInt64](repeating: 0, count: APIStatistics.bounds.count + 1)
        var sumMilliseconds: UInt64 = 0
    }

    struct RequestKey: Hashable {
        var operation: String
        var code: Int
    }

    /// Operation's id (`none` for what is no operation) and status → requests.
    private(set) var requests: [RequestKey: UInt64] = [:]
    private(set) var durations: [String: Durations] = [:]
    /// Reason → refused authentications.
    var authFailures: [String: UInt64] = [:]

    mutating func record(_ operation: Operation?, status: Int, milliseconds: UInt64) {
        let name = operation?.rawValue ?? "none"
        requests[RequestKey(operation: name, code: status), default: 0] &+= 1
        let bucket = Self.bounds.firstIndex { milliseconds <= $0 } ?? Self.bounds.count
        durations[name, default: Durations()].counts[bucket] &+= 1
        durations[name, default: Durations()].sumMilliseconds &+= milliseconds
    }
}
