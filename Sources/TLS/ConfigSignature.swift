// Who may set the mesh's policy: only a certificate made for that and nothing else.
//
// v1 takes any leaf below the CA that names a `vnet-conf` URI (W9), so a CA that copies requested names into
// certificates gives away the policy. Here the certificate must be what the signing tool makes (B9, B10): issued
// directly by a configured CA, with an empty subject, one single alternative name, and no right to issue. What v1's
// tool makes passes unchanged, serial number 0 included.
//
// The content is an opaque byte string here; whether it is a legal policy is decided by whoever parses it.

import COpenSSL

/// Why a signed configuration is refused: the message that carried it dies, the session does not.
package struct ConfigSignatureError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The `reason` of the API's problem `distributed-config-invalid`. Encoding, version and content are judged
    /// elsewhere; their words are here so that there is one list.
    package enum Reason: String, Sendable, Hashable, CaseIterable {
        case badEncoding = "bad_encoding"
        case unsupportedVersion = "unsupported_version"
        case notSignedByCA = "not_signed_by_ca"
        case hashMismatch = "hash_mismatch"
        case expired
        case issuedInFuture = "issued_in_future"
        case contentInvalid = "content_invalid"
    }

    package let reason: Reason
    /// One printable line.
    package let detail: String

    package init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }

    package var description: String { "\(reason.rawValue): \(detail)" }
}

/// What a valid signature says.
package struct ConfigSignature: Sendable, Equatable {
    /// notBefore and notAfter of the certificate, unix seconds. The issue time is the configuration's version.
    package let issuedAt: Int64
    package let expiresAt: Int64
    /// SHA-256 of the content, 32 bytes: breaks ties between equal issue times (B13).
    package let contentHash: [UInt8]
    /// Fingerprint of the CA that signed.
    package let authority: [UInt8]

    /// Whether `now` (unix seconds) has reached the end of validity.
    package func hasExpired(at now: Int64) -> Bool { now >= expiresAt }

    /// Checks a signature over `content` at `now` (unix seconds).
    ///
    /// `allowExpired` is for a configuration that this node adopted once and kept: then no time is compared at all, so
    /// that neither its expiry nor a clock that fell back to 1970 makes the policy fail open (B14).
    package static func verify(
        certificate der: [UInt8], content: [UInt8], authorities: [Certificate], now: Int64, allowExpired: Bool = false
    ) throws(ConfigSignatureError) -> ConfigSignature {
        let certificate: Certificate
        let authority: [UInt8]
        do throws(TLSError) {
            let object = try X509Object(der: der)
            certificate = Certificate(object, der: der)
        } catch {
            throw ConfigSignatureError(.badEncoding, "the signing certificate: \(error)")
        }
        authority = try issuer(of: certificate, authorities: authorities, now: allowExpired ? nil : now)
        let contentHash = sha256(content)
        guard try namedHash(certificate) == contentHash else {
            throw ConfigSignatureError(.hashMismatch, "the certificate signs other content")
        }
        if !allowExpired { try checkTimes(certificate, now: now) }
        return ConfigSignature(
            issuedAt: certificate.notBefore, expiresAt: certificate.notAfter, contentHash: contentHash,
            authority: authority)
    }

    private static func issuer(
        of certificate: Certificate, authorities: [Certificate], now: Int64?
    ) throws(ConfigSignatureError) -> [UInt8] {
        do {
            let anchors = try Authorities(authorities)
            let object = try X509Object(der: certificate.der)
            guard !anchors.contains(fingerprint: certificate.fingerprint) else {
                throw ConfigSignatureError(.notSignedByCA, "it is the CA's own certificate")
            }
            // No intermediates are offered and none allowed: directly below the CA (B9).
            return try anchors.check(leaf: object.pointer, maximumIntermediates: 0, now: now)
        } catch let error as ConfigSignatureError {
            throw error
        } catch let failure as TLSFailure {
            if failure.reason == .expired || failure.reason == .notYetValid, let now {
                try checkTimes(certificate, now: now)
                throw ConfigSignatureError(.expired, "the CA's certificate is not valid now")
            }
            throw ConfigSignatureError(.notSignedByCA, failure.detail)
        } catch {
            throw ConfigSignatureError(.notSignedByCA, "\(error)")
        }
    }

    /// The hash that the certificate names, if it is one that may sign configurations (B10).
    private static func namedHash(_ certificate: Certificate) throws(ConfigSignatureError) -> [UInt8] {
        func refuse(_ detail: String) -> ConfigSignatureError {
            ConfigSignatureError(.notSignedByCA, "not a configuration signer's certificate: \(detail)")
        }
        if certificate.hasBrokenExtensions { throw refuse("an extension is malformed or present twice") }
        if certificate.isCA { throw refuse("it is a CA") }
        if !certificate.hasEmptySubject { throw refuse("its subject is not empty") }
        if certificate.forbidsSignatures { throw refuse("its key usage leaves out digitalSignature") }
        guard certificate.subjectAltNameCount == 1, certificate.uriNames.count == 1,
            let hash = ConfigURI.contentHash(Array(certificate.uriNames[0].utf8))
        else { throw refuse("its one alternative name must be vnet-conf:// and 64 hexadecimal digits") }
        return hash
    }

    private static func checkTimes(_ certificate: Certificate, now: Int64) throws(ConfigSignatureError) {
        let clock = UTCTime(unixSeconds: now)
        let (limit, overflow) = now.addingReportingOverflow(Authorities.clockTolerance)
        if !overflow, certificate.notBefore > limit {
            throw ConfigSignatureError(
                .issuedInFuture,
                "issued at \(UTCTime(unixSeconds: certificate.notBefore)); this clock says \(clock)")
        }
        if certificate.hasExpired(at: now) {
            throw ConfigSignatureError(
                .expired, "expired at \(UTCTime(unixSeconds: certificate.notAfter)); this clock says \(clock)")
        }
    }
}
