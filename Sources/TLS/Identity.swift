// Who this node is: a leaf, perhaps intermediates above it, and the private key. The key never leaves libcrypto's
// memory: there is no accessor for its bytes, and no error about it quotes its text (D17).

import COpenSSL

/// A private key. Immutable after creation, and libcrypto counts references atomically, so it may be shared.
package final class PrivateKey: @unchecked Sendable {
    let pointer: OpaquePointer
    package let algorithm: Certificate.KeyAlgorithm

    /// A key from PEM: PKCS #8, or the older `EC PRIVATE KEY` and `RSA PRIVATE KEY` that v1's first scripts made.
    package convenience init(pem: [UInt8]) throws(TLSError) {
        ErrorQueue.clear()
        defer { ErrorQueue.clear() }
        guard let input = MemoryBIO(copying: pem) else { throw .engine(detail: "out of memory") }
        var isEncrypted: Int32 = 0
        guard let key = copenssl_read_private_key(input.pointer, &isEncrypted) else {
            throw isEncrypted == 0 ? .malformedKey : .encryptedKey
        }
        try self.init(owning: key)
    }

    /// Takes over the caller's reference.
    init(owning pointer: OpaquePointer) throws(TLSError) {
        self.pointer = pointer
        algorithm = Certificate.KeyAlgorithm(key: pointer)
        guard algorithm.isAccepted else { throw .unsupportedKey(found: algorithm.description) }
    }

    deinit {
        EVP_PKEY_free(pointer)
    }

    /// Whether the certificate is about this key's public half.
    package func matches(_ certificate: Certificate) -> Bool {
        guard let object = try? X509Object(der: certificate.der) else { return false }
        defer { ErrorQueue.clear() }
        return X509_check_private_key(object.pointer, pointer) == 1
    }
}

/// A certificate with its private key.
package struct Identity: Sendable {
    package let certificate: Certificate
    /// Intermediates that are sent after the leaf, at most 4; empty where the CA signs nodes directly.
    package let chain: [Certificate]
    package let key: PrivateKey

    package init(certificate: Certificate, chain: [Certificate] = [], key: PrivateKey) throws(TLSError) {
        guard certificate.keyAlgorithm.isAccepted else {
            throw .unsupportedKey(found: certificate.keyAlgorithm.description)
        }
        guard key.matches(certificate) else { throw .keyMismatch }
        guard chain.count <= 4 else { throw .tooManyCertificates(limit: 5) }
        self.certificate = certificate
        self.chain = chain
        self.key = key
    }

    /// v1's two files: the leaf, with intermediates after it if there are any, and the key; both PEM.
    package init(certificatePEM: [UInt8], keyPEM: [UInt8]) throws(TLSError) {
        let certificates = try Certificate.list(pem: certificatePEM, limit: 5)
        guard let leaf = certificates.first else { throw .noCertificate }
        try self.init(
            certificate: leaf, chain: Array(certificates.dropFirst()), key: try PrivateKey(pem: keyPEM))
    }
}
