// What the configuration's language can say and this version cannot do.
//
// Such a thing is refused where a configuration comes in (start, `-check`, reload, the API) and never passed over: a
// listener that was meant to speak TLS must not come up in plain text, and a document that the API takes must be
// one that the next start takes.

import JSON
import ManagementAPI

/// Parts of a valid configuration that are refused all the same.
enum Unsupported {
    /// One issue for each, with its place in the document.
    static func issues(of config: NodeConfig) -> [JSONIssue] {
        var issues: [JSONIssue] = []
        for (index, listener) in config.api.listeners.enumerated() {
            guard case .tcp(let address, let tls) = listener, tls != nil else { continue }
            issues.append(
                JSONIssue(
                    pointer: "/api/listen/\(index)/tls", code: "not_supported",
                    detail: "TLS for the API (\(address)) is not in this version; use the Unix socket, loopback TCP "
                        + "with a token, or a tunnel such as ssh -L"))
        }
        return issues
    }
}
