// From signed bytes to a config that the node may adopt: the protobuf, the signature, the content.

import Mesh
import TLS
import Wire

enum DistributedConfigCheck {
    /// The most that a signed config may be: it must travel in one message of v1.
    static let limit = (4 << 20) - (64 << 10)

    /// Reads the bytes of a `.bin` file.
    static func decode(_ bytes: [UInt8]) throws(ConfigRejection) -> SignedConfig {
        guard bytes.count <= limit else {
            throw ConfigRejection(reason: "content_invalid", detail: "larger than \(limit) bytes")
        }
        let signed: SignedConfig
        do { signed = try SignedConfig(decoding: bytes) } catch {
            throw ConfigRejection(reason: "bad_encoding", detail: "not a signed configuration")
        }
        guard signed.version == 1 else {
            throw ConfigRejection(reason: "unsupported_version", detail: "version \(signed.version); only 1 is known")
        }
        return signed
    }

    /// Signature, chain, hash and content.
    /// - Parameter allowEarly: one from the future is verified as if its time had come. The node holds it back until
    ///   then (B12); refused here, the same bytes would not be looked at again.
    static func verify(
        _ signed: SignedConfig, authorities: [Certificate], now: Int64, allowExpired: Bool = false,
        allowEarly: Bool = false
    ) throws(ConfigRejection) -> VerifiedConfig {
        guard signed.version == 1 else {
            throw ConfigRejection(reason: "unsupported_version", detail: "version \(signed.version); only 1 is known")
        }
        let signature: ConfigSignature
        let issuedAt = allowEarly ? (try? Certificate(der: signed.certificate))?.notBefore : nil
        let now = max(now, issuedAt ?? now)
        do {
            signature = try ConfigSignature.verify(
                certificate: signed.certificate, content: signed.content, authorities: authorities, now: now,
                allowExpired: allowExpired)
        } catch {
            throw ConfigRejection(reason: error.reason.rawValue, detail: error.detail)
        }
        do { _ = try PolicyContent.parse(signed.content) } catch {
            throw ConfigRejection(reason: "content_invalid", detail: "\(error)")
        }
        return VerifiedConfig(
            signed: signed, contentHash: signature.contentHash, issuedAt: signature.issuedAt,
            expiresAt: signature.expiresAt)
    }

    /// A config of our own disk: it was verified before it was stored, so it stays in force past its expiry and past
    /// the CA that signed it, with a warning.
    static func stored(
        _ bytes: [UInt8], authorities: [Certificate], now: Int64
    ) throws(ConfigRejection) -> (config: VerifiedConfig, warnings: [String]) {
        let signed = try decode(bytes)
        do {
            // A clock that stands before the issue time (no battery, 1970) does not take the policy away.
            let certificate = try? Certificate(der: signed.certificate)
            let judged = max(now, certificate?.notBefore ?? now)
            let config = try verify(signed, authorities: authorities, now: judged, allowExpired: true)
            let isExpired = config.expiresAt < now
            return (
                config,
                isExpired ? ["the stored distributed config has expired; it stays in force, sign a new one"] : []
            )
        } catch {
            guard error.reason == ConfigSignatureError.Reason.notSignedByCA.rawValue,
                let certificate = try? Certificate(der: signed.certificate),
                certificate.uriNames == ["vnet-conf://" + Hex.text(sha256(signed.content))],
                (try? PolicyContent.parse(signed.content)) != nil
            else { throw error }
            let config = VerifiedConfig(
                signed: signed, contentHash: sha256(signed.content), issuedAt: certificate.notBefore,
                expiresAt: certificate.notAfter)
            return (
                config,
                ["the stored distributed config is not signed by a configured CA; it stays in force, sign a new one"]
            )
        }
    }
}
