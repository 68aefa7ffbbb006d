// A certificate as a value: its DER and what this router wants to know of it. (Skeleton: bodies follow.)

package struct Certificate: Sendable, Hashable {
    package enum KeyAlgorithm: Sendable, Hashable { case ed25519, ecdsa(curve: String, bits: Int), rsa(bits: Int), other(String) }

    package let der: [UInt8]
    /// SHA-256 of `der`: for a node's leaf, the node id.
    package let fingerprint: [UInt8]
    /// The name rules may match: the subject's CommonName, or "" if `commonNameDefect` says it is unusable (B4).
    package let commonName: String
    /// Why the CommonName is unusable; nil if it is fine.
    package let commonNameDefect: CommonNameDefect?
    /// Escaped and printable whatever the certificate holds: for logs and JSON.
    package let displayName: String
    /// RFC 2253 text, escaped, printable ASCII + UTF-8.
    package let subject: String
    package let issuer: String
    package let serialHex: String
    /// Unix seconds.
    package let notBefore: Int64
    package let notAfter: Int64
    package let keyAlgorithm: KeyAlgorithm
    /// basicConstraints CA:TRUE.
    package let isCA: Bool
    /// X.509 version 1, 2 or 3.
    package let version: Int
    /// `DNS:…`, `IP:…`, `URI:…`, `email:…`, escaped; at most 100.
    package let subjectAltNames: [String]
    package let dnsNames: [String]
    package let uriNames: [String]
    /// Short names (`serverAuth`, `clientAuth`, dotted otherwise); nil if the extension is absent.
    package let extendedKeyUsage: [String]?

    package var pem: String { "" }
    package func hasExpired(at now: Int64) -> Bool { now > notAfter }

    package init(pem text: [UInt8]) throws(TLSError) { throw .noCertificate }
    package init(der: [UInt8]) throws(TLSError) { throw .noCertificate }
    /// All certificates of a PEM text, in order, at most `limit`.
    package static func list(pem text: [UInt8], limit: Int = 64) throws(TLSError) -> [Certificate] { [] }
}

package enum CommonNameDefect: String, Sendable, Hashable {
    case missing, severalNames, empty, noDot, tooLong, notUTF8, controlCharacter, formatCharacter
}
