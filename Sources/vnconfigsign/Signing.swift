// Signing: read, check, sign, check what was signed, write. Nothing is written unless all of it holds.
//
// The issue time is the version of a configuration, to the second, and equal versions with different content are a
// conflict in the mesh (B13). So the time is always later than that of every file already in the directory; should
// one of them be from this very second, the new one is dated a second later, which every node's tolerance covers.

import Platform
import TLS
import Wire

struct Signing {
    let authority: String
    let key: String
    let config: String
    let directory: String

    /// Largest certificate or key file, bytes.
    static let pemLimit = 1 << 20
    /// How far ahead of the clock a date may be pushed, seconds: what nodes forgive.
    static let furthestAhead: Int64 = 300

    /// The path of the file that was written.
    func run() throws(Complaint) -> String {
        let content = try Self.read(config, limit: PolicyContent.maximumBytes)
        try check(content)
        let certificate = try Self.authority(authority)
        let signature: [UInt8]
        let now = SystemClock.wallSeconds()
        let issued = try issueTime(now: now)
        let secret: [UInt8]
        do throws(PlatformError) {
            secret = try Files.readSecret(key, limit: Self.pemLimit)
        } catch {
            throw Complaint("\(error)")
        }
        do throws(TLSError) {
            let key = try PrivateKey(pem: secret)
            signature = try ConfigSignature.sign(
                content: content, authority: certificate, key: key, notBefore: issued)
        } catch {
            throw Complaint(error == .keyMismatch ? "\(key) is not the key of \(authority)" : "\(key): \(error)")
        }
        // As a node will: an expired CA, for one, shows here and not a year of refusals later.
        do throws(ConfigSignatureError) {
            _ = try ConfigSignature.verify(
                certificate: signature, content: content, authorities: [certificate], now: issued)
        } catch {
            throw Complaint("nodes would refuse this signature: \(error)")
        }
        let path = directory + "/" + Self.name(issued)
        let bytes = SignedConfig(certificate: signature, content: content).encoded()
        do throws(PlatformError) {
            try Files.write(path, bytes, mode: 0o644)
        } catch {
            throw Complaint("\(error)")
        }
        return path
    }

    private func check(_ content: [UInt8]) throws(Complaint) {
        do throws(PolicyError) {
            for warning in try PolicyContent.checkBeforeSigning(content).warnings {
                Program.say("warning: \(config): \(warning)")
            }
        } catch {
            let first = error.issues.first.map { "\($0)" } ?? "\(error)"
            let others = error.issues.count > 1 ? " (and \(error.issues.count - 1) more)" : ""
            throw Complaint("\(config): \(first)\(others); nothing was signed")
        }
    }

    /// `now`, or the second after the newest file's.
    private func issueTime(now: Int64) throws(Complaint) -> Int64 {
        let names: [String]
        do throws(PlatformError) {
            names = try Files.list(directory)
        } catch {
            let remedy = error.code == .notFound ? "; create it with: mkdir -p \(directory)" : ""
            throw Complaint("\(error)\(remedy)")
        }
        guard let newest = names.compactMap(Self.time(of:)).max(), newest >= now else { return now }
        guard newest < now + Self.furthestAhead else {
            throw Complaint(
                "\(directory)/\(Self.name(newest)) is from the future: set the clock, or move that file away")
        }
        return newest + 1
    }

    static func name(_ seconds: Int64) -> String {
        "dconf-\(UTCTime(unixSeconds: seconds).fileNamePart).bin"
    }

    static func time(of name: String) -> Int64? {
        guard name.hasPrefix("dconf-"), name.hasSuffix(".bin") else { return nil }
        return UTCTime(fileNamePart: name.dropFirst(6).dropLast(4))?.unixSeconds
    }

    static func read(_ path: String, limit: Int) throws(Complaint) -> [UInt8] {
        do throws(PlatformError) {
            return try Files.read(path, limit: limit)
        } catch {
            throw Complaint("\(error)")
        }
    }

    /// The first certificate of the file, as v1 reads it.
    static func authority(_ path: String) throws(Complaint) -> Certificate {
        let text = try read(path, limit: pemLimit)
        do throws(TLSError) {
            let certificate = try Certificate(pem: text)
            guard certificate.canIssue else { throw .notAuthority(subject: certificate.subject) }
            return certificate
        } catch {
            throw Complaint("\(path): \(error)")
        }
    }
}
