// Whom this node trusts. (Skeleton: bodies follow.)

package struct TrustPolicy: Sendable {
    package let authorities: [Certificate]
    /// SHA-256(leaf DER) of external peers.
    package let pins: Set<[UInt8]>
    package init(authorities: [Certificate], pins: Set<[UInt8]> = []) throws(TLSError) { throw .noCertificate }
}

package enum PeerTrust: Sendable, Hashable {
    case internalCA
    case externalPin
}

package struct PeerIdentity: Sendable, Hashable {
    package let certificate: Certificate
    package let trust: PeerTrust
}
