// Reading and looking at files: bounded, and with errors that name the path.

import CLinux

/// What stands at a path.
package struct FileStatus: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case file, directory, socket, other }

    package let kind: Kind
    /// Bytes.
    package let size: Int64
    /// Permission bits with setuid, setgid and sticky: 0…0o7777.
    package let mode: UInt32
    package let uid: UInt32
    package let gid: UInt32
    /// Last change of the content, wall clock, microseconds since 1970.
    package let modified: Int64
    /// Last change of content, name or rights, wall clock, microseconds since 1970.
    package let changed: Int64
    package let inode: UInt64

    init(_ status: linux_file_status) {
        switch status.mode & 0o170000 {
        case 0o100000: kind = .file
        case 0o040000: kind = .directory
        case 0o140000: kind = .socket
        default: kind = .other
        }
        size = status.size
        changed = status.changed
        inode = status.inode
        mode = status.mode & 0o7777
        uid = status.uid
        gid = status.gid
        modified = status.modified
    }
}

package enum Files {
    /// Follows symbolic links. Throws `.notFound` among others.
    package static func status(_ path: String) throws(PlatformError) -> FileStatus {
        var status = linux_file_status()
        try check(linux_stat(path, &status), "stat", path)
        return FileStatus(status)
    }

    /// Reads a regular file whole.
    /// - Parameter limit: the most bytes that are accepted; more is `.tooLarge`.
    package static func read(_ path: String, limit: Int) throws(PlatformError) -> [UInt8] {
        let file = Descriptor(try check(linux_open_read(path), "open", path))
        return try read(file, path, limit: limit)
    }

    /// Reads a private key, a token file or the like, and refuses one that its group or others may use (D17).
    package static func readSecret(_ path: String, limit: Int) throws(PlatformError) -> [UInt8] {
        let file = Descriptor(try check(linux_open_read(path), "open", path))
        var status = linux_file_status()
        // Of the opened file, so that what is judged is what is read.
        try check(linux_fstat(file.raw, &status), "fstat", path)
        guard status.mode & 0o077 == 0 else { throw .insecure(path: path, mode: status.mode & 0o7777) }
        return try read(file, path, limit: limit)
    }

    private static func read(_ file: Descriptor, _ path: String, limit: Int) throws(PlatformError) -> [UInt8] {
        var status = linux_file_status()
        try check(linux_fstat(file.raw, &status), "fstat", path)
        guard FileStatus(status).kind == .file else {
            throw .remedy(problem: "\(path) is no regular file", remedy: "name a file")
        }
        // One byte more than allowed tells a file that is too large; the size is no proof (/proc says 0).
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= limit {
            let count = try check(linux_read(file.raw, &chunk, chunk.count), "read", path)
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk.prefix(Int(count)))
        }
        throw .tooLarge(path: path, limit: limit)
    }

    /// Creates a directory with exactly this mode; one that exists is left as it is.
    package static func createDirectory(_ path: String, mode: UInt32) throws(PlatformError) {
        let code = linux_mkdir(path, mode & 0o700)
        if code == -EEXIST, (try? status(path))?.kind == .directory { return }
        try check(code, "mkdir", path)
        try check(linux_chmod(path, mode), "chmod", path)
    }

    /// Names in a directory, sorted, without `.` and `..`; 100,000 at most.
    package static func list(_ path: String) throws(PlatformError) -> [String] {
        var names: [String] = []
        let code = withUnsafeMutablePointer(to: &names) { names in
            linux_list_directory(
                path,
                { name, context in
                    guard let name, let names = context?.assumingMemoryBound(to: [String].self) else { return 1 }
                    names.pointee.append(String(cString: name))
                    return names.pointee.count < 100_000 ? 0 : 1
                }, names)
        }
        try check(code, "opendir", path)
        return names.sorted()
    }

    /// Removes a file; one that is not there is no error.
    package static func remove(_ path: String) throws(PlatformError) {
        let code = linux_unlink(path)
        if code != -ENOENT { try check(code, "unlink", path) }
    }

    /// Removes an empty directory.
    package static func removeDirectory(_ path: String) throws(PlatformError) {
        try check(linux_rmdir(path), "rmdir", path)
    }

    /// Whether the process, with the rights that it has now, could create and rename files in a directory.
    package static func isWritable(directory: String) -> Bool { linux_access_write(directory) == 0 }

    /// Gives a file or directory to a user and group.
    package static func changeOwner(_ path: String, uid: UInt32, gid: UInt32) throws(PlatformError) {
        try check(linux_chown(path, uid, gid), "chown", path)
    }

    /// What comes before the last slash; `.` for a bare name.
    package static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// `path` without symbolic links; it must exist.
    package static func resolved(_ path: String) throws(PlatformError) -> String {
        var text = [CChar](repeating: 0, count: 4097)
        try check(linux_realpath(path, &text, text.count), "realpath", path)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
