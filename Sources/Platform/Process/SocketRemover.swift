// Removing Unix sockets after the right to do so was given up.
//
// A socket's file can only be removed by whoever may write its directory, and that is often root's. So before the
// process becomes nobody it leaves a child behind that keeps this one right (CAP_DAC_OVERRIDE), listens to nobody, and
// waits for a pipe to close: at a clean end, or when the process dies in any other way. Then it removes the sockets,
// unless other files stand in their places by now.

import CLinux

package final class SocketRemover {
    /// Sockets that one remover looks after.
    package static let limit = 16

    private let pipe: Descriptor
    private let pid: Int32

    /// Starts the child. Call it while the process has one thread and all its rights.
    /// - Parameter paths: absolute; the sockets exist; at most `limit`.
    package init(_ paths: [String]) throws(PlatformError) {
        var pid: Int32 = 0
        let copies = paths.map { linux_copy_text($0) }
        defer { for copy in copies { linux_free(copy) } }
        let pointers = copies.map { UnsafePointer($0) }
        pipe = Descriptor(try check(linux_spawn_remover(pointers, Int32(pointers.count), &pid), "fork"))
        self.pid = pid
    }

    /// Lets the child do its work and waits for it: some microseconds.
    package func finish() {
        pipe.close()
        _ = linux_wait(pid)
    }
}
