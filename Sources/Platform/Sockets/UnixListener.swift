// A Unix stream socket for the API: its file's mode is the permission, so it is never wider than asked, not for a
// moment (E10).
//
// Order: `fchmod` of the unbound socket to the owner alone (bind takes the mode from it, whatever the umask) → bind →
// chown to the group → chmod to the mode → listen. Until listen, connecting is refused. A file left by a dead
// instance is told from a living one by connecting to it: refused → removed, answered → "already running".

import CLinux

/// Where a Unix listener stands and who may connect.
package struct UnixListenerSettings: Hashable, Sendable {
    package var path: String
    /// Permission bits, such as 0o660.
    package var mode: UInt32
    /// The group that owns the socket; nil: the process's.
    package var group: String?

    package init(path: String, mode: UInt32, group: String?) {
        self.path = path
        self.mode = mode
        self.group = group
    }
}

extension StreamListener {
    /// Creates the socket file and listens.
    package static func unix(
        _ settings: UnixListenerSettings, backlog: Int32 = 64
    ) throws(PlatformError) -> StreamListener {
        let path = settings.path
        guard path.utf8.count <= 107, path.first == "/", !path.utf8.contains(0) else {
            throw .malformed(text: path, reason: "is no absolute path of at most 107 bytes")
        }
        var gid: UInt32?
        if let group = settings.group {
            var found: UInt32 = 0
            guard linux_group_id(group, &found) == 0 else {
                throw .remedy(problem: "the group '\(group)' of \(path) does not exist", remedy: "groupadd \(group)")
            }
            gid = found
        }
        try checkDirectory(of: path)
        try removeStaleSocket(path)

        let descriptor = Descriptor(try check(linux_unix_stream(), "socket", path))
        try check(linux_fchmod(descriptor.raw, settings.mode & 0o700), "fchmod", path)
        try check(linux_unix_bind(descriptor.raw, path), "bind", path)
        do {
            if let gid { try check(linux_chown(path, linux_uid(), gid), "chown", path) }
            try check(linux_chmod(path, settings.mode), "chmod", path)
            try check(linux_listen(descriptor.raw, backlog), "listen", path)
        } catch {
            _ = linux_unlink(path)
            throw error
        }
        return StreamListener(descriptor, address: nil, path: path, options: TCPOptions())
    }

    /// Stops listening and removes the file, as far as the process still may.
    package func closeAndRemove() {
        // The file first: whoever finds it must also find somebody who listens.
        if let path { _ = linux_unlink(path) }
        descriptor.close()
    }

    /// A directory where anybody may rename files would let anybody put his own socket in our place. A sticky one
    /// (/tmp) does not.
    private static func checkDirectory(of path: String) throws(PlatformError) {
        let directory = Files.directory(of: path)
        let status = try Files.status(directory)
        if status.mode & 0o002 != 0 && status.mode & 0o1000 == 0 {
            throw .remedy(
                problem: "\(directory) may be written by anybody, so \(path) would not be safe there",
                remedy: "chmod o-w \(directory), or configure another path")
        }
    }

    private static func removeStaleSocket(_ path: String) throws(PlatformError) {
        let status: FileStatus
        do { status = try Files.status(path) } catch  where error.code == .notFound { return }
        guard status.kind == .socket else {
            throw .remedy(problem: "\(path) exists and is no socket", remedy: "remove it or configure another path")
        }
        let probe = Descriptor(try check(linux_unix_stream(), "socket", path))
        switch -linux_unix_connect(probe.raw, path) {
        // EAGAIN: the queue of one who does listen is full.
        case 0, EAGAIN: throw .alreadyRunning(path: path)
        case ECONNREFUSED: try check(linux_unlink(path), "unlink", path)
        case ENOENT: return
        case let code: try check(-code, "connect", path)
        }
    }
}
