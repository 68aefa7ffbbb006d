// The configuration that runs, and how it stands to the file.
//
// A revision is a configuration that ran. Its number goes up by one with each change, and over restarts too: what is
// replaced goes to the history under its own number, and a start continues after the newest there (see
// StateDirectory.nextRevision). What was changed with `persist=false` is a revision as well, only not one that a
// restart would read.

import ManagementAPI
import Platform

final class RunningConfiguration {
    let file: ConfigurationFile
    /// What the process was started with: some of it holds until it ends.
    let started: NodeConfig
    private(set) var running: NodeConfig
    /// Counts up with every change, over restarts too.
    private(set) var revision: UInt64
    private(set) var changedAt: Timestamp
    private(set) var changedBy: String
    /// Of the document that was read or written last, lower-case hex.
    private(set) var fileDigest: String
    private(set) var fileBytes: [UInt8]
    /// Whether a restart would read what runs now.
    private(set) var isSaved = true
    private var knownDigest: (status: FileStatus, digest: String?)?

    init(_ loaded: LoadedConfiguration, file: ConfigurationFile, revision: UInt64, now: Timestamp) {
        self.file = file
        self.revision = revision
        running = loaded.config
        started = loaded.config
        fileDigest = loaded.digest
        fileBytes = loaded.bytes
        changedAt = now
        changedBy = "start"
    }

    /// The document of the revision that runs now, as the history keeps it.
    var document: [UInt8] { isSaved ? fileBytes : file.document(of: running) }

    /// A file that was read again and means the same (another order, a member that nobody knows): no new revision.
    func readAgain(_ loaded: LoadedConfiguration) {
        running = loaded.config
        fileBytes = loaded.bytes
        fileDigest = loaded.digest
        isSaved = true
    }

    /// A new revision.
    /// - Parameter saved: what was written to the file or read from it; nil if the change runs only.
    func replace(with config: NodeConfig, by actor: String, at now: Timestamp, saved: (bytes: [UInt8], digest: String)?)
    {
        running = config
        revision += 1
        changedAt = now
        changedBy = actor
        if let saved {
            fileBytes = saved.bytes
            fileDigest = saved.digest
        }
        isSaved = saved != nil
    }

    /// Whether a change is written back by default (`api.persist`, with the rights of now).
    var writesBack: Bool {
        switch running.api.persistence {
        case .always: true
        case .never: false
        case .auto: file.isWritable
        }
    }

    /// The file is read only where its status shows that it may be another than before: status and health are asked
    /// for far more often than anybody edits it. A change within the clock's grain of the one before leaves the same
    /// status, so what is younger than a second is read every time.
    private func digestOnDisk() -> String? {
        guard let status = try? Files.status(file.path) else { return nil }
        if let known = knownDigest, known.status == status { return known.digest }
        let digest = file.digestOnDisk()
        let age = SystemClock.wallMicroseconds() - status.changed
        knownDigest = age > 1_000_000 ? (status, digest) : nil
        return digest
    }

    var status: ConfigStatusBody {
        let onDisk = digestOnDisk()
        return ConfigStatusBody(
            revision: revision, changedAt: changedAt, changedBy: changedBy, file: file.path, fileSHA256: fileDigest,
            runningMatchesFile: isSaved && onDisk == fileDigest,
            fileChangedOnDisk: onDisk != nil && onDisk != fileDigest,
            persist: writesBack ? .writeBack : .runtimeOnly)
    }
}
