// Files: bounds, secrets, atomic writes, and the lock of the state directory.

import CLinux
import Testing

@testable import Platform

@Suite("Files")
struct FilesTests {
    @Test("a file is read whole up to the limit, and refused one byte above")
    func limit() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.path + "/data"
        for count in [0, 1, 65_536, 100_000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            try Files.write(path, bytes)
            #expect(try Files.read(path, limit: count) == bytes)
            if count > 0 {
                #expect(throws: PlatformError.tooLarge(path: path, limit: count - 1)) {
                    try Files.read(path, limit: count - 1)
                }
            }
        }
    }

    @Test("what is no regular file is refused, also a FIFO that nobody writes to")
    func notRegular() throws {
        let scratch = try ScratchDirectory()
        #expect(throws: PlatformError.self) { try Files.read(scratch.path, limit: 10) }
        #expect(throws: PlatformError.self) { try Files.read("/dev/zero", limit: 10) }
        #expect(throws: PlatformError.system(call: "open", subject: scratch.path + "/none", code: .notFound)) {
            try Files.read(scratch.path + "/none", limit: 10)
        }
    }

    @Test("D17: a secret that others may use is refused", arguments: [0o600, 0o400, 0o640, 0o604, 0o660] as [UInt32])
    func secrets(mode: UInt32) throws {
        let scratch = try ScratchDirectory()
        let path = scratch.path + "/key"
        try Files.write(path, [42], mode: mode)
        if mode & 0o077 == 0 {
            #expect(try Files.readSecret(path, limit: 10) == [42])
        } else {
            let error = PlatformError.insecure(path: path, mode: mode)
            #expect(throws: error) { try Files.readSecret(path, limit: 10) }
            #expect("\(error)".contains("has mode 0\(String(mode, radix: 8))"))
        }
    }

    @Test("D4: what a killed process had staged is cleared, and nothing else")
    func leftovers() throws {
        let scratch = try ScratchDirectory()
        let kept = ["state", "state.tmp", "state.0123456789abcde.tmp", "state.0123456789abcdeg.tmp", "state.1"]
        let staged = ["state.0123456789abcdef.tmp", "other.json.0123456789abcdef.tmp"]
        for name in kept + staged { try Files.write("\(scratch.path)/\(name)", [1]) }
        AtomicFile.clearLeftovers(in: scratch.path, of: "state")
        #expect(try Set(Files.list(scratch.path)) == Set(kept + staged.suffix(1)))
        AtomicFile.clearLeftovers(in: scratch.path)
        #expect(try Set(Files.list(scratch.path)) == Set(kept))
        AtomicFile.clearLeftovers(in: scratch.path + "/none")
    }

    @Test("D4: a written file keeps mode and owner of the one it replaces, and nothing is left beside it")
    func atomicWrite() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.path + "/state"
        try Files.write(path, [1], mode: 0o640)
        #expect(try Files.status(path).mode == 0o640)
        if linux_uid() == 0 { try Files.changeOwner(path, uid: 1, gid: 2) }
        let before = try Files.status(path)
        try Files.write(path, [2, 3], mode: 0o600, keepingPrevious: path + ".1")
        let after = try Files.status(path)
        #expect((after.mode, after.uid, after.gid) == (before.mode, before.uid, before.gid))
        #expect(try Files.read(path, limit: 9) == [2, 3])
        #expect(try Files.read(path + ".1", limit: 9) == [1])
        #expect(try Files.list(scratch.path) == ["state", "state.1"])
    }

    @Test("a staged file is unseen until committed, and gone if it is dropped")
    func staging() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.path + "/state"
        try Files.write(path, [1])
        do {
            let staged = try AtomicFile.stage(path, [2])
            #expect(try Files.read(path, limit: 9) == [1])
            #expect(try Files.list(scratch.path).count == 2)
            _ = staged
        }
        #expect(try Files.list(scratch.path) == ["state"])
        let staged = try AtomicFile.stage(path, [3])
        try staged.commit()
        try staged.commit()
        #expect(try Files.read(path, limit: 9) == [3])
    }

    @Test("D5: a full disk costs the new content, never the old")
    func fullDisk() throws {
        try #require(linux_uid() == 0, "this test mounts a small tmpfs: run the tests as root")
        let scratch = try ScratchDirectory()
        let mount = scratch.path + "/small"
        try Files.createDirectory(mount, mode: 0o700)
        try #require(linux_mount_tmpfs(mount, "size=64k") == 0)
        defer { _ = linux_unmount(mount) }
        let old = [UInt8](repeating: 1, count: 30_000)
        try Files.write(mount + "/state", old)
        #expect {
            try Files.write(mount + "/state", [UInt8](repeating: 2, count: 60_000))
        } throws: { error in
            (error as? PlatformError)?.code == .noSpace && (error as? PlatformError)?.isStorageFailure == true
        }
        #expect(try Files.read(mount + "/state", limit: 100_000) == old)
        #expect(try Files.list(mount) == ["state"])
    }

    @Test("D13: a second lock on a state directory is refused until the first goes")
    func lock() throws {
        let scratch = try ScratchDirectory()
        var first: DirectoryLock? = try DirectoryLock(directory: scratch.path)
        #expect(throws: PlatformError.alreadyRunning(path: scratch.path + "/lock")) {
            try DirectoryLock(directory: scratch.path)
        }
        #expect(first != nil)
        first = nil
        _ = try DirectoryLock(directory: scratch.path)
    }

    @Test("a created directory has exactly its mode; an existing one is kept")
    func directories() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.path + "/run"
        try Files.createDirectory(path, mode: 0o755)
        #expect(try Files.status(path).mode == 0o755)
        try Files.createDirectory(path, mode: 0o700)
        #expect(try Files.status(path).mode == 0o755)
        try Files.write(path + "/file", [])
        #expect(throws: PlatformError.self) { try Files.createDirectory(path + "/file", mode: 0o700) }
    }

    @Test("the directory of a path", arguments: [("/a/b", "/a"), ("/a", "/"), ("a", "."), ("a/b/c", "a/b")])
    func directoryOf(path: String, directory: String) {
        #expect(Files.directory(of: path) == directory)
    }
}
