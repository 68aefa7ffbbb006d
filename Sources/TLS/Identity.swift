// Who this node is: leaf, chain, key. (Skeleton: bodies follow.)

package final class PrivateKey: @unchecked Sendable {
    package init(pem: [UInt8]) throws(TLSError) { throw .malformedKey }
    package func matches(_ certificate: Certificate) -> Bool { false }
}

package struct Identity: Sendable {
    package let certificate: Certificate
    /// Intermediates sent after the leaf; empty by habit.
    package let chain: [Certificate]
    package let key: PrivateKey
    package init(certificate: Certificate, chain: [Certificate] = [], key: PrivateKey) throws(TLSError) { throw .keyMismatch }
    /// v1's two files: PEM of the leaf (and intermediates after it), PEM of the key.
    package init(certificatePEM: [UInt8], keyPEM: [UInt8]) throws(TLSError) { throw .keyMismatch }
}
