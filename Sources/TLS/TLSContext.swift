// What all sessions of one identity share: libssl's SSL_CTX, set up once and then only read.
//
// TLS 1.2 and 1.3 (v1 peers may use either), forward-secret AEAD ciphers, `h2` by ALPN and nothing else, a certificate
// from both sides. Off: session tickets and resumption (a resumed session would skip the trust decision), early data
// (replayable, E14), renegotiation, compression. No list of acceptable CAs is sent: a client that honours it would
// keep back the very certificate that we have pinned.

import COpenSSL

/// Identity and trust, ready for sessions in either role. Immutable: a changed certificate, CA or pin makes a new
/// context, and running sessions keep theirs. libssl counts references atomically, so it may be shared.
package final class TLSContext: @unchecked Sendable {
    /// What the tests bend to play a wrong peer; the daemon has no way to reach it.
    struct Settings {
        var minimumVersion = Int32(TLS1_2_VERSION)
        var maximumVersion = Int32(TLS1_3_VERSION)
        /// In the wire form of RFC 7301: each name after its length. nil sends no extension.
        var offeredProtocols: [UInt8]? = [2, 0x68, 0x32]
        var presentsCertificate = true
        var checksOwnLeaf = true
        var securityLevel: Int32 = 2
        var acceptsAnyPeer = false
    }

    let pointer: OpaquePointer
    let trust: TrustPolicy
    let settings: Settings
    package let identity: Identity

    /// Largest certificate list that is read from a peer, bytes.
    static let maximumCertificateList = 65_536
    static let ciphers12 = "ECDHE+AESGCM:ECDHE+CHACHA20"
    static let ciphers13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

    /// Throws `.unusableName` or `.unusableIdentity` for a certificate that peers would refuse or could not name (B4);
    /// expiry is left to the caller, who knows the time and may want to start all the same.
    package convenience init(identity: Identity, trust: TrustPolicy) throws(TLSError) {
        try self.init(identity: identity, trust: trust, settings: Settings())
    }

    init(identity: Identity, trust: TrustPolicy, settings: Settings) throws(TLSError) {
        if settings.checksOwnLeaf { try Self.checkOwn(identity.certificate) }
        ErrorQueue.clear()
        guard let pointer = SSL_CTX_new(TLS_method()) else { throw .engine(detail: ErrorQueue.take().text) }
        self.pointer = pointer
        self.identity = identity
        self.trust = trust
        self.settings = settings
        try limit()
        if settings.presentsCertificate { try present() }

        let verification = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
        SSL_CTX_set_verify(pointer, settings.acceptsAnyPeer ? SSL_VERIFY_NONE : verification, nil)
        SSL_CTX_set_cert_verify_callback(pointer, decideAboutPeer, nil)
        SSL_CTX_set_alpn_select_cb(pointer, selectProtocol, nil)
        if let offered = settings.offeredProtocols {
            // Zero is success here, unlike everywhere else in libssl.
            guard SSL_CTX_set_alpn_protos(pointer, offered, UInt32(offered.count)) == 0 else {
                throw .engine(detail: ErrorQueue.take().text)
            }
        }
    }

    deinit {
        SSL_CTX_free(pointer)
    }

    private static func checkOwn(_ certificate: Certificate) throws(TLSError) {
        if let defect = certificate.commonNameDefect { throw .unusableName(defect) }
        do throws(TLSFailure) {
            try LeafRules.check(certificate)
        } catch {
            throw .unusableIdentity(error.reason, detail: error.detail)
        }
    }

    private func limit() throws(TLSError) {
        // Explicit, so that the machine's openssl.cnf neither weakens nor breaks a node.
        SSL_CTX_set_security_level(pointer, settings.securityLevel)
        guard
            copenssl_ctx_set_versions(pointer, settings.minimumVersion, settings.maximumVersion) == 1,
            SSL_CTX_set_cipher_list(pointer, Self.ciphers12) == 1,
            SSL_CTX_set_ciphersuites(pointer, Self.ciphers13) == 1,
            copenssl_ctx_set_groups(pointer, "X25519:P-256:P-384") == 1
        else { throw .engine(detail: ErrorQueue.take().text) }
        let options =
            copenssl_op_no_ticket() | copenssl_op_no_compression() | copenssl_op_no_renegotiation()
            | copenssl_op_cipher_server_preference()
        _ = SSL_CTX_set_options(pointer, options)
        copenssl_ctx_session_cache_off(pointer)
        _ = SSL_CTX_set_num_tickets(pointer, 0)
        _ = SSL_CTX_set_max_early_data(pointer, 0)
        _ = SSL_CTX_set_recv_max_early_data(pointer, 0)
        // Released buffers keep an idle peer small (G2); no automatic chain: the leaf travels with what the operator
        // put beside it, not with what libssl finds among the CAs (B9).
        copenssl_ctx_set_mode(
            pointer,
            copenssl_mode_partial_write() | copenssl_mode_moving_write_buffer() | copenssl_mode_release_buffers()
                | copenssl_mode_no_auto_chain())
        copenssl_ctx_set_max_cert_list(pointer, Self.maximumCertificateList)
        // A server that asks for certificates must name its sessions, even if it resumes none.
        let name: [UInt8] = Array("vmesh".utf8)
        guard SSL_CTX_set_session_id_context(pointer, name, UInt32(name.count)) == 1 else {
            throw .engine(detail: ErrorQueue.take().text)
        }
    }

    private func present() throws(TLSError) {
        let leaf = try X509Object(der: identity.certificate.der)
        guard SSL_CTX_use_certificate(pointer, leaf.pointer) == 1,
            SSL_CTX_use_PrivateKey(pointer, identity.key.pointer) == 1,
            SSL_CTX_check_private_key(pointer) == 1
        else { throw .engine(detail: ErrorQueue.take().text) }
        for certificate in identity.chain {
            let object = try X509Object(der: certificate.der)
            guard copenssl_ctx_add_chain_certificate(pointer, object.pointer) == 1 else {
                throw .engine(detail: ErrorQueue.take().text)
            }
        }
    }
}

