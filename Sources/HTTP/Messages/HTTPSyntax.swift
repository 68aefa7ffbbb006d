// The character classes of RFC 9110 and RFC 3986, and the checks every outgoing or incoming field passes.

/// Character classes and validity checks; no state.
package enum HTTPSyntax {
    /// `tchar` (RFC 9110, 5.6.2): what methods and field names are made of.
    package static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
        default: false
        }
    }

    /// What a field value may hold (RFC 9110, 5.5): visible characters, space, tab and bytes above 0x7F.
    package static func isFieldValue(_ byte: UInt8) -> Bool {
        byte == 0x09 || (byte >= 0x20 && byte != 0x7F)
    }

    /// What a request target may hold: visible ASCII without the fragment mark. RFC 3986 allows less, but nothing
    /// between this and that can be mistaken for a delimiter of the message.
    package static func isTarget(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != 0x23
    }

    /// What an authority (host and port) may hold: letters, digits and the marks of reg-name, IP-literal and port
    /// (RFC 3986, 3.2). No user information: `@` is refused (RFC 9110, 4.2.4).
    package static func isAuthority(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        // ! $ % & ' ( ) * + , - . : ; = [ ] _ ~
        case 0x21, 0x24...0x2E, 0x3A, 0x3B, 0x3D, 0x5B, 0x5D, 0x5F, 0x7E: true
        default: false
        }
    }

    /// Whether the field may be sent as it stands.
    package static func isValid(_ field: HTTPHeaders.Field) -> Bool {
        !field.name.isEmpty && field.name.utf8.allSatisfy(isToken) && field.value.utf8.allSatisfy(isFieldValue)
    }

    /// Whether text is one non-empty token.
    package static func isToken(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isToken) }

    /// The value of a decimal number of digits only (RFC 9110, 8.6): no sign, no space, no list, no overflow.
    package static func decimal(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int(text)
    }

    /// The value of a hexadecimal digit.
    package static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
