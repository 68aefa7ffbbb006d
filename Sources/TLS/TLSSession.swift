// One TLS session without a socket: ciphertext goes in and comes out as bytes, plaintext likewise.
//
//   socket -> receive(_:) -> [memory BIO] -> libssl -> read(into:) -> HTTP/2
//   socket <- takeCiphertext(into:) <- [memory BIO] <- libssl <- write(_:) <- HTTP/2
//
// After every `receive` the caller reads plaintext until 0 comes back and then takes the ciphertext that resulted (the
// handshake, alerts, key updates). A failure ends the session and only it: `state` keeps the first one, later bytes
// are ignored, and `takeCiphertext` still hands out the alert.
//
// Bounds: 256 KiB of ciphertext either way, 64 KiB of peer certificates. What a peer can make libssl queue by itself
// (key updates) counts as well.

import COpenSSL

/// Belongs to one thread at a time.
package final class TLSSession {
    /// Which end this is. The server name becomes SNI if it is a DNS name; it is not compared with the certificate,
    /// since v1 certificates often have no subjectAltName: the mesh compares names (B19).
    package enum Role: Sendable, Hashable {
        case client(serverName: String?)
        case server
    }

    /// How far the session is.
    package enum State: Sendable, Equatable {
        case handshaking
        /// Both certificates are verified, `h2` is agreed on. A TLS 1.3 client gets here before the server has judged
        /// its certificate: a refusal then follows as `.failed(refused_by_peer)`.
        case established(PeerIdentity)
        case failed(TLSFailure)
        /// close_notify was sent or received.
        case closed
    }

    package private(set) var state: State = .handshaking

    /// Plaintext is refused while this much ciphertext waits for the socket, bytes.
    package static let outputLimit = 262_144
    /// Unread ciphertext that ends the session, and the mark above which the socket should be left alone, bytes.
    package static let inputLimit = 262_144
    package static let inputMark = 65_536

    private let context: TLSContext
    private let session: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer
    private let isServer: Bool
    private let now: Int64
    private var verdict: Result<PeerIdentity, TLSFailure>?

    /// `now` is the time, in unix seconds, against which the peer's certificate is held. A client's first flight is
    /// ready at once.
    package init(context: TLSContext, role: Role, now: Int64) throws(TLSError) {
        ErrorQueue.clear()
        defer { ErrorQueue.clear() }
        guard let session = SSL_new(context.pointer), let input = BIO_new(BIO_s_mem()) else {
            throw .engine(detail: "out of memory")
        }
        guard let output = BIO_new(BIO_s_mem()) else {
            BIO_free(input)
            SSL_free(session)
            throw .engine(detail: "out of memory")
        }
        // From here on the SSL owns both BIOs.
        SSL_set_bio(session, input, output)
        self.context = context
        self.session = session
        self.input = input
        self.output = output
        self.now = now
        isServer = role == .server
        guard SSL_set_ex_data(session, 0, Unmanaged.passUnretained(self).toOpaque()) == 1 else {
            throw .engine(detail: "out of memory")
        }
        switch role {
        case .server: SSL_set_accept_state(session)
        case .client(let name):
            SSL_set_connect_state(session)
            if let name, Self.mayBeServerName(name) { _ = copenssl_set_server_name(session, name) }
            // Nothing was received that could make this fail, other than libssl itself.
            try? advance()
        }
    }

    deinit {
        SSL_free(session)
    }

    /// RFC 6066 3: a DNS name, no address literal, no trailing dot.
    static func mayBeServerName(_ name: String) -> Bool {
        let bytes = name.utf8
        guard (1...253).contains(bytes.count), bytes.last != UInt8(ascii: ".") else { return false }
        let isLegal = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return isLegal && bytes.contains { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) && $0 != 0x2E }
    }

    // MARK: Ciphertext

    /// Takes what the socket gave, and goes on with the handshake. Throws when the session fails by it; ignored once
    /// the session is closed.
    package func receive(_ bytes: UnsafeRawBufferPointer) throws(TLSFailure) {
        switch state {
        case .failed(let failure): throw failure
        case .closed: return
        case .handshaking, .established: break
        }
        if let start = bytes.baseAddress, !bytes.isEmpty {
            guard bytes.count <= Self.inputLimit, BIO_ctrl_pending(input) <= Self.inputLimit - bytes.count else {
                throw fail(TLSFailure(.overflow, "more than \(Self.inputLimit) bytes of ciphertext were left unread"))
            }
            var written = 0
            guard BIO_write_ex(input, start, bytes.count, &written) == 1, written == bytes.count else {
                throw fail(TLSFailure(.overflow, "no memory for ciphertext"))
            }
        }
        if state == .handshaking { try advance() }
    }

    /// False while so much ciphertext waits to be read as plaintext that the socket should not be read.
    package var wantsCiphertext: Bool {
        switch state {
        case .handshaking, .established: BIO_ctrl_pending(input) < Self.inputMark
        case .failed, .closed: false
        }
    }

    /// Bytes that wait for the socket.
    package var pendingCiphertext: Int { BIO_ctrl_pending(output) }

    /// Appends all of them; after a failure, the alert.
    package func takeCiphertext(into bytes: inout [UInt8]) {
        let count = BIO_ctrl_pending(output)
        guard count > 0 else { return }
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: count))
        var taken = 0
        bytes.withUnsafeMutableBytes { buffer in
            _ = BIO_read_ex(output, buffer.baseAddress.map { $0 + start }, count, &taken)
        }
        if taken < count { bytes.removeLast(count - taken) }
    }

    // MARK: Plaintext

    /// Bytes read into `buffer`; 0: none for now, or the session is closed (see `state`).
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(TLSFailure) -> Int {
        switch state {
        case .failed(let failure): throw failure
        case .handshaking, .closed: return 0
        case .established: break
        }
        guard !buffer.isEmpty else { return 0 }
        ErrorQueue.clear()
        var count = 0
        let result = SSL_read_ex(session, buffer.baseAddress, buffer.count, &count)
        if result == 1 { return count }
        switch SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
            ErrorQueue.clear()
        case SSL_ERROR_ZERO_RETURN:
            ErrorQueue.clear()
            shutdown()
        default:
            throw fail(SessionErrors.classify(ErrorQueue.take()))
        }
        guard pendingCiphertext <= 2 * Self.outputLimit else {
            throw fail(TLSFailure(.overflow, "the peer makes this end answer faster than it reads"))
        }
        return 0
    }

    /// Bytes accepted of `plaintext`: fewer once `outputLimit` bytes of ciphertext are pending, none unless the session
    /// is established.
    package func write(_ plaintext: UnsafeRawBufferPointer) -> Int {
        guard case .established = state, let start = plaintext.baseAddress else { return 0 }
        var accepted = 0
        while accepted < plaintext.count, pendingCiphertext < Self.outputLimit {
            ErrorQueue.clear()
            var count = 0
            // A record each time (RFC 8446 5.1: at most 16 KiB of plaintext).
            let part = min(plaintext.count - accepted, 16_384)
            let result = SSL_write_ex(session, start + accepted, part, &count)
            guard result == 1 else {
                let code = SSL_get_error(session, result)
                let error = ErrorQueue.take()
                if code != SSL_ERROR_WANT_READ, code != SSL_ERROR_WANT_WRITE {
                    _ = fail(SessionErrors.classify(error))
                }
                break
            }
            accepted += count
        }
        return accepted
    }

    /// Queues close_notify. Nothing is read or written afterwards.
    package func shutdown() {
        guard case .established = state else {
            if state == .handshaking { state = .closed }
            return
        }
        ErrorQueue.clear()
        _ = SSL_shutdown(session)
        ErrorQueue.clear()
        state = .closed
    }

    // MARK: What was agreed on

    /// Such as "TLSv1.3".
    package var protocolVersion: String { SSL_get_version(session).map { String(cString: $0) } ?? "unknown" }

    /// libssl's name of the cipher suite; nil before it is agreed on.
    package var cipher: String? {
        guard let cipher = SSL_get_current_cipher(session), let name = SSL_CIPHER_get_name(cipher) else { return nil }
        return String(cString: name)
    }

    /// The protocol selected by ALPN: "h2" once established.
    package var applicationProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(session, &name, &count)
        guard let name, count > 0 else { return nil }
        return PrintableText.escape(Array(UnsafeBufferPointer(start: name, count: Int(count))), limit: 255)
    }

    /// Keying material that both ends, and nobody else, can compute (RFC 5705, RFC 8446 7.5); `length` 1 … 1,024 bytes.
    /// nil unless established, and in TLS 1.2 without the extended master secret (RFC 7627), which it would need to be
    /// bound to this session.
    package func exporter(label: String, context: [UInt8], length: Int) -> [UInt8]? {
        guard case .established = state, (1...1_024).contains(length) else { return nil }
        guard SSL_version(session) >= TLS1_3_VERSION || copenssl_has_extended_master_secret(session) == 1 else {
            return nil
        }
        ErrorQueue.clear()
        defer { ErrorQueue.clear() }
        var material = [UInt8](repeating: 0, count: length)
        let result = SSL_export_keying_material(
            session, &material, length, label, label.utf8.count, context, context.count, 1)
        return result == 1 ? material : nil
    }

    // MARK: The handshake

    private func advance() throws(TLSFailure) {
        ErrorQueue.clear()
        let result = SSL_do_handshake(session)
        if result == 1 {
            try establish()
            return
        }
        switch SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
            ErrorQueue.clear()
        default:
            let error = ErrorQueue.take()
            if case .failure(let failure) = verdict { throw fail(failure) }
            throw fail(SessionErrors.classify(error))
        }
    }

    private func establish() throws(TLSFailure) {
        ErrorQueue.clear()
        switch verdict {
        case .success(let peer):
            guard applicationProtocol == "h2" else { throw fail(Self.missingProtocol) }
            state = .established(peer)
        case .failure(let failure):
            throw fail(failure)
        case nil:
            // libssl does not get here without a certificate; should it, nobody is at the other end.
            throw fail(TLSFailure(.noCertificate, "the peer presented no certificate"))
        }
    }

    /// The verify callback's body: nil to go on, else why the handshake ends here.
    func decide(leaf: OpaquePointer?, intermediates: OpaquePointer?) -> TLSFailure? {
        do throws(TLSFailure) {
            guard let leaf, X509_up_ref(leaf) == 1 else {
                throw TLSFailure(.noCertificate, "the peer presented no certificate")
            }
            let certificate: Certificate
            do throws(TLSError) {
                let object = try X509Object(owning: leaf)
                certificate = Certificate(object, der: object.encoded())
            } catch {
                throw TLSFailure(.badCertificate, error.description)
            }
            // ALPN comes before certificates in both versions, so a peer that cannot speak h2 learns it here. A v1
            // stack offers it always.
            guard applicationProtocol == "h2" else { throw Self.missingProtocol }
            let trust = try context.trust.judge(
                leaf: leaf, certificate: certificate, intermediates: intermediates, now: now)
            verdict = .success(PeerIdentity(certificate: certificate, trust: trust))
            return nil
        } catch {
            verdict = .failure(error)
            return error
        }
    }

    private static let missingProtocol = TLSFailure(
        .alpn, "the application protocol h2 was not agreed on (ALPN, RFC 7301)")

    private func fail(_ failure: TLSFailure) -> TLSFailure {
        if case .failed(let first) = state { return first }
        state = .failed(failure)
        return failure
    }
}
