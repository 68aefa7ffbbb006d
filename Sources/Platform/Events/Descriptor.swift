// A file descriptor and its one owner.

import CLinux
import Synchronization

/// Owns a descriptor. It is closed when `close()` is called or the last reference goes, whichever comes first, and
/// never twice: after `close()` the number is -1, so a late call fails with EBADF instead of hitting a stranger.
package final class Descriptor: Sendable {
    private let number: Atomic<Int32>

    init(_ number: Int32) { self.number = Atomic(number) }

    deinit { close() }

    /// The number for calls of this module; -1 once closed.
    var raw: Int32 { number.load(ordering: .relaxed) }

    /// Whether `close()` has not been called.
    package var isOpen: Bool { raw >= 0 }

    /// Closes it now. Further calls do nothing.
    package func close() {
        let open = number.exchange(-1, ordering: .relaxed)
        if open >= 0 { _ = linux_close(open) }
    }
}

/// What a nonblocking read gave.
package enum ReadResult: Hashable, Sendable {
    /// So many bytes (more than 0) stand at the buffer's start.
    case bytes(Int)
    /// Nothing now; wait for `.readable`.
    case wouldBlock
    /// The other side has finished sending.
    case end
}

/// What a nonblocking write gave.
package enum WriteResult: Hashable, Sendable {
    /// So many bytes were taken, perhaps not all.
    case bytes(Int)
    /// None now; wait for `.writable`.
    case wouldBlock
}
