// Does this leaf chain to a configured CA? libcrypto builds and checks the path (RFC 5280 section 6); this file gives
// it one CA at a time and turns its answer into our vocabulary.
//
// One CA at a time, because certificates as v1's scripts make them carry no key identifier: libcrypto then picks an
// issuer by name alone, and during a change of CA (same name, new key) it would pick the wrong one and stop there.
//
// A configured CA is a trust anchor whether or not it is self-signed, as in v1. Version 1 self-signed certificates
// may be anchors; everything between anchor and leaf must say CA:TRUE, which also keeps one node's leaf from issuing
// another (B9).

import COpenSSL

/// Trust anchors, each in a store of its own. Stores are not changed after creation; libcrypto locks inside.
final class Authorities: @unchecked Sendable {
    /// notBefore may lie this many seconds ahead (B3).
    static let clockTolerance: Int64 = 300
    static let maximumCount = 16
    private let stores: [(store: OpaquePointer, fingerprint: [UInt8])]

    init(_ certificates: [Certificate]) throws(TLSError) {
        guard certificates.count <= Self.maximumCount else { throw .tooManyCertificates(limit: Self.maximumCount) }
        var stores: [(store: OpaquePointer, fingerprint: [UInt8])] = []
        do throws(TLSError) {
            for certificate in certificates {
                guard certificate.canIssue else { throw .notAuthority(subject: certificate.subject) }
                let object = try X509Object(der: certificate.der)
                guard let store = X509_STORE_new() else { throw .engine(detail: "out of memory") }
                stores.append((store, certificate.fingerprint))
                guard X509_STORE_add_cert(store, object.pointer) == 1 else {
                    throw .engine(detail: ErrorQueue.take().text)
                }
            }
        } catch {
            for entry in stores { X509_STORE_free(entry.store) }
            throw error
        }
        self.stores = stores
    }

    deinit {
        for entry in stores { X509_STORE_free(entry.store) }
    }

    /// Whether a certificate with this fingerprint is one of the CAs.
    func contains(fingerprint: [UInt8]) -> Bool { stores.contains { $0.fingerprint == fingerprint } }

    /// Checks `leaf` with the help of `intermediates` (a `STACK_OF(X509)`), at `now` in unix seconds; nil asks for
    /// signatures and constraints only. The answer is the fingerprint of the CA it chains to. Where every CA refuses,
    /// the most telling refusal is thrown: "expired" below the right CA says more than "unknown" to the others.
    func check(
        leaf: OpaquePointer, intermediates: OpaquePointer? = nil, maximumIntermediates: Int32 = 3, now: Int64?
    ) throws(TLSFailure) -> [UInt8] {
        var refusal = TLSFailure(.unknownCA, "no CA is configured")
        for (index, entry) in stores.enumerated() {
            var code = verify(
                leaf, intermediates, entry.store, maximumIntermediates: maximumIntermediates, now: now)
            if code == X509_V_ERR_CERT_NOT_YET_VALID, let now {
                // A clock that lags is forgiven for the start of validity only; the end was checked just before or
                // lies so near that the session would not live to see it.
                let (later, overflow) = now.addingReportingOverflow(Self.clockTolerance)
                if !overflow {
                    let second = verify(
                        leaf, intermediates, entry.store, maximumIntermediates: maximumIntermediates, now: later)
                    if second == X509_V_OK { code = second }
                }
            }
            if code == X509_V_OK { return entry.fingerprint }
            let found = Self.failure(code)
            if index == 0 || Self.rank(found.reason) > Self.rank(refusal.reason) { refusal = found }
        }
        throw refusal
    }

    /// libcrypto's verdict: X509_V_OK or an X509_V_ERR code.
    private func verify(
        _ leaf: OpaquePointer, _ intermediates: OpaquePointer?, _ store: OpaquePointer, maximumIntermediates: Int32,
        now: Int64?
    ) -> Int32 {
        ErrorQueue.clear()
        defer { ErrorQueue.clear() }
        guard let context = X509_STORE_CTX_new() else { return X509_V_ERR_OUT_OF_MEM }
        defer { X509_STORE_CTX_free(context) }
        guard X509_STORE_CTX_init(context, store, leaf, intermediates) == 1,
            let parameters = X509_STORE_CTX_get0_param(context)
        else { return X509_V_ERR_UNSPECIFIED }
        var flags = UInt(X509_V_FLAG_PARTIAL_CHAIN)
        if let now {
            X509_VERIFY_PARAM_set_time(parameters, Int(now))
        } else {
            flags |= UInt(X509_V_FLAG_NO_CHECK_TIME)
        }
        _ = X509_VERIFY_PARAM_set_flags(parameters, flags)
        X509_VERIFY_PARAM_set_depth(parameters, maximumIntermediates)
        // Level 2: keys and digests of at least 112 bits' strength, so no RSA below 2048 and no SHA-1 in the chain.
        X509_VERIFY_PARAM_set_auth_level(parameters, 2)
        if X509_verify_cert(context) == 1 { return X509_V_OK }
        let code = X509_STORE_CTX_get_error(context)
        return code == X509_V_OK ? X509_V_ERR_UNSPECIFIED : code
    }

    private static func failure(_ code: Int32) -> TLSFailure {
        let text = X509_verify_cert_error_string(Int(code)).map { String(cString: $0) } ?? "error \(code)"
        switch code {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_CHAIN_TOO_LONG, X509_V_ERR_CERT_UNTRUSTED:
            return TLSFailure(.unknownCA, "no configured CA signed this certificate (\(text))")
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
            // A CA with our CA's name and another key looks like this, too.
            return TLSFailure(.unknownCA, "the signature is not by the configured CA of that name")
        case X509_V_ERR_CERT_NOT_YET_VALID: return TLSFailure(.notYetValid, text)
        case X509_V_ERR_CERT_HAS_EXPIRED: return TLSFailure(.expired, text)
        case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK:
            return TLSFailure(.weakKey, text)
        default: return TLSFailure(.badCertificate, text)
        }
    }

    private static func rank(_ reason: TLSFailure.Reason) -> Int {
        switch reason {
        case .unknownCA: 0
        case .badCertificate: 1
        case .weakKey: 2
        default: 3
        }
    }
}
