// A policy in words, and the check before it is signed: for `vnconfigsign` and for whoever reads a node's answers.

import JSON
import Routing

extension PolicyContent {
    /// Checks what is about to be signed. The signature goes over these very bytes, for a year, so the signer is the
    /// last one to be told of a slip: the rules are those that every node of ours applies on adoption, and what is only
    /// a warning there is in `warnings` for the signer to see.
    package static func checkBeforeSigning(_ bytes: [UInt8]) throws(PolicyError) -> PolicyContent {
        var content = try parse(bytes)
        for (name, entries) in content.whitelist.sorted(by: { $0.key < $1.key }) where entries.isEmpty {
            content.warnings.append(
                JSONIssue(
                    pointer: "\(JSONPointer(tokens: ["prefix_whitelist", name]))", code: "denies_all",
                    detail: "an empty list: this node may announce nothing"))
        }
        return content
    }

    /// The table that is in force under this policy, a line a fact, sorted by name.
    package func summary() -> [String] {
        var lines: [String] = []
        for (name, entries) in whitelist.sorted(by: { $0.key < $1.key }) {
            lines.append("\(name):" + (entries.isEmpty ? " nothing" : ""))
            lines += entries.map { "  \($0)" }
        }
        lines.append("any other node of this network: " + (isDefaultDeny ? "nothing" : "anything"))
        for (id, peer) in external.sorted(by: { $0.key < $1.key }) {
            lines.append("external sha256:\(id)" + (peer.name.map { " (\($0))" } ?? "") + ":")
            lines += Self.list("import", peer.imports) + Self.list("export", peer.exports)
        }
        lines += revoked.map { "revoked \($0)" }
        for (key, value) in kept.members { lines.append("\(key) (not enforced): \(value.text())") }
        lines += warnings.map { "warning: \($0)" }
        return lines
    }

    private static func list(_ title: String, _ entries: [PolicyEntry]) -> [String] {
        entries.isEmpty ? ["  \(title) nothing"] : entries.map { "  \(title) \($0)" }
    }
}

extension PolicyEntry: CustomStringConvertible {
    /// The entry as it is written in a policy.
    package var description: String {
        maximumLength == 128 ? "\(prefix)" : "\(prefix),max_prefix_len=\(maximumLength)"
    }
}

extension Revocation: CustomStringConvertible {
    /// The revocation as it is written in a policy.
    package var description: String {
        switch self {
        case .leaf(let id): "sha256:\(id)"
        case .publicKey(let id): "spki:\(id)"
        case .authority(let id): "ca:\(id)"
        case .serial(let serial, let issuer): "serial:\(serial):\(issuer)"
        }
    }
}
