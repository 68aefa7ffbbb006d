// What must outlive the process: the signed configuration in force, the history of the node's own, certificates that
// came by the API, tokens.
//
//     state_dir/lock                      held while a process lives (D13)
//     state_dir/distributed-config.bin    the signed bytes as they travel; `.1` is the one before
//     state_dir/history/REVISION.json     the configuration documents that were replaced, the last 50
//     state_dir/external-peers/ID.crt     pinned certificates
//     state_dir/tokens.json               digests of tokens
//
// Each file is replaced as a whole (AtomicFile), so a power cut leaves the old or the new. A disk that takes nothing
// is an alarm and a later try, never the end of the router (D5). The signature is the checksum of the distributed
// config: a file that does not hold together is passed over for the one before, and if neither does the process does
// not start, because a policy that once existed must not vanish in silence (S7, B14).

import ManagementAPI
import Mesh
import Platform
import TLS
import Wire

/// Why the state directory cannot be used; one line.
struct StateError: Error, CustomStringConvertible {
    let description: String
}

final class StateDirectory {
    static let historyKept = 50
    let path: String
    private let lock: DirectoryLock

    /// Creates what is missing and takes the lock.
    init(_ path: String) throws(StateError) {
        self.path = path
        do {
            try Self.createParents(path)
            try Files.createDirectory(path, mode: 0o700)
            lock = try DirectoryLock(directory: path)
            for name in ["history", "external-peers", "vifs"] {
                try Files.createDirectory("\(path)/\(name)", mode: 0o700)
            }
            for directory in [path, "\(path)/history", "\(path)/external-peers"] {
                AtomicFile.clearLeftovers(in: directory)
            }
        } catch {
            if case .alreadyRunning(let file) = error {
                throw StateError(
                    description: "\(file) is held by another vmeshd: stop it, or give this one a state_dir of its own")
            }
            throw StateError(
                description: "state directory \(path): \(error); set \"state_dir\" to a writable directory")
        }
    }

    private static func createParents(_ path: String) throws(PlatformError) {
        let parent = Files.directory(of: path)
        guard parent != "/", parent != ".", (try? Files.status(parent)) == nil else { return }
        try createParents(parent)
        try Files.createDirectory(parent, mode: 0o755)
    }

    /// The files and directories that a process without root must still be able to change.
    func give(to user: String) throws(PlatformError) {
        let (uid, gid) = try Files.owner(named: user)
        try Files.changeOwner(path, uid: uid, gid: gid)
        for name in ["history", "external-peers", "vifs"] {
            try Files.changeOwner("\(path)/\(name)", uid: uid, gid: gid)
        }
        for directory in [path, "\(path)/history", "\(path)/external-peers"] {
            for name in try Files.list(directory) where (try? Files.status("\(directory)/\(name)"))?.kind == .file {
                try Files.changeOwner("\(directory)/\(name)", uid: uid, gid: gid)
            }
        }
    }

    // MARK: Distributed config

    private var distributedConfig: String { path + "/distributed-config.bin" }

    /// The config that was in force when the process before this one ended.
    /// - Returns: nil if there never was one; warnings are about a damaged or unfamiliar one that is in force all the
    ///   same.
    func storedConfig(
        authorities: [Certificate], now: Int64
    ) throws(StateError) -> (config: VerifiedConfig, warnings: [String])? {
        var complaints: [String] = []
        for file in [distributedConfig, distributedConfig + ".1"] {
            let bytes: [UInt8]
            do { bytes = try Files.read(file, limit: 8 << 20) } catch {
                if error.code != .notFound { complaints.append("\(error)") }
                continue
            }
            do {
                let stored = try DistributedConfigCheck.stored(bytes, authorities: authorities, now: now)
                return (stored.config, complaints + stored.warnings)
            } catch {
                complaints.append("\(file): \(error)")
            }
        }
        guard !complaints.isEmpty else { return nil }
        throw StateError(
            description:
                "\(complaints.joined(separator: "; ")): the policy in force cannot be read, and to run without one "
                + "would let everything in; restore the file, or remove it and start with -initial-dc")
    }

    func store(_ config: VerifiedConfig) throws(PlatformError) {
        try Files.write(distributedConfig, config.signed.encoded(), keepingPrevious: distributedConfig + ".1")
    }

    // MARK: History of the configuration

    /// Keeps a document that was replaced; the oldest beyond 50 go.
    func keep(revision: UInt64, document: [UInt8]) throws(PlatformError) {
        let directory = path + "/history"
        try Files.write("\(directory)/\(revision).json", document)
        let kept = try Files.list(directory).compactMap { name in
            name.hasSuffix(".json") ? UInt64(name.dropLast(5)) : nil
        }
        for old in kept.sorted().dropLast(Self.historyKept) { try Files.remove("\(directory)/\(old).json") }
    }

    /// The revision after the newest in the history, 1 at first.
    var nextRevision: UInt64 {
        let names = (try? Files.list(path + "/history")) ?? []
        let newest = names.compactMap { $0.hasSuffix(".json") ? UInt64($0.dropLast(5)) : nil }.max() ?? 0
        return newest == .max ? newest : newest + 1
    }

    // MARK: Certificates

    func externalCertificatePath(_ id: String) -> String { "\(path)/external-peers/\(id).crt" }

    var tokens: String { path + "/tokens.json" }
    var audit: String { path + "/audit.log" }
}
