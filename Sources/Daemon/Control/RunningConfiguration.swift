// The configuration that runs, and how it stands to the file.

import ManagementAPI
import Platform

final class RunningConfiguration {
    let file: ConfigurationFile
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
        fileDigest = loaded.digest
        fileBytes = loaded.bytes
        changedAt = now
        changedBy = "start"
    }

    /// The document that `proposed` replaces is what the history keeps.
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
