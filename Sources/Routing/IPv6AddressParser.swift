// Reading an IPv6 address from text: every spelling of RFC 4291 section 2.2, and nothing else.
//
// The three spellings are eight groups of up to four hexadecimal digits, a `::` that stands for one or more groups of
// zeros, and an IPv4 dotted quad in place of the last two groups. The text is walked once; groups before the `::`
// collect in `head`, groups after it in `tail`, and at the end the two are set apart. Zones, brackets, ports and white
// space are no part of an address: each is refused by its own name, because they are what people really type.

/// Why a text is not an IPv6 address.
package enum AddressError: Error, Hashable, Sendable {
    case empty
    /// `fe80::1%eth0`: a zone means something on one machine only.
    case zone
    case bracket
    case whiteSpace
    /// A dotted quad alone.
    case ipv4
    /// Any other byte that has no place in an address.
    case character(UInt8)
    /// A `:` with nothing on one side.
    case emptyGroup
    case tripleColon
    /// `::` twice.
    case twoGaps
    case groupTooLong
    case tooManyGroups
    case tooFewGroups
    /// The dotted quad at the end is not four numbers from 0 to 255 without leading zeros.
    case embeddedIPv4
}

extension AddressError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "the address is empty"
        case .zone: "a zone (%…) is not part of an address here"
        case .bracket: "brackets are not part of an address here"
        case .whiteSpace: "white space is not part of an address"
        case .ipv4: "this is an IPv4 address; an IPv6 address is needed"
        case .character(let byte) where byte > 0x20 && byte < 0x7f:
            "the character '\(Character(UnicodeScalar(byte)))' has no place in an IPv6 address"
        case .character(let byte): "the byte \(byte) has no place in an IPv6 address"
        case .emptyGroup: "a group between colons is empty"
        case .tripleColon: "three colons in a row"
        case .twoGaps: "'::' may stand only once in an address"
        case .groupTooLong: "a group has more than four hexadecimal digits"
        case .tooManyGroups: "more than eight groups of 16 bits"
        case .tooFewGroups: "fewer than eight groups of 16 bits and no '::'"
        case .embeddedIPv4: "the embedded IPv4 address is not four numbers from 0 to 255 without leading zeros"
        }
    }
}

extension IPv6Address {
    /// Reads any spelling of RFC 4291 section 2.2; upper and lower case are the same.
    package init(parsing text: some StringProtocol) throws(AddressError) {
        var copy = String(text)
        let result = copy.withUTF8 { (bytes) -> Result<IPv6Address, AddressError> in
            do throws(AddressError) { return .success(try IPv6Address(utf8: bytes)) } catch { return .failure(error) }
        }
        self = try result.get()
    }

    /// The same from bytes, for callers that hold a part of a longer text.
    package init(utf8 text: UnsafeBufferPointer<UInt8>) throws(AddressError) {
        guard text.count > 0 else { throw .empty }
        var head = AddressGroups()
        var tail = AddressGroups()
        var hasGap = false
        var position = 0
        if text[0] == colon {
            guard text.count > 1, text[1] == colon else { throw .emptyGroup }
            guard text.count == 2 || text[2] != colon else { throw .tripleColon }
            hasGap = true
            position = 2
        }
        while position < text.count {
            let start = position
            var value: UInt64 = 0
            while position < text.count, let digit = hexadecimalDigit(text[position]) {
                guard position &- start < 4 else { throw .groupTooLong }
                value = value &<< 4 | digit
                position &+= 1
            }
            if position < text.count, text[position] == dot {
                guard start > 0 else { throw .ipv4 }
                let quad = try Self.dottedQuad(UnsafeBufferPointer(rebasing: text[start...]))
                if hasGap {
                    tail.append(quad &>> 16)
                    tail.append(quad & 0xffff)
                } else {
                    head.append(quad &>> 16)
                    head.append(quad & 0xffff)
                }
                break
            }
            guard position > start else {
                guard text[position] != colon else { throw .emptyGroup }
                throw Self.complaint(text[position])
            }
            if hasGap { tail.append(value) } else { head.append(value) }
            guard head.count &+ tail.count <= 8 else { throw .tooManyGroups }
            if position == text.count { break }
            guard text[position] == colon else { throw Self.complaint(text[position]) }
            position &+= 1
            guard position < text.count else { throw .emptyGroup }
            guard text[position] == colon else { continue }
            guard !hasGap else {
                let third = position &+ 1 < text.count && text[position &+ 1] == colon
                throw third ? .tripleColon : .twoGaps
            }
            position &+= 1
            guard position == text.count || text[position] != colon else { throw .tripleColon }
            hasGap = true
        }
        let count = head.count &+ tail.count
        // "::" stands for one or more groups (RFC 4291 section 2.2), so never for none.
        guard count <= (hasGap ? 7 : 8) else { throw .tooManyGroups }
        guard hasGap || count == 8 else { throw .tooFewGroups }
        head.moveToFront()
        self.init(high: head.high | tail.high, low: head.low | tail.low)
    }

