// Lines to descriptor 2 (or another) by somebody who must not wait.
//
// The descriptor is shared with whoever started us, so it is not made nonblocking. Instead each piece is written only
// when poll says that it fits: a pipe then takes PIPE_BUF (4096) bytes without blocking. A reader that has stopped
// costs the lines, which are counted, and never the loop.

import CLinux

package final class ErrorOutput {
    private let descriptor: Int32
    /// Lines that nobody took.
    package private(set) var lost: UInt64 = 0

    /// Writes to standard error.
    package init() { descriptor = 2 }

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Writes one line, its end included. False if it was lost, or cut after a part of it was out.
    @discardableResult
    package func write(_ line: [UInt8]) -> Bool {
        var offset = 0
        while offset < line.count {
            let count = min(4096, line.count - offset)
            guard linux_poll_writable(descriptor, 0) == 1 else { return lose() }
            let put = line.withUnsafeBytes { linux_write(descriptor, $0.baseAddress?.advanced(by: offset), count) }
            guard put > 0 else { return lose() }
            offset += Int(put)
        }
        return true
    }

    private func lose() -> Bool {
        lost &+= 1
        return false
    }
}

/// Standard output and error for command line programs, which may wait.
package enum StandardOutput {
    /// Writes everything to descriptor 1 or, if `isError`, 2. False once the reader is gone.
    @discardableResult
    package static func write(_ text: String, isError: Bool = false) -> Bool {
        let bytes = Array(text.utf8)
        var offset = 0
        while offset < bytes.count {
            let put = bytes.withUnsafeBytes {
                linux_write(isError ? 2 : 1, $0.baseAddress?.advanced(by: offset), $0.count - offset)
            }
            if put == -Int64(EAGAIN) {
                _ = linux_poll_writable(isError ? 2 : 1, -1)
                continue
            }
            guard put > 0 else { return false }
            offset += Int(put)
        }
        return true
    }
}
