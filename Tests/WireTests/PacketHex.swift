// Packets as labelled hex.

import Routing

/// The bytes of hexadecimal text; white space is free, anything else that is no digit ends it.
func packet(_ hex: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var upper: UInt8?
    for digit in hex where !digit.isWhitespace {
        guard let value = digit.hexDigitValue else { break }
        if let first = upper {
            bytes.append(first << 4 | UInt8(value))
            upper = nil
        } else {
            upper = UInt8(value)
        }
    }
    return bytes
}

/// From 2001:db8:a::1 to 2001:db8:b::1.
let addressesAB = "20010db8000a00000000000000000001 20010db8000b00000000000000000001"
