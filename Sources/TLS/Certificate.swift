// A certificate as a value: its DER, and what this router wants to know of it, read once. No libcrypto object is kept,
// so the value crosses threads and outlives every session; where libcrypto needs one (chains, keys) it is made again
// from the DER by `X509Object`.
//
// Strings are safe to print: what a stranger put into the certificate is escaped (see `PrintableText`).

import COpenSSL

/// One X.509 certificate, version 1 to 3.
package struct Certificate: Sendable, Hashable {
    /// What kind of key the certificate is about.
    package enum KeyAlgorithm: Sendable, Hashable, CustomStringConvertible {
        case ed25519
        case ecdsa(curve: String, bits: Int)
        case rsa(bits: Int)
        case other(String)

        /// Ed25519, ECDSA on P-256, P-384 or P-521, RSA of 2048 to 8192 bits: what v1's TLS stack and ours share.
        package var isAccepted: Bool {
            switch self {
            case .ed25519: true
            case .ecdsa(let curve, _): ["prime256v1", "secp384r1", "secp521r1"].contains(curve)
            case .rsa(let bits): (2048...8192).contains(bits)
            case .other: false
            }
        }

        package var description: String {
            switch self {
            case .ed25519: "Ed25519"
            case .ecdsa("prime256v1", _): "ECDSA P-256"
            case .ecdsa("secp384r1", _): "ECDSA P-384"
            case .ecdsa("secp521r1", _): "ECDSA P-521"
            case .ecdsa(let curve, let bits): "ECDSA \(curve) (\(bits) bits)"
            case .rsa(let bits): "RSA \(bits)"
            case .other(let name): name
            }
        }
    }

    package let der: [UInt8]
    /// SHA-256 of `der`, 32 bytes: for a node's leaf this is the node id.
    package let fingerprint: [UInt8]
    /// The name that rules may match: the subject's CommonName, or "" if `commonNameDefect` says why not (B4).
    package let commonName: String
    package let commonNameDefect: CommonNameDefect?
    /// The CommonName for people: escaped, at most 253 characters, "" if there is none.
    package let displayName: String
    /// RFC 2253 text in printable ASCII, "" for an empty name; cut after 1,000 characters.
    package let subject: String
    package let issuer: String
    /// Lower-case hexadecimal, "00" for zero, with a leading "-" for what RFC 5280 forbids.
    package let serialHex: String
    /// Validity, unix seconds: valid from `notBefore` on, expired from `notAfter` on (as libcrypto compares).
    package let notBefore: Int64
    package let notAfter: Int64
    package let keyAlgorithm: KeyAlgorithm
    /// X.509 version: v1's scripts make version 1, without extensions.
    package let version: Int
    /// basicConstraints says CA:TRUE.
    package let isCA: Bool
    /// May issue certificates when configured as CA: CA:TRUE, or self-signed version 1 as old scripts make.
    package let canIssue: Bool
    /// `DNS:…`, `URI:…`, `IP:…`, `email:…`, `other`; escaped, the first 100 of `subjectAltNameCount`.
    package let subjectAltNames: [String]
    package let subjectAltNameCount: Int
    /// The DNS and URI names among them, escaped the same way.
    package let dnsNames: [String]
    package let uriNames: [String]
    /// Short names as `serverAuth`, dotted numbers for unknown ones; nil without the extension.
    package let extendedKeyUsage: [String]?
    /// Some URI name has the scheme `vnet-conf`: it signs distributed configurations and is nobody's identity (B8).
    package let namesConfig: Bool
    /// The subject has no attribute at all.
    package let hasEmptySubject: Bool
    /// keyUsage leaves digitalSignature out (false without the extension).
    package let forbidsSignatures: Bool
    /// An extension is there twice or does not parse.
    package let hasBrokenExtensions: Bool

    /// A certificate from DER; trailing bytes and encodings that are not DER are refused.
    package init(der: [UInt8]) throws(TLSError) {
        self.init(try X509Object(der: der), der: der)
    }

    /// The first certificate of a PEM text.
    package init(pem text: [UInt8]) throws(TLSError) {
        guard let first = try Certificate.list(pem: text).first else { throw .noCertificate }
        self = first
    }

    /// All certificates of a PEM text in order, at least one and at most `limit`. Other blocks and text between are
    /// skipped.
    package static func list(pem text: [UInt8], limit: Int = 64) throws(TLSError) -> [Certificate] {
        var found: [Certificate] = []
        for block in try PEM.certificateBlocks(text, limit: limit) {
            found.append(try Certificate(der: block))
        }
        if found.isEmpty { throw .noCertificate }
        return found
    }

    /// The certificate as one PEM block with a final newline.
    package var pem: String { PEM.encode(der, label: "CERTIFICATE") }

    /// Whether `now` (unix seconds) has reached notAfter.
    package func hasExpired(at now: Int64) -> Bool { now >= notAfter }

    package static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }

    package func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }
}