    /// Four decimal numbers with dots between them, to the end of the text, as 32 bits. Leading zeros are refused:
    /// some readers take them for octal, so two programs could read two addresses from one text.
    private static func dottedQuad(_ text: UnsafeBufferPointer<UInt8>) throws(AddressError) -> UInt64 {
        var result: UInt64 = 0
        var octet: UInt64 = 0
        var digits = 0
        var dots = 0
        for byte in text {
            if byte == dot {
                guard digits > 0, dots < 3 else { throw .embeddedIPv4 }
                result = result &<< 8 | octet
                octet = 0
                digits = 0
                dots += 1
            } else if byte >= 0x30 && byte <= 0x39 {
                guard digits == 0 || octet > 0 else { throw .embeddedIPv4 }
                octet = octet &* 10 &+ UInt64(byte &- 0x30)
                digits += 1
                guard octet <= 255 else { throw .embeddedIPv4 }
            } else {
                let error = complaint(byte)
                guard case .character = error else { throw error }
                throw .embeddedIPv4
            }
        }
        guard dots == 3, digits > 0 else { throw .embeddedIPv4 }
        return result &<< 8 | octet
    }

    /// What is wrong with a byte that no group, colon or dot explains.
    private static func complaint(_ byte: UInt8) -> AddressError {
        switch byte {
        case UInt8(ascii: "%"): .zone
        case UInt8(ascii: "["), UInt8(ascii: "]"): .bracket
        case 0x09...0x0d, 0x20: .whiteSpace
        default: .character(byte)
        }
    }
}

/// Up to eight groups of 16 bits, collected from the right.
private struct AddressGroups {
    var high: UInt64 = 0
    var low: UInt64 = 0
    var count = 0

    mutating func append(_ group: UInt64) {
        high = high &<< 16 | low &>> 48
        low = low &<< 16 | group
        count &+= 1
    }

    /// Shifts the groups so that the first one is the first of the address.
    mutating func moveToFront() {
        let shift = UInt64(truncatingIfNeeded: 128 &- 16 &* count)
        if shift >= 128 || shift == 0 { return }
        if shift >= 64 {
            high = low &<< (shift &- 64)
            low = 0
        } else {
            high = high &<< shift | low &>> (64 &- shift)
            low = low &<< shift
        }
    }
}

private var colon: UInt8 { UInt8(ascii: ":") }
private var dot: UInt8 { UInt8(ascii: ".") }

/// The value of a hexadecimal digit in either case.
@inline(__always)
func hexadecimalDigit(_ byte: UInt8) -> UInt64? {
    switch byte {
    case 0x30...0x39: UInt64(byte &- 0x30)
    case 0x61...0x66: UInt64(byte &- 0x57)
    case 0x41...0x46: UInt64(byte &- 0x37)
    default: nil
    }
}
