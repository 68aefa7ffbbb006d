// Writes one after the other. A write's precondition is checked when its turn has come, so two writers with the same
// If-Match cannot both win (fault E12).

import ManagementAPI

final class WriteQueue {
    /// Writes waiting at once; more are answered 429.
    static let maximumWaiting = 64

    typealias Work = (_ done: @escaping () -> Void) -> Void

    private var waiting: [Work] = []
    private var isBusy = false

    /// Runs `work` when all before it are done. False if too many wait. `work` calls `done` once; more do nothing.
    func enqueue(_ work: @escaping Work) -> Bool {
        guard waiting.count < Self.maximumWaiting else { return false }
        waiting.append(work)
        runNext()
        return true
    }

    private func runNext() {
        // A loop, not recursion: works that finish at once must not deepen the stack.
        while !isBusy, !waiting.isEmpty {
            isBusy = true
            let work = waiting.removeFirst()
            var isDone = false
            var isRunning = true
            work { [weak self] in
                guard !isDone else { return }
                isDone = true
                self?.isBusy = false
                if !isRunning { self?.runNext() }
            }
            isRunning = false
        }
    }
}
