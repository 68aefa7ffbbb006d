// The id under which a request stands in its answer, in the log and in the audit: a ULID (48 bits of milliseconds,
// 80 random bits, Crockford's base 32), so that ids sort by time.

import ManagementAPI

enum RequestID {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// 26 characters. `random` gives 10 bytes; fewer are taken as zeros.
    static func make(now: Timestamp, random: (Int) -> [UInt8]) -> String {
        let time = UInt64(clamping: now.milliseconds) & 0xFFFF_FFFF_FFFF
        var bytes = (0..<6).map { UInt8(truncatingIfNeeded: time >> UInt64(40 - 8 * $0)) } + random(10).prefix(10)
        while bytes.count < 16 { bytes.append(0) }
        // 128 bits in 26 digits of 5: the first digit holds 3.
        var digits: [UInt8] = []
        var buffer: UInt32 = 0
        var bits = 2
        for byte in bytes {
            buffer = (buffer << 8 | UInt32(byte)) & 0xFFFF
            bits += 8
            while bits >= 5 {
                bits -= 5
                digits.append(alphabet[Int(buffer >> UInt32(bits) & 31)])
            }
        }
        return String(decoding: digits, as: UTF8.self)
    }
}
