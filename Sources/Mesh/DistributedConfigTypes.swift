// The signed policy as the node handles it: who verified what, and which of two is the newer.
import Wire

/// A config whose signature, chain and content hash hold. Only the daemon makes these, by the TLS library.
package struct VerifiedConfig: Sendable, Equatable {
    package var signed: SignedConfig
    /// SHA-256 of the content, 32 bytes.
    package var contentHash: [UInt8]
    /// The certificate's notBefore and notAfter, unix seconds.
    package var issuedAt: Int64
    package var expiresAt: Int64

    package init(signed: SignedConfig, contentHash: [UInt8], issuedAt: Int64, expiresAt: Int64) {
        self.signed = signed
        self.contentHash = contentHash
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }

    package var mark: ConfigMark { ConfigMark(issuedAt: issuedAt, contentHash: contentHash) }
}

/// The place of a config in the order of all: by issue time, ties by the larger content hash (B13).
package struct ConfigMark: Hashable, Comparable, Sendable {
    package var issuedAt: Int64
    package var contentHash: [UInt8]

    package init(issuedAt: Int64, contentHash: [UInt8]) {
        self.issuedAt = issuedAt
        self.contentHash = contentHash
    }

    package static func < (left: ConfigMark, right: ConfigMark) -> Bool {
        left.issuedAt != right.issuedAt
            ? left.issuedAt < right.issuedAt : left.contentHash.lexicographicallyPrecedes(right.contentHash)
    }
}

/// Why a config does not verify.
package struct ConfigRejection: Error, Hashable, Sendable {
    /// A reason word of api.md, e.g. "not_signed_by_ca".
    package var reason: String
    package var detail: String

    package init(reason: String, detail: String) {
        self.reason = reason
        self.detail = detail
    }
}