extension Certificate {
    /// Reads every field off a parsed certificate; `der` is what it was parsed from.
    init(_ object: X509Object, der: [UInt8]) {
        let pointer = object.pointer
        let names = object.subjectAltNames()
        let usages = object.extendedKeyUsage()
        let name = CommonName(subject: X509_get_subject_name(pointer))
        let flags = X509_get_extension_flags(pointer)
        let keyUsage = X509_get_key_usage(pointer)
        let isVersion1 = flags & UInt32(EXFLAG_V1) != 0

        self.der = der
        fingerprint = sha256(der)
        commonName = name.name
        commonNameDefect = name.defect
        displayName = name.display
        subject = object.text(of: X509_get_subject_name(pointer))
        issuer = object.text(of: X509_get_issuer_name(pointer))
        serialHex = object.serialHex
        notBefore = object.notBefore
        notAfter = object.notAfter
        keyAlgorithm = KeyAlgorithm(key: X509_get0_pubkey(pointer))
        version = Int(X509_get_version(pointer)) &+ 1
        isCA = flags & UInt32(EXFLAG_CA) != 0
        canIssue = X509_check_ca(pointer) != 0
        subjectAltNames = names.entries.prefix(100).map(\.description)
        subjectAltNameCount = names.count
        dnsNames = names.entries.prefix(100).filter { $0.kind == .dns }.map(\.text)
        uriNames = names.entries.prefix(100).filter { $0.kind == .uri }.map(\.text)
        namesConfig = names.entries.contains { $0.kind == .uri && ConfigURI.hasScheme($0.bytes) }
        extendedKeyUsage = usages.names
        hasEmptySubject = X509_NAME_entry_count(X509_get_subject_name(pointer)) == 0
        forbidsSignatures = keyUsage != UInt32.max && keyUsage & UInt32(KU_DIGITAL_SIGNATURE) == 0
        hasBrokenExtensions =
            names.isBroken || usages.isBroken || flags & UInt32(EXFLAG_INVALID) != 0
            || (isVersion1 && X509_get_ext_count(pointer) > 0)
        ErrorQueue.clear()
    }
}

extension Certificate.KeyAlgorithm {
    /// The kind of a public or private key; `.other` for a key that libcrypto cannot read.
    init(key: OpaquePointer?) {
        guard let key else {
            self = .other("unreadable key")
            return
        }
        let bits = Int(EVP_PKEY_get_bits(key))
        switch EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_ED25519: self = .ed25519
        case EVP_PKEY_RSA: self = .rsa(bits: bits)
        case EVP_PKEY_EC:
            var name = [CChar](repeating: 0, count: 80)
            var length = 0
            let isNamed = EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1
            let curve = isNamed ? String(decoding: name.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self) : ""
            self = .ecdsa(curve: curve.isEmpty ? "with explicit parameters" : curve, bits: bits)
        default:
            let name = EVP_PKEY_get0_type_name(key).map { String(cString: $0) } ?? "unknown key"
            self = .other("\(name) (\(bits) bits)")
        }
        ErrorQueue.clear()
    }
}
