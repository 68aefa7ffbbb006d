// What a signed configuration says: when it was issued, until when it holds, who signed it, and the table in it.
// Everything is shown even if something is wrong; the answer is no if a node would refuse to adopt it now.

import Platform
import TLS
import Wire

struct Inspection {
    private let path: String
    private let config: SignedConfig
    private let certificate: Certificate
    private let authority: Certificate?

    /// Envelope and certificate around the content's 1 MiB, bytes.
    static let limit = PolicyContent.maximumBytes + (1 << 16)

    init(of path: String, authority: String?) throws(Complaint) {
        self.path = path
        let bytes = try Signing.read(path, limit: Self.limit)
        do throws(WireError) {
            config = try SignedConfig(decoding: bytes)
        } catch {
            throw Complaint("\(path): not a signed configuration (expected a dconf-….bin file)")
        }
        do throws(TLSError) {
            certificate = try Certificate(der: config.certificate)
        } catch {
            throw Complaint("\(path): not a signed configuration: \(error)")
        }
        self.authority = if let authority { try Signing.authority(authority) } else { nil }
    }

    /// Prints the report; true if all that could be checked is good.
    func report() -> Bool {
        var isGood = true
        var lines = ["file      \(path)"]
        if config.version != 1 {
            lines.append("version   \(config.version): UNSUPPORTED, nodes know version 1")
            isGood = false
        }
        let now = SystemClock.wallSeconds()
        lines.append("issued    \(UTCTime(unixSeconds: certificate.notBefore))")
        lines.append(
            "expires   \(UTCTime(unixSeconds: certificate.notAfter))"
                + (certificate.hasExpired(at: now) ? ": EXPIRED" : ""))
        lines.append("content   \(config.content.count) bytes, sha256:\(Self.hexadecimal(sha256(config.content)))")
        let (signer, isSigned) = signer(now: now)
        lines.append("signer    \(signer)")
        isGood = isGood && isSigned
        do throws(PolicyError) {
            let policy = try PolicyContent.parse(config.content)
            lines.append("entries")
            lines += policy.summary().map { "  \($0)" }
        } catch {
            lines.append("entries   INVALID: \(error)")
            isGood = false
        }
        StandardOutput.write(lines.joined(separator: "\n") + "\n")
        return isGood
    }

    private func signer(now: Int64) -> (text: String, isGood: Bool) {
        guard let authority else {
            return ("not checked; name the CA with --ca-cert FILE (issuer: \(certificate.issuer))", true)
        }
        do throws(ConfigSignatureError) {
            _ = try ConfigSignature.verify(
                certificate: config.certificate, content: config.content, authorities: [authority], now: now)
            return ("valid, \(authority.subject), sha256:\(Self.hexadecimal(authority.fingerprint))", true)
        } catch {
            return ("INVALID: \(error)", false)
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
