// One libcrypto X509, owned, and the reading of its fields. All accessors here meet bytes that a stranger chose: none
// assumes that an extension is well formed, present once, or short.

import COpenSSL

/// Owns an `X509`.
final class X509Object {
    let pointer: OpaquePointer
    let notBefore: Int64
    let notAfter: Int64

    /// Takes over the caller's reference. Fails if the validity cannot be read: nothing can be decided about such one.
    init(owning pointer: OpaquePointer) throws(TLSError) {
        var first: Int64 = 0
        var last: Int64 = 0
        guard copenssl_unix_time(X509_get0_notBefore(pointer), &first) == 1,
            copenssl_unix_time(X509_get0_notAfter(pointer), &last) == 1
        else {
            X509_free(pointer)
            ErrorQueue.clear()
            throw .malformedCertificate(detail: "its validity is not a date")
        }
        self.pointer = pointer
        notBefore = first
        notAfter = last
    }

    convenience init(der: [UInt8]) throws(TLSError) {
        ErrorQueue.clear()
        let parsed = der.withUnsafeBufferPointer { buffer -> (object: OpaquePointer?, consumed: Int) in
            var cursor = buffer.baseAddress
            let object = d2i_X509(nil, &cursor, buffer.count)
            guard let start = buffer.baseAddress, let end = cursor else { return (object, 0) }
            return (object, end - start)
        }
        guard let pointer = parsed.object else {
            throw .malformedCertificate(detail: ErrorQueue.take().text)
        }
        try self.init(owning: pointer)
        guard parsed.consumed == der.count else {
            throw .malformedCertificate(detail: "bytes follow the certificate")
        }
        // Two encodings of one certificate would be two node ids (B17): only the canonical one counts.
        guard encoded() == der else { throw .malformedCertificate(detail: "it is not encoded in DER") }
    }

    deinit {
        X509_free(pointer)
    }

    /// DER.
    func encoded() -> [UInt8] { X509Object.encode(pointer) }

    static func encode(_ pointer: OpaquePointer) -> [UInt8] {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509(pointer, &bytes)
        ErrorQueue.clear()
        guard count > 0, let bytes else { return [] }
        defer { copenssl_free(bytes) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }

    var serialHex: String {
        guard let serial = X509_get0_serialNumber(pointer) else { return "" }
        let count = Int(ASN1_STRING_length(serial))
        let bytes = count > 0 ? Array(UnsafeBufferPointer(start: ASN1_STRING_get0_data(serial), count: count)) : [0]
        let sign = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER ? "-" : ""
        return sign + Hex.encode(bytes.prefix(64))
    }

    func text(of name: OpaquePointer?) -> String {
        guard let output = MemoryBIO(), copenssl_print_name(output.pointer, name) == 1 else {
            ErrorQueue.clear()
            return ""
        }
        // Already escaped by libcrypto except for its own backslashes, which must not be escaped again.
        let text = String(decoding: output.contents.map { (0x20..<0x7F).contains($0) ? $0 : 0x3F }, as: UTF8.self)
        return text.count > 1_000 ? text.prefix(1_000) + "…" : text
    }
}

/// One entry of subjectAltName.
struct AlternativeName {
    enum Kind { case dns, uri, email, address, other }
    let kind: Kind
    let bytes: [UInt8]

    /// Escaped; an address in full groups.
    var text: String {
        guard kind == .address else { return PrintableText.escape(bytes, limit: 300) }
        switch bytes.count {
        case 4: return bytes.map { String($0) }.joined(separator: ".")
        case 16:
            let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
            return groups.map { String($0, radix: 16) }.joined(separator: ":")
        default: return Hex.encode(bytes.prefix(64))
        }
    }

    var description: String {
        switch kind {
        case .dns: "DNS:\(text)"
        case .uri: "URI:\(text)"
        case .email: "email:\(text)"
        case .address: "IP:\(text)"
        case .other: "other"
        }
    }
}

extension X509Object {
    /// All names; `isBroken` if the extension is there twice or does not parse. A certificate list of 64 KiB, the most
    /// that a session takes, bounds their number.
    func subjectAltNames() -> (entries: [AlternativeName], count: Int, isBroken: Bool) {
        var criticality: Int32 = 0
        let found = X509_get_ext_d2i(pointer, NID_subject_alt_name, &criticality, nil)
        ErrorQueue.clear()
        // -1: absent. Anything else without a value: present and unusable.
        guard let found else { return ([], 0, criticality != -1) }
        let names = OpaquePointer(found)
        defer { GENERAL_NAMES_free(names) }
        var entries: [AlternativeName] = []
        for index in 0..<copenssl_names_count(names) {
            var start: UnsafePointer<UInt8>?
            var count = 0
            let type = copenssl_name_bytes(copenssl_name_at(names, index), &start, &count)
            let kind: AlternativeName.Kind =
                switch UInt32(bitPattern: type) {
                case UInt32(GEN_DNS): .dns
                case UInt32(GEN_URI): .uri
                case UInt32(GEN_EMAIL): .email
                case UInt32(GEN_IPADD): .address
                default: .other
                }
            entries.append(AlternativeName(kind: kind, bytes: Array(UnsafeBufferPointer(start: start, count: count))))
        }
        return (entries, entries.count, false)
    }

    /// Short names of the purposes, at most 32; nil if the extension is absent.
    func extendedKeyUsage() -> (names: [String]?, isBroken: Bool) {
        var criticality: Int32 = 0
        let found = X509_get_ext_d2i(pointer, NID_ext_key_usage, &criticality, nil)
        ErrorQueue.clear()
        guard let found else { return (criticality == -1 ? nil : [], criticality != -1) }
        let usages = OpaquePointer(found)
        defer { EXTENDED_KEY_USAGE_free(usages) }
        var names: [String] = []
        for index in 0..<min(copenssl_objects_count(usages), 32) {
            let object = copenssl_object_at(usages, index)
            var text = [CChar](repeating: 0, count: 80)
            if let name = OBJ_nid2sn(OBJ_obj2nid(object)), OBJ_obj2nid(object) != NID_undef {
                names.append(String(cString: name))
            } else if OBJ_obj2txt(&text, Int32(text.count), object, 1) > 0 {
                names.append(String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
            }
        }
        ErrorQueue.clear()
        return (names, false)
    }
}
