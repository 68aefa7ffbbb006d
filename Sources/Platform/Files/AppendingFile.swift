// Files that grow by lines, and what it takes to rotate them.

import CLinux

extension Files {
    /// Appends to a file, which is made with mode 0600 if there is none. One write, so that two writers' lines do not
    /// mix.
    package static func append(_ path: String, _ bytes: [UInt8]) throws(PlatformError) {
        let file = Descriptor(try check(linux_open_append(path, 0o600), "open", path))
        let written = try check(
            bytes.withUnsafeBytes { linux_write(file.raw, $0.baseAddress, $0.count) }, "write", path)
        guard written == Int64(bytes.count) else {
            throw .system(call: "write", subject: path, code: .noSpace)
        }
    }

    /// Renames within a file system; what stood at `new` is replaced.
    package static func rename(_ old: String, to new: String) throws(PlatformError) {
        try check(linux_rename(old, new), "rename", old)
    }

    /// The user and group id of a user of the system.
    package static func owner(named user: String) throws(PlatformError) -> (uid: UInt32, gid: UInt32) {
        var (uid, gid): (UInt32, UInt32) = (0, 0)
        guard linux_user_id(user, &uid, &gid) == 0 else {
            throw .remedy(problem: "the user '\(user)' does not exist", remedy: "useradd --system \(user)")
        }
        return (uid, gid)
    }
}