/// The server's side of ALPN (RFC 7301 3.2): `h2` if the client offers it, else the alert no_application_protocol.
private func selectProtocol(
    _: OpaquePointer?, selected: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    selectedCount: UnsafeMutablePointer<UInt8>?, offered: UnsafePointer<UInt8>?, offeredCount: UInt32,
    _: UnsafeMutableRawPointer?
) -> Int32 {
    guard let offered, let selected, let selectedCount else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    let list = UnsafeBufferPointer(start: offered, count: Int(offeredCount))
    var index = 0
    while index < list.count {
        let length = Int(list[index])
        guard length > 0, length <= list.count - index - 1 else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        if length == 2, list[index + 1] == 0x68, list[index + 2] == 0x32 {
            // It may point into the offer: libssl copies before it lets the offer go.
            selected.pointee = offered + index + 1
            selectedCount.pointee = 2
            return SSL_TLSEXT_ERR_OK
        }
        index += 1 + length
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
}

/// libssl asks here, in the middle of the handshake, instead of checking the chain itself.
private func decideAboutPeer(_ store: OpaquePointer?, _: UnsafeMutableRawPointer?) -> Int32 {
    guard let store,
        let session = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let owner = SSL_get_ex_data(OpaquePointer(session), 0)
    else { return 0 }
    // The session object owns the SSL that is calling, and is itself running the handshake: it is alive.
    let failure = Unmanaged<TLSSession>.fromOpaque(owner).takeUnretainedValue().decide(
        leaf: X509_STORE_CTX_get0_cert(store), intermediates: X509_STORE_CTX_get0_untrusted(store))
    guard let failure else {
        X509_STORE_CTX_set_error(store, X509_V_OK)
        return 1
    }
    // libssl turns this code into the alert that the peer sees (RFC 8446 6.2).
    let code =
        switch failure.reason {
        case .unknownCA: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        case .expired: X509_V_ERR_CERT_HAS_EXPIRED
        case .notYetValid: X509_V_ERR_CERT_NOT_YET_VALID
        case .badKeyUsage, .isCA, .isConfigSigner: X509_V_ERR_INVALID_PURPOSE
        case .weakKey: X509_V_ERR_EE_KEY_TOO_SMALL
        case .alpn: X509_V_ERR_APPLICATION_VERIFICATION
        default: X509_V_ERR_CERT_REJECTED
        }
    X509_STORE_CTX_set_error(store, code)
    return 0
}
