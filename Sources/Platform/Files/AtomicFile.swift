// Files that are either the old one or the new one, whatever happens in between (D4).
//
// The new content goes to a temporary file in the same directory and is forced to the disk; only then does a rename
// put it in place, and the directory is forced too. The two steps are apart, because the configuration is applied
// between them: `stage` can fail for a full disk while nothing has happened yet, `commit` makes it final, and a
// staged file that is dropped leaves nothing behind. A full or read-only disk never costs the old file (D5).

import CLinux

/// Content on the disk that is not yet in its place.
package final class AtomicFile {
    private let target: String
    private let temporary: String
    private var isPending = true

    private init(target: String, temporary: String) {
        self.target = target
        self.temporary = temporary
    }

    deinit { abandon() }

    /// Writes `bytes` beside `path` and forces them to the disk. A file that is replaced passes its mode and owner on.
    /// - Parameter mode: the permission bits of a file that did not exist.
    package static func stage(
        _ path: String, _ bytes: [UInt8], mode: UInt32 = 0o600
    ) throws(PlatformError) -> AtomicFile {
        // A symbolic link stays one: its target is what is replaced.
        let target = (try? Files.resolved(path)) ?? path
        let old = try? Files.status(target)
        let temporary = "\(target).\(SecureRandom.hexadecimal(bytes: 8)).tmp"
        let staged = AtomicFile(target: target, temporary: temporary)
        let file = Descriptor(try check(linux_create_exclusive(temporary, 0o600), "create", temporary))
        if let old, old.uid != linux_uid() || old.gid != linux_gid() {
            try check(linux_fchown(file.raw, old.uid, old.gid), "chown", temporary)
        }
        try check(linux_fchmod(file.raw, old?.mode ?? mode), "chmod", temporary)
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { all in
                linux_write(file.raw, all.baseAddress?.advanced(by: offset), all.count - offset)
            }
            offset += Int(try check(count, "write", temporary))
        }
        try check(linux_fsync(file.raw), "fsync", temporary)
        return staged
    }

    /// Puts the content in its place.
    /// - Parameter keepingPrevious: leave the old content at this path (a name in the same directory), as `x.1`.
    package func commit(keepingPrevious previous: String? = nil) throws(PlatformError) {
        guard isPending else { return }
        if let previous {
            _ = linux_unlink(previous)
            let code = linux_link(target, previous)
            if code != -ENOENT { try check(code, "link", previous) }
        }
        try check(linux_rename(temporary, target), "rename", target)
        isPending = false
        let directory = Files.directory(of: target)
        let handle = Descriptor(try check(linux_open_directory(directory), "open", directory))
        try check(linux_fsync(handle.raw), "fsync", directory)
    }

    /// Removes what was staged.
    package func abandon() {
        guard isPending else { return }
        isPending = false
        _ = linux_unlink(temporary)
    }
}

extension AtomicFile {
    /// Removes what a process that was killed between `stage` and `commit` left in a directory.
    /// - Parameters:
    ///   - directory: nobody else writes there now; one that cannot be read is left alone.
    ///   - name: only what was to become this file; nil: all.
    package static func clearLeftovers(in directory: String, of name: String? = nil) {
        for found in (try? Files.list(directory)) ?? [] {
            let parts = found.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count >= 3, parts.last == "tmp", parts[parts.count - 2].utf8.count == 16,
                parts[parts.count - 2].allSatisfy({ "0123456789abcdef".contains($0) })
            else { continue }
            if let name, parts.dropLast(2).joined(separator: ".") != name { continue }
            _ = linux_unlink("\(directory)/\(found)")
        }
    }
}

extension Files {
    /// Stages and commits in one step.
    package static func write(
        _ path: String, _ bytes: [UInt8], mode: UInt32 = 0o600, keepingPrevious previous: String? = nil
    ) throws(PlatformError) {
        try AtomicFile.stage(path, bytes, mode: mode).commit(keepingPrevious: previous)
    }
}
