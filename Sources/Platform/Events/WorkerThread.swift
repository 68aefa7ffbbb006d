// A thread that lives as long as its work, by pthread.

import CLinux

/// A started thread. It is born with every signal blocked. Its body is formed by a nonisolated function, never at
/// the top level of a program (there closures belong to the main actor and trap elsewhere).
package final class WorkerThread: Sendable {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let thread: UInt64

    private init(thread: UInt64) { self.thread = thread }

    /// Starts a thread; the name (15 bytes are shown) is what ps and gdb say.
    package static func start(
        name: String, body: @escaping @Sendable () -> Void
    ) throws(PlatformError) -> WorkerThread {
        WorkerThread(thread: try launch(name: name, detached: false, body: body))
    }

    /// Starts a thread that nobody waits for: it may hang in a call until the process ends.
    package static func detach(name: String, body: @escaping @Sendable () -> Void) throws(PlatformError) {
        _ = try launch(name: name, detached: true, body: body)
    }

    /// Waits for the body to return. Once at most.
    package func join() { _ = linux_thread_join(thread) }

    private static func launch(
        name: String, detached: Bool, body: @escaping @Sendable () -> Void
    ) throws(PlatformError) -> UInt64 {
        let context = Unmanaged.passRetained(Body(body))
        var thread: UInt64 = 0
        let code = linux_thread_start(
            &thread, name, detached ? 1 : 0,
            { context in
                guard let context else { return }
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
            }, context.toOpaque())
        if code < 0 { context.release() }
        try check(code, "pthread_create", name)
        return thread
    }
}
