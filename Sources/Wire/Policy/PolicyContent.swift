// The policy in a distributed config: which node may announce which prefixes.
//
//     {"prefix_whitelist": {"a.vnet.example.com": ["2001:db8:1000::/48,max_prefix_len=64"]}, "default": "deny"}
//
// A node of the whitelist may announce what one of its entries covers, up to that entry's length; with an empty list,
// nothing. A node that is not listed may announce anything unless `default` says "deny". Keys beside
// `prefix_whitelist` are ours: v1 nodes ignore them.
//
// Names are compared without regard to ASCII case and kept in lower case. v1 compares exactly, so a name written
// otherwise gets a warning; two that differ in case only, and a name with a trailing dot (which no v1 node would match:
// its filter would be void), are refused.

import JSON
import Routing

/// One grant: what lies within `prefix` and is not longer than `maximumLength`.
package struct PolicyEntry: Sendable, Hashable {
    package let prefix: Prefix
    /// From the prefix's own length to 128.
    package let maximumLength: Int

    package init(prefix: Prefix, maximumLength: Int = 128) {
        self.prefix = prefix
        self.maximumLength = maximumLength
    }

    /// True if this entry lets `announced` pass.
    package func allows(_ announced: Prefix) -> Bool {
        announced.length <= maximumLength && announced.length >= prefix.length
            && Prefix(masking: announced.address, length: prefix.length) == prefix
    }
}

/// What the policy says about a peer under another CA, known by its certificate's fingerprint.
package struct ExternalPeerPolicy: Sendable, Equatable {
    /// The name that goes with the pin, in lower case; nil where none is given.
    package var name: String?
    /// What is accepted from it. Empty: nothing.
    package var imports: [PolicyEntry]
    /// What it is told. Empty: nothing.
    package var exports: [PolicyEntry]

    package init(name: String?, imports: [PolicyEntry], exports: [PolicyEntry]) {
        self.name = name
        self.imports = imports
        self.exports = exports
    }
}

/// A certificate that is trusted no more.
package enum Revocation: Sendable, Hashable {
    /// `sha256:HEX`: the leaf with this fingerprint.
    case leaf(NodeID)
    /// `spki:HEX`: every certificate with this key (SHA-256 of the SubjectPublicKeyInfo).
    case publicKey(NodeID)
    /// `ca:HEX`: the CA certificate with this fingerprint, and all below it.
    case authority(NodeID)
    /// `serial:HEX:ISSUER`: by serial number (lower-case hex without leading zeros) and issuer.
    case serial(String, issuer: String)
}

/// A policy, read and found good.
package struct PolicyContent: Sendable, Equatable {
    /// By node name in lower case, or `sha256:HEX` for an external peer's fingerprint.
    package var whitelist: [String: [PolicyEntry]] = [:]
    /// True if an internal node without an entry in the whitelist may announce nothing.
    package var isDefaultDeny = false
    /// By SHA-256 of the external peer's leaf.
    package var external: [NodeID: ExternalPeerPolicy] = [:]
    /// Read, and not enforced yet.
    package var revoked: [Revocation] = []
    /// `max_prefixes`, `origins` and `rollout` as they stand: not enforced yet.
    package var kept = JSONObject()
    /// What a person should know about this policy; it is in force all the same.
    package var warnings: [JSONIssue] = []

    package init() {}

    /// Bytes of a policy at most.
    package static let maximumBytes = 1 << 20
    /// Containers within containers at most.
    package static let maximumDepth = 16

    /// A node's name as it is compared.
    package static func folded(_ name: some StringProtocol) -> String {
        String(decoding: name.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}

/// Why a policy was refused; none of it is in force.
package struct PolicyError: Error, Sendable, Equatable, CustomStringConvertible {
    /// All that is wrong, at least one. The detail of a bad entry names node, entry and column.
    package let issues: [JSONIssue]

    package init(issues: [JSONIssue]) { self.issues = issues }

    package var description: String { issues.map(\.description).joined(separator: "; ") }
}
