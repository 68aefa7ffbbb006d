// What the tests of this target share: a scratch directory, seeds, and the capabilities that some of them need.

import Testing

@testable import Platform

/// A directory of a test's own, removed with everything in it when the object goes.
final class ScratchDirectory {
    let path: String

    init() throws {
        path = "/tmp/vmesh-test-\(SecureRandom.hexadecimal(bytes: 8))"
        try Files.createDirectory(path, mode: 0o700)
    }

    deinit { Self.remove(path) }

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

/// Seed of this run; a failing test prints it with its comment.
let runSeed: UInt64 = SecureRandom.number()

/// The tests that touch interfaces run as root, as CI does. Where that is not so they fail rather than pass unseen.
func requireNetAdmin() throws {
    let privileges = try ProcessPrivileges.current()
    try #require(privileges.hasNetAdmin, "this test needs CAP_NET_ADMIN: run the tests as root")
}

/// Runs `body` on a thread of its own in a fresh network namespace and hands its answer, or its error, back.
func inFreshNetwork<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) throws -> Answer {
    try requireNetAdmin()
    let box = Box<Result<Answer, any Error>>()
    let thread = try WorkerThread.start(name: "netns") {
        box.value = Result {
            try NetworkNamespace.unshare()
            return try body()
        }
    }
    thread.join()
    return try #require(box.value).get()
}

/// A value that one thread leaves for the one that joins it.
final class Box<Value>: @unchecked Sendable {
    var value: Value?
}

/// Records what it is called with.
final class Recorder: ReactorHandler {
    var seen: [Readiness] = []
    var onReady: (Readiness) -> Void = { _ in }

    func ready(_ readiness: Readiness) {
        seen.append(readiness)
        onReady(readiness)
    }
}

extension Reactor {
    /// Turns until `condition` holds; false after `seconds`, which only a failing test waits for.
    func run(seconds: Int64 = 10, until condition: () -> Bool) throws -> Bool {
        let end = SystemClock.now() + seconds * 1_000_000
        while !condition() {
            guard SystemClock.now() < end else { return false }
            try turn(deadline: min(end, SystemClock.now() + 100_000))
        }
        return true
    }
}
