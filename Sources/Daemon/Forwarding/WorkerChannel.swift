// What the control thread and one worker share: two rings of packets, the snapshot, the counters, and a mailbox for
// the rare things (an interface comes or goes, stop).

import Mesh
import Platform
import Synchronization

/// What a worker decides by, published as one object so that no packet sees half a change.
final class WorkerSnapshot: Sendable {
    let state: ForwardingState
    let slots: LinkSlots
    let underlay: UnderlayEndpoints

    init(state: ForwardingState, slots: LinkSlots, underlay: UnderlayEndpoints) {
        self.state = state
        self.slots = slots
        self.underlay = underlay
    }
}

enum WorkerCommand: Sendable {
    /// Deliver to this port, and read from it if `reads`; another port of the same index is forgotten.
    case attach(VifPort, reads: Bool)
    case detach(index: Int)
    case stop
}

final class WorkerChannel: Sendable {
    /// Packets from peers; tag: the link that they came by.
    let inbound: PacketRing
    /// Packets to peers; tag: the link that they go to.
    let outbound: PacketRing
    let counters: CounterBlock
    /// Rung when a command waits.
    let commandBell: Wakeup
    /// The control thread's: rung when a port broke.
    let faultBell: Wakeup
    private let commands = Mutex<[WorkerCommand]>([])
    private let doneBell: Wakeup
    private let sent = Atomic<Int>(0)
    private let done = Atomic<Int>(0)

    init(ringBytes: Int, faultBell: Wakeup) throws(PlatformError) {
        inbound = try PacketRing(capacity: ringBytes)
        outbound = try PacketRing(capacity: ringBytes)
        counters = try CounterBlock(count: CounterRows.count)
        commandBell = try Wakeup()
        doneBell = try Wakeup()
        self.faultBell = faultBell
    }

    // MARK: The control thread

    func send(_ command: WorkerCommand) {
        sent.add(1, ordering: .relaxed)
        commands.withLock { $0.append(command) }
        commandBell.ring()
    }

    /// Waits until the worker has obeyed everything: some microseconds, as it never blocks; a second at most.
    func waitUntilObeyed() {
        let end = SystemClock.now() + 1_000_000
        while done.load(ordering: .acquiring) < sent.load(ordering: .relaxed), SystemClock.now() < end {
            _ = doneBell.wait(milliseconds: 100)
            doneBell.clear()
        }
    }

    // MARK: The worker

    func takeCommands() -> [WorkerCommand] {
        commandBell.clear()
        return commands.withLock { commands in
            defer { commands = [] }
            return commands
        }
    }

    /// So many commands are in force, and what they let go of is gone.
    func obeyed(_ count: Int) {
        done.add(count, ordering: .releasing)
        doneBell.ring()
    }
}
