// What may name a peer, a virtual interface, a device or a token.
//
// Names stand in paths of URLs, in metric labels and in other people's terminals, so they are plain ASCII. A peer's
// name is a certificate's CommonName (letters, digits, dots, hyphens, underscores by habit) or `sha256:FINGERPRINT`.

/// Checks of names; each answers why a text is none, or nil.
package enum Name {
    /// A peer's name: 1…253 bytes of letters, digits, `.`, `-`, `_`, `:`, beginning and ending with a letter or digit.
    package static func flaw(inPeer text: String) -> String? {
        flaw(text, maximum: 253, extra: [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":")])
    }

    /// A virtual interface's name in the configuration: like a peer's, at most 63 bytes.
    package static func flaw(inVif text: String) -> String? {
        flaw(text, maximum: 63, extra: [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":")])
    }

    /// A kernel device's name: at most 15 bytes (IFNAMSIZ less the NUL), and what dev_valid_name() of Linux takes
    /// narrowed to what people can type. `%` would make the kernel number devices.
    package static func flaw(inDevice text: String) -> String? {
        flaw(text, maximum: 15, extra: [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")])
    }

    /// A token's name: `^[a-z0-9][a-z0-9._-]{0,62}$`.
    package static func flaw(inToken text: String) -> String? {
        let bytes = Array(text.utf8)
        guard (1...63).contains(bytes.count) else { return "must have 1 to 63 bytes" }
        for (index, byte) in bytes.enumerated() {
            let isPlain = isDigit(byte) || (0x61...0x7A).contains(byte)
            let isMark = byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
            guard isPlain || (index > 0 && isMark) else {
                return "must be made of a–z, 0–9, '.', '_', '-' and begin with a letter or digit"
            }
        }
        return nil
    }

    /// True if the two are one name: ASCII case does not count.
    package static func areEqual(_ left: String, _ right: String) -> Bool { folded(left) == folded(right) }

    /// The form by which names are compared and sorted.
    package static func folded(_ text: String) -> String {
        guard text.utf8.contains(where: { (0x41...0x5A).contains($0) }) else { return text }
        return String(decoding: text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// 64 lower-case hex digits.
    package static func isFingerprint(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { isDigit($0) || (0x61...0x66).contains($0) }
    }

    private static func flaw(_ text: String, maximum: Int, extra: [UInt8]) -> String? {
        let bytes = Array(text.utf8)
        guard (1...maximum).contains(bytes.count) else { return "must have 1 to \(maximum) bytes" }
        guard bytes.allSatisfy({ isAlphanumeric($0) || extra.contains($0) }) else {
            return
                "may hold letters, digits and \(extra.map { "'\(Character(UnicodeScalar($0)))'" }.joined(separator: " ")) only"
        }
        guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else {
            return "must begin and end with a letter or digit"
        }
        return nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isDigit(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
