// Certificates that the router holds: its own, its CAs, the pinned external peers' and the API's.
//
// Members have the names and units of openapi.yaml, in words; nil is said as null.

import JSON

/// One certificate; never a key.
package struct CertificateBody: Sendable, Equatable, JSONWritable {
    /// What the router holds the certificate for.
    package enum Role: String, CaseIterable, Sendable {
        case node, ca, api
        case externalPeer = "external_peer"
    }

    /// SHA-256 of the DER, 64 lower-case hex digits.
    package var id: String
    package var role: Role
    package var subject: String
    package var commonName: String?
    package var issuer: String
    package var serialHex: String
    package var notBefore: Timestamp
    package var notAfter: Timestamp
    /// Negative once it has expired.
    package var expiresInSeconds: Int64
    /// `ed25519`, `ecdsa_p256`, `ecdsa_p384` or `rsa`.
    package var keyAlgorithm: String
    package var isCA: Bool
    package var subjectAltNames: [String]
    package var path: String?
    package var pem: String
    package var warnings: [String]

    package init(
        id: String, role: Role, subject: String, commonName: String?, issuer: String, serialHex: String,
        notBefore: Timestamp, notAfter: Timestamp, expiresInSeconds: Int64, keyAlgorithm: String, isCA: Bool,
        subjectAltNames: [String], path: String?, pem: String, warnings: [String]
    ) {
        self.id = id
        self.role = role
        self.subject = subject
        self.commonName = commonName
        self.issuer = issuer
        self.serialHex = serialHex
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.expiresInSeconds = expiresInSeconds
        self.keyAlgorithm = keyAlgorithm
        self.isCA = isCA
        self.subjectAltNames = subjectAltNames
        self.path = path
        self.pem = pem
        self.warnings = warnings
    }

    package var json: JSONValue {
        .object([
            "id": id.json, "role": role.rawValue.json, "subject": subject.json, "common_name": commonName.json,
            "issuer": issuer.json, "serial_hex": serialHex.json, "not_before": notBefore.json,
            "not_after": notAfter.json, "expires_in_seconds": expiresInSeconds.json,
            "key_algorithm": keyAlgorithm.json, "is_ca": isCA.json, "subject_alt_names": subjectAltNames.json,
            "path": path.json, "pem": pem.json, "warnings": warnings.json,
        ])
    }
}
