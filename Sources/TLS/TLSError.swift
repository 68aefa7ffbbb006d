// What can go wrong in this module, and what dies of it.
//
// `TLSError` is about things handed in by the operator (certificates, keys, trust): the request that carried them
// dies, or the process does not start. `TLSFailure` is about one peer: its session dies, and nothing else. A signed
// configuration that is refused costs the message (`ConfigSignatureError`). No text here ever holds key material: for
// private keys even libcrypto's own error text is dropped, since it may quote what it could not parse.

/// A certificate, key or trust setting that cannot be used.
package enum TLSError: Error, Sendable, Equatable {
    /// Not a certificate, or one whose DER is broken; `detail` says where it went wrong.
    case malformedCertificate(detail: String)
    /// PEM text without a `CERTIFICATE` block.
    case noCertificate
    /// More certificates in one text than `limit`.
    case tooManyCertificates(limit: Int)
    /// PEM text without a private key that can be read.
    case malformedKey
    /// The private key is encrypted, and nobody is there to type the passphrase.
    case encryptedKey
    /// A key that is neither Ed25519, nor ECDSA on P-256/384/521, nor RSA of 2048 to 8192 bits; `found` names it.
    case unsupportedKey(found: String)
    /// The private key does not belong to the certificate.
    case keyMismatch
    /// A certificate that was named as CA is none.
    case notAuthority(subject: String)
    /// A leaf that may not be a node's TLS identity, and why.
    case unusableIdentity(TLSFailure.Reason, detail: String)
    /// Our own leaf has no name that rules could match (B4).
    case unusableName(CommonNameDefect)
    /// libssl refused something that should work (memory, a build without an algorithm).
    case engine(detail: String)
}

extension TLSError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformedCertificate(let detail): "not a certificate: \(detail)"
        case .noCertificate: "holds no certificate (expected a PEM block \"BEGIN CERTIFICATE\")"
        case .tooManyCertificates(let limit): "holds more than \(limit) certificates"
        case .malformedKey: "holds no readable private key (expected a PEM block \"BEGIN PRIVATE KEY\")"
        case .encryptedKey: "the private key is encrypted; decrypt it with: openssl pkey -in OLD -out NEW"
        case .unsupportedKey(let found):
            "unsupported key \(found); use Ed25519, ECDSA P-256, P-384 or P-521, or RSA of 2048 to 8192 bits"
        case .keyMismatch: "the private key does not belong to the certificate"
        case .notAuthority(let subject): "\(subject) is not a CA certificate (basicConstraints CA:TRUE is missing)"
        case .unusableIdentity(let reason, let detail): "cannot be a node's certificate (\(reason.rawValue)): \(detail)"
        case .unusableName(let defect): "cannot be a node's certificate: \(defect.explanation)"
        case .engine(let detail): "libssl: \(detail)"
        }
    }
}

/// Why one session died. `reason` is stable and goes to counters and the API; `detail` is one printable line for people.
package struct TLSFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The closed vocabulary of reasons.
    package enum Reason: String, Sendable, Hashable, CaseIterable {
        /// Neither below a configured CA nor pinned (B1).
        case unknownCA = "unknown_ca"
        /// The leaf, or a CA above it, is past its notAfter (B2).
        case expired
        /// notBefore lies more than 300 s ahead: somebody's clock is wrong (B3).
        case notYetValid = "not_yet_valid"
        /// A CA certificate presented as a node's (B8).
        case isCA = "is_ca"
        /// A certificate that signs distributed configurations presented as a node's (B8).
        case isConfigSigner = "is_config_signer"
        /// The extended key usage leaves serverAuth out (B18).
        case badKeyUsage = "bad_key_usage"
        /// A key or signature below what this module accepts.
        case weakKey = "weak_key"
        /// The chain is broken in some other way: bad signature, an issuer that is no CA, an unknown critical extension.
        case badCertificate = "bad_certificate"
        /// The other side presented none.
        case noCertificate = "no_certificate"
        /// Application protocol `h2` was not agreed on.
        case alpn
        /// No common protocol version, cipher or group: TLS 1.2 is the least.
        case noCommonParameters = "no_common_parameters"
        /// The other side refused us; `detail` names its alert.
        case refusedByPeer = "refused_by_peer"
        /// Bytes that are no TLS, or fail authentication.
        case protocolError = "protocol_error"
        /// The caller let more pile up than the bound allows.
        case overflow
    }

    package let reason: Reason
    package let detail: String

    package init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }

    package var description: String { "\(reason.rawValue): \(detail)" }
}
