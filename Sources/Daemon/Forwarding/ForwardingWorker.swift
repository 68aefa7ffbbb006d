// The thread that moves packets.
//
//     TUN, service ──read──┐                          ┌──write──► TUN, service
//                          ├─► Forwarder.decide ──────┤
//     control ──inbound────┘          │               └──outbound──► control ─► peer
//                                     └─ drop, counted; perhaps an ICMPv6 error, which takes the same ways out
//
// It sleeps in its own reactor. Each source gives at most a batch a turn, judged by one snapshot; what goes to peers is
// published, and the control loop woken, once a batch. Nothing here waits: a full queue drops and counts. On a
// packet's way nothing allocates, locks, logs or counts references.

import Mesh
import Platform
import Routing

/// Made and run by its thread; nobody else touches it.
final class ForwardingWorker {
    /// Packets of one source that are handled before the others get their turn.
    static let batch = 64

    private let number: Int
    private let channel: WorkerChannel
    private let cell: SnapshotCell<WorkerSnapshot>
    private let reactor: Reactor
    private let counters: CounterBlock
    private let buffer: UnsafeMutableRawBufferPointer
    private let errorBuffer: UnsafeMutableRawBufferPointer
    private var forwarder = Forwarder()
    private var ports = PortTable(capacity: ForwardingPlane.vifLimit)
    private var readers: [Int: (port: VifPort, registration: Registration)] = [:]
    private var isRunning = true

    init(
        number: Int, channel: WorkerChannel, cell: SnapshotCell<WorkerSnapshot>
    ) throws(PlatformError) {
        self.number = number
        self.channel = channel
        self.cell = cell
        counters = channel.counters
        reactor = try Reactor()
        // No read is ever cut: the longest packet there is fits.
        buffer = .allocate(byteCount: TunDevice.bufferSize, alignment: 16)
        errorBuffer = .allocate(byteCount: 2048, alignment: 16)
        _ = try reactor.add(channel.commandBell.descriptor, interest: .readable, handler: Commands(self))
        _ = try reactor.add(channel.inbound.bell.descriptor, interest: .readable, handler: Inbound(self))
    }

    deinit {
        buffer.deallocate()
        errorBuffer.deallocate()
    }

    /// Until the stop command.
    func run() {
        while isRunning {
            // Fails only for a bad descriptor or no memory in the kernel. There is nothing to do without it.
            do { try reactor.turn(deadline: nil) } catch { return }
        }
        for reader in readers.values { reactor.remove(reader.registration) }
    }

    // MARK: Batches

    fileprivate func receiveFromPeers() {
        cell.read(as: number) { snapshot in
            let table = snapshot.state.table
            let slots = snapshot.slots.view
            channel.inbound.consume(budget: Self.batch) { link, packet in
                let row = CounterRows.link(slot: slots.slot(of: link))
                handle(packet, from: .link(link), row: row, table, slots)
            }
        }
        channel.outbound.publish()
    }

