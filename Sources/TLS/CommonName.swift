// The name in a certificate is chosen by whoever asked for the certificate. It decides which filter applies, and it
// is printed into logs, JSON and terminals. So there are two readings of it: one that rules may match, which is
// absent if anything about it is odd (B4), and one for people, in which everything odd is spelled out.

import COpenSSL

/// Why a subject's CommonName may not be matched by any rule (B4).
package enum CommonNameDefect: String, Sendable, Hashable, CaseIterable {
    case missing
    case severalNames = "several_names"
    case empty
    case noDot = "no_dot"
    case tooLong = "too_long"
    case notUTF8 = "not_utf8"
    case controlCharacter = "control_character"
    case invisibleCharacter = "invisible_character"

    /// One clause for error messages.
    package var explanation: String {
        switch self {
        case .missing: "the subject has no CommonName"
        case .severalNames: "the subject has several CommonNames"
        case .empty: "the CommonName is empty"
        case .noDot: "the CommonName has no dot; a node is called like a.vnet.example.com"
        case .tooLong: "the CommonName is longer than 253 bytes"
        case .notUTF8: "the CommonName is not UTF-8"
        case .controlCharacter: "the CommonName holds a control character"
        case .invisibleCharacter: "the CommonName holds an invisible, bidirectional or unassigned character"
        }
    }
}

struct CommonName {
    /// "" unless `defect` is nil.
    let name: String
    let defect: CommonNameDefect?
    let display: String

    /// A DNS name's length (RFC 1035 2.3.4, as text).
    static let maximumBytes = 253

    init(subject: OpaquePointer?) {
        var values: [[UInt8]] = []
        var index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        while index >= 0, values.count < 8 {
            values.append(Self.bytes(of: X509_NAME_get_entry(subject, index)))
            index = X509_NAME_get_index_by_NID(subject, NID_commonName, index)
        }
        display = values.map { PrintableText.escape($0, limit: Self.maximumBytes) }.joined(separator: ", ")
        if values.count == 1 {
            defect = Self.defect(of: values[0])
            name = defect == nil ? String(decoding: values[0], as: UTF8.self) : ""
        } else {
            defect = values.isEmpty ? .missing : .severalNames
            name = ""
        }
    }

    static func defect(of bytes: [UInt8]) -> CommonNameDefect? {
        if bytes.isEmpty { return .empty }
        if bytes.count > maximumBytes { return .tooLong }
        guard let text = String(validating: bytes, as: UTF8.self) else { return .notUTF8 }
        for scalar in text.unicodeScalars {
            switch PrintableText.kind(of: scalar) {
            case .control: return .controlCharacter
            case .invisible: return .invisibleCharacter
            case .printable: continue
            }
        }
        return text.utf8.contains(UInt8(ascii: ".")) ? nil : .noDot
    }

    /// UTF-8 of the value where its ASN.1 type can be converted, else the raw bytes.
    private static func bytes(of entry: OpaquePointer?) -> [UInt8] {
        guard let value = X509_NAME_ENTRY_get_data(entry) else { return [] }
        var converted: UnsafeMutablePointer<UInt8>?
        let count = ASN1_STRING_to_UTF8(&converted, value)
        ErrorQueue.clear()
        if count >= 0, let converted {
            defer { copenssl_free(converted) }
            return Array(UnsafeBufferPointer(start: converted, count: Int(count)))
        }
        let length = Int(ASN1_STRING_length(value))
        guard length > 0 else { return [] }
        return Array(UnsafeBufferPointer(start: ASN1_STRING_get0_data(value), count: length))
    }
}

/// Text from outside made safe for a log line, JSON and a terminal.
enum PrintableText {
    enum Kind { case printable, control, invisible }

    static func kind(of scalar: Unicode.Scalar) -> Kind {
        switch scalar.properties.generalCategory {
        case .control: .control
        case .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: .invisible
        default: .printable
        }
    }

    /// Bytes that are no UTF-8 become `\xNN`, characters that cannot be seen `\u{N}`; cut after `limit` characters.
    static func escape(_ bytes: [UInt8], limit: Int) -> String {
        var result = ""
        var count = 0
        func append(_ piece: some StringProtocol) -> Bool {
            guard count < limit else {
                result += "…"
                return false
            }
            result += piece
            count += 1
            return true
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            for byte in bytes {
                let isPlain = (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\\")
                let piece = isPlain ? String(Unicode.Scalar(byte)) : "\\x" + Hex.encode([byte])
                guard append(piece) else { break }
            }
            return result
        }
        for scalar in text.unicodeScalars {
            let isPlain = kind(of: scalar) == .printable && scalar != "\\"
            guard append(isPlain ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}") else { break }
        }
        return result
    }
}

enum Hex {
    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text = ""
        for byte in bytes {
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return text
    }

    /// The bytes that `text` spells in either case; nil if it is not pairs of hexadecimal digits.
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(of: digits[index]), let low = value(of: digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
