// One instance a state directory (D13): a lock that the kernel lets go when the process dies, so no stale one exists.

import CLinux

package final class DirectoryLock {
    private let file: Descriptor
    /// The locked file, `DIRECTORY/lock`.
    package let path: String

    /// Takes the lock and holds it until the object goes.
    /// - Throws: `.alreadyRunning` if another process holds it.
    package init(directory: String) throws(PlatformError) {
        path = directory + "/lock"
        file = Descriptor(try check(linux_open_lock(path, 0o600), "open", path))
        let code = linux_lock_exclusive(file.raw)
        if code == -EAGAIN { throw .alreadyRunning(path: path) }
        try check(code, "flock", path)
    }
}
