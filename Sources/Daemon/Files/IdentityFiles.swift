// The files that say who this node is and whom it trusts: CA, leaf, key, pinned external peers.
//
// All are read and checked before anything changes, at start as at a reload; an error names the file and the remedy.
// Key material lives only in `Identity`, never in an error.

import ManagementAPI
import Platform
import Routing
import TLS

/// Why certificates or keys cannot be used; one line.
struct IdentityError: Error, CustomStringConvertible {
    let file: String
    let description: String
}

/// What the files of a configuration hold.
struct NodeIdentity {
    let identity: Identity
    let id: NodeID
    /// The leaf's CommonName.
    let name: String
    /// What follows the name's first dot.
    let domain: String
    let authorities: [Certificate]
    /// By path, in the configuration's order.
    let external: [(path: String, certificate: Certificate)]
    let context: TLSContext
    let warnings: [String]

    /// - Parameter now: unix seconds. A node whose certificate has expired starts, with a warning, since an admin must
    ///   get in.
    init(_ config: NodeConfig, now: Int64) throws(IdentityError) {
        let authorities = try Self.certificates(config.ca)
        var warnings: [String] = []
        let identity = try Self.load(config)
        let leaf = identity.certificate
        if let defect = leaf.commonNameDefect {
            throw IdentityError(
                file: config.certificate,
                description: "\(config.certificate): the CommonName cannot be a node's name (\(defect)): "
                    + "make a certificate for a name such as a.vnet.example.com")
        }
        guard let id = NodeID(bytes: leaf.fingerprint) else {
            throw IdentityError(file: config.certificate, description: "\(config.certificate): no fingerprint")
        }
        if leaf.hasExpired(at: now) {
            warnings.append(
                "\(config.certificate) expired on \(Timestamp(seconds: leaf.notAfter)): peers will refuse this node; "
                    + "sign a new one")
        } else if leaf.notBefore > now {
            warnings.append(
                "\(config.certificate) is not valid before \(Timestamp(seconds: leaf.notBefore)); is the clock right?")
        }
        var external: [(path: String, certificate: Certificate)] = []
        for path in config.externalPeerCertificates {
            guard let certificate = try Self.certificates(path).first else { continue }
            external.append((path, certificate))
        }
        do {
            let trust = try TrustPolicy(authorities: authorities, pins: Set(external.map(\.certificate.fingerprint)))
            context = try TLSContext(identity: identity, trust: trust)
        } catch {
            throw IdentityError(file: config.ca, description: "\(config.ca): \(error)")
        }
        self.identity = identity
        self.id = id
        name = leaf.commonName
        domain =
            leaf.commonName.firstIndex(of: ".").map { String(leaf.commonName[leaf.commonName.index(after: $0)...]) }
            ?? ""
        self.authorities = authorities
        self.external = external
        self.warnings = warnings
    }

    private static func load(_ config: NodeConfig) throws(IdentityError) -> Identity {
        let certificate = try read(config.certificate) { path throws(PlatformError) in
            try Files.read(path, limit: 1 << 20)
        }
        let key = try read(config.privateKey) { path throws(PlatformError) in try Files.readSecret(path, limit: 1 << 16)
        }
        do { return try Identity(certificatePEM: certificate, keyPEM: key) } catch {
            switch error {
            case .malformedKey, .encryptedKey, .unsupportedKey:
                throw IdentityError(file: config.privateKey, description: "\(config.privateKey): \(error)")
            case .keyMismatch:
                throw IdentityError(
                    file: config.privateKey,
                    description: "\(config.privateKey): the key does not belong to \(config.certificate)")
            default: throw IdentityError(file: config.certificate, description: "\(config.certificate): \(error)")
            }
        }
    }

    static func certificates(_ path: String) throws(IdentityError) -> [Certificate] {
        let bytes = try read(path) { path throws(PlatformError) in try Files.read(path, limit: 1 << 20) }
        do { return try Certificate.list(pem: bytes) } catch {
            throw IdentityError(file: path, description: "\(path): \(error)")
        }
    }

    private static func read(
        _ path: String, _ how: (String) throws(PlatformError) -> [UInt8]
    ) throws(IdentityError) -> [UInt8] {
        do { return try how(path) } catch { throw IdentityError(file: path, description: "\(error)") }
    }
}
