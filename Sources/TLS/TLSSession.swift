// One TLS session, sans-I/O. (Skeleton: bodies follow.)

/// Immutable: a changed certificate, CA or pin means a new context; sessions keep theirs.
package final class TLSContext: @unchecked Sendable {
    package init(identity: Identity, trust: TrustPolicy) throws(TLSError) { throw .noCertificate }
}

package final class TLSSession {
    package enum Role: Sendable, Hashable { case client(serverName: String?), server }
    package enum State: Sendable, Equatable { case handshaking, established(PeerIdentity), failed(TLSFailure), closed }

    package private(set) var state: State = .handshaking
    /// `now`: unix seconds against which the peer's certificate is held.
    package init(context: TLSContext, role: Role, now: Int64) throws(TLSError) { throw .noCertificate }
    /// Ciphertext from the socket; drives the handshake. Afterwards read plaintext until 0 and take ciphertext.
    package func receive(_ bytes: UnsafeRawBufferPointer) throws(TLSFailure) {}
    /// False while so much ciphertext waits to be read that the socket should not be read.
    package var wantsCiphertext: Bool { true }
    /// Plaintext bytes read, 0: none now (see `state`).
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(TLSFailure) -> Int { 0 }
    /// Bytes accepted: fewer while 256 KiB of ciphertext are pending, 0 unless established.
    package func write(_ plaintext: UnsafeRawBufferPointer) -> Int { 0 }
    package var pendingCiphertext: Int { 0 }
    /// Appends what must go to the socket (also after a failure: the alert).
    package func takeCiphertext(into bytes: inout [UInt8]) {}
    /// Queues close_notify.
    package func shutdown() {}
    /// "TLSv1.3", cipher name: once established.
    package var protocolVersion: String? { nil }
    package var cipher: String? { nil }
    package var applicationProtocol: String? { nil }
    /// RFC 5705 / RFC 8446 §7.5; nil unless established (TLS 1.2: with extended master secret).
    package func exporter(label: String, context: [UInt8], length: Int) -> [UInt8]? { nil }
}
