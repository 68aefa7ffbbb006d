// Randomness of the kernel (getrandom).

import CLinux

package enum SecureRandom {
    /// So many random bytes. The kernel's source does not fail once it is initialised, and the call waits for that.
    package static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(0, count))
        // Fails only where the system call does not exist (Linux before 3.17), which no supported kernel is.
        let code = linux_random(&bytes, bytes.count)
        assert(code == 0)
        return bytes
    }

    package static func number() -> UInt64 {
        bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Lower-case hexadecimal digits of so many random bytes.
    package static func hexadecimal(bytes count: Int) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let text = bytes(count).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
