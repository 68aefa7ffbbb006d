// libssl's reasons, in our words. Alerts from the peer come as reasons from 1,000 on.

import COpenSSL

enum SessionErrors {
    static func classify(_ error: (library: Int32, reason: Int32, text: String)) -> TLSFailure {
        guard error.library == ERR_LIB_SSL else {
            return TLSFailure(.protocolError, error.text)
        }
        if error.reason >= SSL_AD_REASON_OFFSET {
            let name = SSL_alert_desc_string_long(error.reason - SSL_AD_REASON_OFFSET).map { String(cString: $0) }
            return TLSFailure(.refusedByPeer, "the peer answered with the alert \"\(name ?? error.text)\"")
        }
        switch error.reason {
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return TLSFailure(.noCertificate, "the peer presented no certificate")
        case SSL_R_NO_APPLICATION_PROTOCOL:
            return TLSFailure(.alpn, "the peer does not offer the application protocol h2")
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_NO_PROTOCOLS_AVAILABLE, SSL_R_NO_SHARED_CIPHER,
            SSL_R_NO_SHARED_GROUPS, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
            SSL_R_NO_SUITABLE_GROUPS, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
            return TLSFailure(.noCommonParameters, error.text)
        case SSL_R_EE_KEY_TOO_SMALL, SSL_R_CA_KEY_TOO_SMALL, SSL_R_CA_MD_TOO_WEAK, SSL_R_DH_KEY_TOO_SMALL:
            return TLSFailure(.weakKey, error.text)
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            return TLSFailure(.badCertificate, error.text)
        default:
            return TLSFailure(.protocolError, error.text)
        }
    }
}
