// A prefix as text: `address/length`, the address in any spelling of RFC 4291, the length in plain decimal.
//
// Read strictly, so that one prefix has one meaning wherever it is written: configuration, policy, URLs. What is
// refused says what would have been right.

/// Why a text or a pair of address and length is not a prefix.
package enum PrefixError: Error, Hashable, Sendable {
    case address(AddressError)
    /// No `/` at all.
    case missingLength
    /// Nothing after the `/`.
    case emptyLength
    /// A second `/`.
    case extraSlash
    case whiteSpace
    /// A sign, a letter, anything that is not a decimal digit.
    case lengthNotDecimal
    /// `/032`: some would read 26.
    case lengthLeadingZero
    /// More than 128 (or, from numbers, below 0).
    case lengthOutOfRange
    /// Bits beyond the length; `corrected` is the prefix without them.
    case hostBitsSet(corrected: Prefix)
}

extension PrefixError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .address(let error): error.description
        case .missingLength: "the prefix length is missing (write address/length)"
        case .emptyLength: "the prefix length after '/' is empty"
        case .extraSlash: "more than one '/'"
        case .whiteSpace: "white space is not part of a prefix"
        case .lengthNotDecimal: "the prefix length is not a decimal number without a sign"
        case .lengthLeadingZero: "the prefix length has a leading zero"
        case .lengthOutOfRange: "the prefix length is not in 0…128"
        case .hostBitsSet(let corrected): "bits beyond the prefix length are set; did you mean \(corrected)?"
        }
    }
}

extension Prefix: CustomStringConvertible {
    /// RFC 5952's address, `/`, the length in decimal.
    package var description: String { "\(address)/\(length)" }

    /// Reads `address/length`.
    package init(parsing text: some StringProtocol) throws(PrefixError) {
        var copy = String(text)
        let result = copy.withUTF8 { (bytes) -> Result<Prefix, PrefixError> in
            do throws(PrefixError) { return .success(try Prefix(utf8: bytes)) } catch { return .failure(error) }
        }
        self = try result.get()
    }

    /// The same from bytes.
    package init(utf8 text: UnsafeBufferPointer<UInt8>) throws(PrefixError) {
        guard let slash = text.firstIndex(of: UInt8(ascii: "/")) else {
            // What is wrong with the address comes first: "[2001:db8::]" lacks more than a length.
            _ = try Self.address(text)
            throw .missingLength
        }
        let address = try Self.address(UnsafeBufferPointer(rebasing: text[..<slash]))
        let length = try Self.length(UnsafeBufferPointer(rebasing: text[(slash + 1)...]))
        try self.init(address: address, length: length)
    }

    private static func address(_ text: UnsafeBufferPointer<UInt8>) throws(PrefixError) -> IPv6Address {
        do throws(AddressError) { return try IPv6Address(utf8: text) } catch { throw .address(error) }
    }

    private static func length(_ text: UnsafeBufferPointer<UInt8>) throws(PrefixError) -> Int {
        guard text.count > 0 else { throw .emptyLength }
        var length = 0
        for byte in text {
            switch byte {
            case 0x30...0x39:
                // Stops growing past 128, so that no count of digits overflows.
                if length <= 128 { length = length * 10 + Int(byte &- 0x30) }
            case UInt8(ascii: "/"): throw .extraSlash
            case 0x09...0x0d, 0x20: throw .whiteSpace
            default: throw .lengthNotDecimal
            }
        }
        guard text.count == 1 || text[0] != 0x30 else { throw .lengthLeadingZero }
        guard length <= 128 else { throw .lengthOutOfRange }
        return length
    }
}
