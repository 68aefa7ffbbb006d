// Makes the certificate that signs a configuration, laid out as v1's tool lays it out: version 3, serial 0, empty
// subject, keyUsage digitalSignature, the CA's key identifier if it has one, and the one URI. The subject being
// empty, RFC 5280 4.2.1.6 wants the alternative name critical. The certificate's own key is made for it and thrown
// away: what counts is the CA's signature over the URI.

import COpenSSL

extension ConfigSignature {
    /// DER of a certificate over `content`, valid one calendar year from `notBefore` (unix seconds), signed by the
    /// CA's key. Throws `.keyMismatch` or `.notAuthority` if the two do not make a CA.
    package static func sign(
        content: [UInt8], authority: Certificate, key: PrivateKey, notBefore: Int64
    ) throws(TLSError) -> [UInt8] {
        guard authority.canIssue else { throw .notAuthority(subject: authority.subject) }
        guard key.matches(authority) else { throw .keyMismatch }
        let issuer = try X509Object(der: authority.der)
        let notAfter = UTCTime(unixSeconds: notBefore).adding(years: 1).unixSeconds

        ErrorQueue.clear()
        guard let certificate = X509_new(), let throwaway = copenssl_generate_p256() else {
            throw .engine(detail: ErrorQueue.take().text)
        }
        defer {
            X509_free(certificate)
            EVP_PKEY_free(throwaway)
        }
        guard X509_set_version(certificate, Int(X509_VERSION_3)) == 1,
            ASN1_INTEGER_set(X509_get_serialNumber(certificate), 0) == 1,
            X509_set_issuer_name(certificate, X509_get_subject_name(issuer.pointer)) == 1,
            copenssl_set_time(X509_getm_notBefore(certificate), notBefore) != nil,
            copenssl_set_time(X509_getm_notAfter(certificate), notAfter) != nil,
            X509_set_pubkey(certificate, throwaway) == 1
        else { throw .engine(detail: ErrorQueue.take().text) }

        var extensions: [(identifier: Int32, value: String)] = [(NID_key_usage, "critical,digitalSignature")]
        if X509_get0_subject_key_id(issuer.pointer) != nil {
            extensions.append((NID_authority_key_identifier, "keyid"))
        }
        extensions.append(
            (NID_subject_alt_name, "critical,URI:" + ConfigURI.text(contentHash: sha256(content))))
        for entry in extensions {
            try add(entry.identifier, entry.value, to: certificate, issuer: issuer.pointer)
        }

        // Ed25519 signs the message itself (RFC 8410); the others sign its SHA-256.
        let digest = key.algorithm == .ed25519 ? nil : EVP_sha256()
        guard X509_sign(certificate, key.pointer, digest) > 0 else {
            throw .engine(detail: ErrorQueue.take().text)
        }
        return X509Object.encode(certificate)
    }

    private static func add(
        _ identifier: Int32, _ value: String, to certificate: OpaquePointer, issuer: OpaquePointer
    ) throws(TLSError) {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, certificate, nil, nil, 0)
        guard let made = X509V3_EXT_conf_nid(nil, &context, identifier, value) else {
            throw .engine(detail: ErrorQueue.take().text)
        }
        defer { X509_EXTENSION_free(made) }
        guard X509_add_ext(certificate, made, -1) == 1 else { throw .engine(detail: ErrorQueue.take().text) }
    }
}
