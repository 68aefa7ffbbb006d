// Whom this node lets in, decided inside the handshake (A22), so that a stranger never speaks a byte of HTTP/2.
//
//   leaf chains to a configured CA           -> internal
//   else SHA-256(leaf DER) is pinned         -> external
//   else                                     -> refused, with an alert
//
// The leaf's own rules hold either way: a pin says who somebody is, not that an expired or a CA certificate will do.
// A name is never a reason to trust (B5, B6): names are compared by the mesh, after this, and only where this module
// says that the certificate has a usable one.

import COpenSSL

/// How a peer's certificate came to be trusted.
package enum PeerTrust: Sendable, Hashable {
    /// It chains to a configured CA; `authority` is that CA's fingerprint.
    case internalCA(authority: [UInt8])
    /// Exactly this certificate is pinned as an external peer's.
    case externalPin
}

/// Who is at the other end of an established session.
package struct PeerIdentity: Sendable, Hashable {
    package let certificate: Certificate
    package let trust: PeerTrust
}

/// CAs and pins. Immutable; a change makes a new policy and a new `TLSContext`.
package struct TrustPolicy: Sendable {
    /// At most 16.
    package let authorities: [Certificate]
    /// SHA-256 of the leaf DER of external peers, 32 bytes each.
    package let pins: Set<[UInt8]>
    let anchors: Authorities

    /// Throws `.notAuthority` for a certificate that cannot be a CA. No CA at all is allowed: then only pins count.
    package init(authorities: [Certificate], pins: Set<[UInt8]> = []) throws(TLSError) {
        anchors = try Authorities(authorities)
        self.authorities = authorities
        self.pins = pins
    }

    /// The decision about `leaf`, as `certificate` reads it, at `now` (unix seconds).
    func judge(
        leaf: OpaquePointer, certificate: Certificate, intermediates: OpaquePointer?, now: Int64
    ) throws(TLSFailure) -> PeerTrust {
        if anchors.contains(fingerprint: certificate.fingerprint) {
            throw TLSFailure(.isCA, "the CA's own certificate was presented as a node's")
        }
        try LeafRules.check(certificate)
        let trust: PeerTrust
        do throws(TLSFailure) {
            trust = .internalCA(
                authority: try anchors.check(leaf: leaf, intermediates: intermediates, now: now))
        } catch {
            guard pins.contains(certificate.fingerprint) else {
                // Times in the text, since the cause is often a clock (C25); those of a CA above are not known here.
                if error.reason == .expired || error.reason == .notYetValid {
                    try LeafRules.checkValidity(certificate, now: now)
                }
                throw error
            }
            trust = .externalPin
        }
        try LeafRules.checkValidity(certificate, now: now)
        return trust
    }
}

/// What every node's leaf must satisfy, ours as well as a peer's.
enum LeafRules {
    /// Everything that does not depend on the time.
    static func check(_ certificate: Certificate) throws(TLSFailure) {
        if certificate.hasBrokenExtensions {
            throw TLSFailure(.badCertificate, "an extension is malformed or present twice")
        }
        if certificate.isCA {
            throw TLSFailure(.isCA, "a CA certificate (CA:TRUE) cannot be a node's")
        }
        if certificate.namesConfig {
            throw TLSFailure(.isConfigSigner, "a certificate that signs distributed configurations cannot be a node's")
        }
        if let usages = certificate.extendedKeyUsage,
            !usages.contains("serverAuth"), !usages.contains("anyExtendedKeyUsage")
        {
            // v1 verifies with Go's default, serverAuth, in both directions; clientAuth alone would not reach v1 nodes.
            let found = usages.isEmpty ? "none" : usages.joined(separator: ", ")
            throw TLSFailure(.badKeyUsage, "extended key usage must be absent or hold serverAuth; it holds \(found)")
        }
        guard certificate.keyAlgorithm.isAccepted else {
            throw TLSFailure(.weakKey, "key \(certificate.keyAlgorithm) is not accepted")
        }
    }

    static func checkValidity(_ certificate: Certificate, now: Int64) throws(TLSFailure) {
        let clock = UTCTime(unixSeconds: now)
        if certificate.hasExpired(at: now) {
            throw TLSFailure(
                .expired, "expired at \(UTCTime(unixSeconds: certificate.notAfter)); this node's clock says \(clock)")
        }
        let (limit, overflow) = now.addingReportingOverflow(Authorities.clockTolerance)
        if !overflow, certificate.notBefore > limit {
            throw TLSFailure(
                .notYetValid,
                "valid from \(UTCTime(unixSeconds: certificate.notBefore)); this node's clock says \(clock)")
        }
    }
}
