// Who may do what: metrics < read < admin.

/// The roles of api.md 2.2, weakest first.
package enum Role: String, CaseIterable, Comparable, Sendable {
    case metrics, read, admin

    package static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }

    /// True where a principal with this role may call an operation that asks for `needed`.
    package func permits(_ needed: Role) -> Bool { self >= needed }

    private var rank: Int {
        switch self {
        case .metrics: 0
        case .read: 1
        case .admin: 2
        }
    }
}
