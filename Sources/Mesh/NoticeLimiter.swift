// Bounds what the node says: one notice a second for each peer and code (G5), the same refusal once a minute (B1, C24).
//
// What is held back is counted, and the count travels with the next notice that is let through.
import Routing

/// Remembers when what was last said of whom; at most 4,096 pairs.
struct NoticeLimiter: Sendable {
    private struct Key: Hashable, Sendable {
        var peer: String
        var code: String
    }
    private struct State: Sendable {
        var last: Instant
        var suppressed: Int
    }
    private static let capacity = 4096
    private static let longest: Int64 = 60_000

    private var states: [Key: State] = [:]

    /// The number held back since the last one of the kind; nil: hold this one back too.
    mutating func admit(_ notice: Notice, at now: Instant) -> Int? {
        guard let interval = Self.interval(of: notice.kind) else { return 0 }
        let key = Key(peer: notice.peer ?? "", code: Self.code(of: notice))
        if var state = states[key] {
            guard now.milliseconds(since: state.last) >= interval else {
                state.suppressed += 1
                states[key] = state
                return nil
            }
            states[key] = State(last: now, suppressed: 0)
            return state.suppressed
        }
        if states.count >= Self.capacity {
            states = states.filter { now.milliseconds(since: $0.value.last) < Self.longest }
            guard states.count < Self.capacity else { return nil }
        }
        states[key] = State(last: now, suppressed: 0)
        return 0
    }

    private static func code(of notice: Notice) -> String {
        switch notice.kind {
        case .routeRejected(_, let reason): reason.rawValue
        case .refused(let code, _): "refused " + code
        default: notice.code
        }
    }

    /// Milliseconds between two of a kind; nil: rare by nature.
    private static func interval(of kind: Notice.Kind) -> Int64? {
        switch kind {
        case .refused, .nameMismatch, .duplicateIdentity: 60_000
        case .shutdown, .configAdopted: nil
        default: 1_000
        }
    }
}
