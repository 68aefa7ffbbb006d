// From a path to an operation. Whole segments are compared, decoded first; there is no normalising, so `..`, `//` and
// encoded slashes simply name nothing (fault E9).

import HTTP
import ManagementAPI

/// All operations by path.
struct RouteTable {
    /// What stands at a path.
    struct Match {
        /// Operations by method, in the table's order.
        var operations: [Operation]
        /// Values of the `{parameters}`, decoded.
        var parameters: [String: String]

        /// For `Allow` (RFC 9110, 10.2.1).
        var allow: [String] {
            var methods: [String] = []
            for operation in operations {
                methods.append(operation.method.rawValue)
                if operation.method == .get { methods.append("HEAD") }
            }
            return methods + ["OPTIONS"]
        }
    }

    private struct Row {
        let pattern: [Substring]
        let operation: Operation
        /// Literal segments win over parameters: `/v1/routes/lookup` over nothing else so far, but surely.
        let literals: Int
    }

    private let rows: [Row] = Operation.allCases.map { operation in
        let pattern = operation.path.split(separator: "/")
        return Row(pattern: pattern, operation: operation, literals: pattern.count { $0.first != "{" })
    }

    /// Nil where no operation has this path.
    func match(_ segments: [String]) -> Match? {
        var best: (literals: Int, match: Match)?
        for row in rows where row.pattern.count == segments.count {
            guard let parameters = Self.parameters(of: row.pattern, in: segments) else { continue }
            if let current = best, current.literals > row.literals { continue }
            if let current = best, current.literals == row.literals {
                best?.match = Match(
                    operations: current.match.operations + [row.operation], parameters: current.match.parameters)
            } else {
                best = (row.literals, Match(operations: [row.operation], parameters: parameters))
            }
        }
        return best?.match
    }

    private static func parameters(of pattern: [Substring], in segments: [String]) -> [String: String]? {
        var parameters: [String: String] = [:]
        for (part, segment) in zip(pattern, segments) {
            if part.first == "{" {
                guard !segment.isEmpty else { return nil }
                parameters[String(part.dropFirst().dropLast())] = segment
            } else if part != segment {
                return nil
            }
        }
        return parameters
    }
}