    fileprivate func receive(from port: VifPort) {
        cell.read(as: number) { snapshot in
            let table = snapshot.state.table
            let slots = snapshot.slots.view
            let underlay = snapshot.underlay.view
            let row = CounterRows.vif(port.index)
            for _ in 0..<Self.batch {
                guard case .packet(let count) = port.read(into: buffer, onBreak: { portBroke() }) else { return }
                let packet = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count)
                if underlay.contains(packet) {
                    counters.countReceived(row, bytes: count)
                    counters.countDrop(row, .received, .recursion, bytes: count)
                    continue
                }
                handle(packet, from: .vif(port.index), row: row, table, slots)
            }
        }
        channel.outbound.publish()
        // A deleted TUN reports an error for ever; epoll must not hear of it again (C23). A service's socket stays:
        // it is connected anew in place.
        if port.isBroken, case .tun = port.channel { stopReading(port.index) }
    }

    // MARK: One packet

    @inline(__always)
    private func handle(
        _ packet: UnsafeMutableRawBufferPointer, from ingress: Ingress, row: Int, _ table: ForwardingTable,
        _ slots: LinkSlots.View
    ) {
        counters.countReceived(row, bytes: packet.count)
        let verdict = Forwarder.decide(packet, from: ingress, by: table)
        switch verdict {
        case .deliver(let vif): deliver(UnsafeRawBufferPointer(packet), to: vif)
        case .send(let link): send(UnsafeRawBufferPointer(packet), to: link, slots)
        case .drop(let reason): counters.countDrop(row, .received, reason, bytes: packet.count)
        case .refuse(let reason, let error):
            counters.countDrop(row, .received, reason, bytes: packet.count)
            let now = Instant(microseconds: reactor.now)
            guard
                let answer = forwarder.answer(
                    UnsafeRawBufferPointer(packet), with: error, from: ingress, by: table, at: now, into: errorBuffer)
            else { return }
            let message = UnsafeRawBufferPointer(rebasing: errorBuffer.prefix(answer.length))
            switch answer.egress {
            case .vif(let index): deliver(message, to: index)
            case .link(let link): send(message, to: link, slots)
            }
        }
    }

    @inline(__always)
    private func deliver(_ packet: UnsafeRawBufferPointer, to vif: Int) {
        let row = CounterRows.vif(vif)
        let outcome = ports.with(vif) { $0.write(packet, onBreak: { portBroke() }) } ?? .down
        switch outcome {
        case .written: counters.countSent(row, bytes: packet.count)
        case .full: counters.countDrop(row, .sent, .queueFull, bytes: packet.count)
        case .down: counters.countDrop(row, .sent, .vifDown, bytes: packet.count)
        case .refused: counters.countDrop(row, .sent, .malformed, bytes: packet.count)
        }
    }

    @inline(__always)
    private func send(_ packet: UnsafeRawBufferPointer, to link: UInt32, _ slots: LinkSlots.View) {
        let row = CounterRows.link(slot: slots.slot(of: link))
        if channel.outbound.append(tag: link, packet) {
            counters.countSent(row, bytes: packet.count)
        } else {
            counters.countDrop(row, .sent, .queueFull, bytes: packet.count)
        }
    }

    // MARK: Ports

    private func portBroke() { channel.faultBell.ring() }

    fileprivate func obey() {
        var count = 0
        for command in channel.takeCommands() {
            count += 1
            switch command {
            case .attach(let port, let reads):
                stopReading(port.index)
                ports.set(port.index, port)
                if reads { startReading(port) }
            case .detach(let index):
                stopReading(index)
                ports.set(index, nil)
            case .stop: isRunning = false
            }
        }
        channel.obeyed(count)
    }

    private func startReading(_ port: VifPort) {
        guard let descriptor = port.descriptor else { return }
        do {
            let registration = try reactor.add(descriptor, interest: .readable, handler: Reader(self, port))
            readers[port.index] = (port, registration)
        } catch {
            // Closed in the meantime, or no memory: the control thread opens it anew.
            if port.markBroken() { portBroke() }
        }
    }

    private func stopReading(_ index: Int) {
        guard let reader = readers.removeValue(forKey: index) else { return }
        reactor.remove(reader.registration)
    }

    /// A TUN that epoll calls broken, whether or not anything can be read.
    fileprivate func fault(_ port: VifPort) {
        receive(from: port)
        guard case .tun = port.channel, readers[port.index] != nil else { return }
        if port.markBroken() { portBroke() }
        stopReading(port.index)
    }

    // Handlers do not retain the worker: it holds the reactor that holds them.

    private final class Commands: ReactorHandler {
        private unowned let worker: ForwardingWorker
        init(_ worker: ForwardingWorker) { self.worker = worker }
        func ready(_ readiness: Readiness) { worker.obey() }
    }

    private final class Inbound: ReactorHandler {
        private unowned let worker: ForwardingWorker
        init(_ worker: ForwardingWorker) { self.worker = worker }
        func ready(_ readiness: Readiness) { worker.receiveFromPeers() }
    }

    private final class Reader: ReactorHandler {
        private unowned let worker: ForwardingWorker
        private let port: VifPort
        init(_ worker: ForwardingWorker, _ port: VifPort) {
            self.worker = worker
            self.port = port
        }
        func ready(_ readiness: Readiness) {
            if readiness.contains(.error) { worker.fault(port) } else { worker.receive(from: port) }
        }
    }
}
