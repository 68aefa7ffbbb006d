// What the daemon's tests share: a directory of their own, a seeded generator, a log that is kept instead of printed.

import Logging
import Synchronization

@testable import Daemon
@testable import Platform

/// A directory of a test's own, removed with everything in it when the object goes.
final class ScratchDirectory {
    let path: String

    init() throws {
        path = "/tmp/vmesh-daemon-\(SecureRandom.hexadecimal(bytes: 8))"
        try Files.createDirectory(path, mode: 0o700)
    }

    deinit { Self.remove(path) }

    func text(_ name: String) throws -> String {
        String(decoding: try Files.read("\(path)/\(name)", limit: 8 << 20), as: UTF8.self)
    }

    func write(_ text: String, to name: String, mode: UInt32 = 0o600) throws {
        try Files.write("\(path)/\(name)", Array(text.utf8), mode: mode)
    }

    private static func remove(_ path: String) {
        for name in (try? Files.list(path)) ?? [] {
            let child = "\(path)/\(name)"
            if (try? Files.status(child))?.kind == .directory { remove(child) } else { try? Files.remove(child) }
        }
        try? Files.removeDirectory(path)
    }
}

/// A generator with a printed seed, so that a failure can be repeated (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}

/// Keeps log lines as `level message key=value…`.
final class KeptLog: Sendable {
    private let kept = Mutex<[String]>([])
    private let level = Mutex<Logger.Level>(.info)

    var lines: [String] { kept.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in Handler(owner: self) } }

    private struct Handler: LogHandler {
        let owner: KeptLog
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level {
            get { owner.level.withLock { $0 } }
            nonmutating set { owner.level.withLock { $0 = newValue } }
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let pairs = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
            let line = "\(event.level) \(event.message)" + pairs.map { " \($0.key)=\($0.value)" }.joined()
            owner.kept.withLock { $0.append(line) }
        }
    }
}
