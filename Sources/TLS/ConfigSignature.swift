// Signatures of distributed configurations. (Skeleton: bodies follow.)

package struct ConfigSignatureError: Error, Sendable, Equatable {
    /// api.md's reasons of `distributed-config-invalid`.
    package enum Reason: String, Sendable, Hashable, CaseIterable {
        case badEncoding = "bad_encoding", unsupportedVersion = "unsupported_version"
        case notSignedByCA = "not_signed_by_ca", hashMismatch = "hash_mismatch", expired
        case issuedInFuture = "issued_in_future", contentInvalid = "content_invalid"
    }
    package let reason: Reason
    package let detail: String
}

package struct ConfigSignature: Sendable, Equatable {
    /// Unix seconds: notBefore, notAfter.
    package let issuedAt: Int64
    package let expiresAt: Int64
    /// SHA-256 of the content, 32 bytes.
    package let contentHash: [UInt8]
    /// Fingerprint of the CA that signed it.
    package let authority: [UInt8]

    package static func verify(
        certificate der: [UInt8], content: [UInt8], authorities: [Certificate], now: Int64, allowExpired: Bool = false
    ) throws(ConfigSignatureError) -> ConfigSignature { throw ConfigSignatureError(reason: .badEncoding, detail: "") }

    /// DER of a certificate that signs `content`, valid one year from `notBefore` (unix seconds).
    package static func sign(content: [UInt8], authority: Certificate, key: PrivateKey, notBefore: Int64)
        throws(TLSError) -> [UInt8]
    { throw .keyMismatch }
}

package func sha256(_ bytes: [UInt8]) -> [UInt8] { [] }
package func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool { left == right }
