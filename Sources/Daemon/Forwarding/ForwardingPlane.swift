// The data plane as the control loop sees it: interfaces, workers, and packets to and from peers.
//
//     plane.open(vifs) → [privileges are dropped] → plane.start()
//     a peer's packet:    plane.receive(from: link, bytes) … plane.flush()       once a batch
//     a packet for one:   client.forward(bytes, to: link) … client.forwarded()   from the reactor, once a batch
//     a route changed:    plane.publish(fib)
//     a peer changed:     plane.publish(policy)
//
// Interfaces are made before workers start, so that the process can give up its rights in between: capabilities
// belong to threads, and threads inherit what is left. The plane lives in the control loop's reactor and needs no other
// attention: it watches netlink, brings broken interfaces back, and tells the client when something changed.

import Mesh
import Platform
import Routing

/// Who takes packets for peers. Called from the control loop's reactor.
package protocol ForwardingClient: AnyObject {
    /// A packet leaves by a link; the bytes are lent for the call.
    func forward(_ packet: UnsafeRawBufferPointer, to link: UInt32)
    /// A batch has ended: what was queued may be sent.
    func forwarded()
    /// An interface came up, went down or changed; see `ForwardingPlane.vifs`.
    func vifsChanged()
}

/// What the forwarder is told about peers and ourselves; interfaces it learns from the plane.
package struct ForwardingPolicy: Sendable {
    package var links: [LinkFacts]
    /// What this node announces.
    package var localPrefixes: [Prefix]
    /// Packets from an interface must have a source of ours (RFC 2827).
    package var checksSources: Bool
    /// Where peers are reached: both ends' view of live connections and what is being dialled. Packets from an
    /// interface to there are our own tunnel's (C16).
    package var underlay: [SocketAddress]

    package init(
        links: [LinkFacts] = [], localPrefixes: [Prefix] = [], checksSources: Bool = true,
        underlay: [SocketAddress] = []
    ) {
        self.links = links
        self.localPrefixes = localPrefixes
        self.checksSources = checksSources
        self.underlay = underlay
    }
}

package struct ForwardingPlaneSettings: Sendable {
    /// 1…16.
    package var workers = 1
    /// Bytes of each packet ring (two a worker).
    package var ringBytes = 1 << 20
    /// Where service interfaces bind their own sockets; private to this process.
    package var socketDirectory = "/run/vmesh/vifs"

    package init() {}
}

package final class ForwardingPlane {
    /// Interfaces of a node; their indices are below.
    package static let vifLimit = 64
    /// Packets to peers that are handed over in a turn of the control loop.
    private static let batch = 256

    let settings: ForwardingPlaneSettings
    let reactor: Reactor
    private weak var client: (any ForwardingClient)?
    private let channels: [WorkerChannel]
    private let cell: SnapshotCell<WorkerSnapshot>
    private var threads: [WorkerThread] = []
    private var registrations: [Registration] = []
    private let timer: Timer
    private let faultBell: Wakeup
    private var netlink: Netlink?
    private var monitor: NetlinkMonitor?

    private var managed: [Int: any Vif] = [:]
    private var ledger = LinkLedger()
    private var slots = LinkSlots([:])
    private var underlay = UnderlayEndpoints([])
    private var fib: FIBSnapshot
    private var policy = ForwardingPolicy()

    /// - Parameter client: kept weakly.
    package init(
        reactor: Reactor, client: any ForwardingClient, settings: ForwardingPlaneSettings = ForwardingPlaneSettings()
    ) throws(PlatformError) {
        self.reactor = reactor
        self.client = client
        self.settings = settings
        timer = try Timer()
        let faultBell = try Wakeup()
        self.faultBell = faultBell
        var channels: [WorkerChannel] = []
        for _ in 0..<min(max(settings.workers, 1), 16) {
            channels.append(try WorkerChannel(ringBytes: settings.ringBytes, faultBell: faultBell))
        }
        self.channels = channels
        var empty = FIB()
        fib = empty.publish()
        let state = ForwardingState(fib: fib, facts: ForwardingFacts(vifs: [], links: [], localPrefixes: []))
        cell = SnapshotCell(WorkerSnapshot(state: state, slots: slots, underlay: underlay), readers: channels.count)
        try watch(timer.descriptor) { $0.timerFired() }
        try watch(faultBell.descriptor) { $0.portsBroke() }
        for (number, channel) in channels.enumerated() {
            try watch(channel.outbound.bell.descriptor) { $0.drain(number) }
        }
    }

    // MARK: Life

    /// Makes interfaces; all of them or, after an error, none of these. Needs CAP_NET_ADMIN for TUNs.
    package func open(_ vifs: [VifSettings]) throws(PlatformError) {
        var done: [Int] = []
        do throws(PlatformError) {
            for vif in vifs {
                try make(vif)
                done.append(vif.index)
            }
        } catch {
            for index in done { remove(index) }
            throw error
        }
        republish()
    }

    /// Starts the workers. Threads inherit the rights that the caller has now.
    package func start() throws(PlatformError) {
        guard threads.isEmpty else { return }
        for (number, channel) in channels.enumerated() {
            let cell = cell
            // Made on the caller's thread only to report an error; then it is the new thread's alone.
            let worker = HandedOver(try ForwardingWorker(number: number, channel: channel, cell: cell))
            threads.append(try WorkerThread.start(name: "forward-\(number)") { worker.value.run() })
        }
        for vif in managed.values { attach(vif) }
    }

    /// Stops the workers and removes every interface.
    package func stop() {
        for channel in channels { channel.send(.stop) }
        for thread in threads { thread.join() }
        threads = []
        for registration in registrations { reactor.remove(registration) }
        registrations = []
        for vif in managed.values { vif.close() }
        managed = [:]
    }

    // MARK: Interfaces

    /// Adds an interface at run time.
    package func add(_ vif: VifSettings) throws(PlatformError) {
        try make(vif)
        republish()
    }

    /// Removes an interface; a TUN has disappeared when this returns. Packets for it are refused from now on.
    package func remove(_ index: Int) {
        guard let vif = managed.removeValue(forKey: index) else { return }
        republish()
        vif.close()
        detach(index)
    }

    /// All interfaces, by index.
    package var vifs: [VifStatus] {
        managed.sorted { $0.key < $1.key }.map { index, vif in
            let row = CounterRows.values(at: CounterRows.vif(index), in: channels.map(\.counters))
            return VifStatus(
                index: index, name: vif.settings.name, kind: vif.settings.kind, isUp: vif.isUp, device: vif.device,
                mtu: vif.mtu > 0 ? vif.mtu : nil, addresses: vif.addresses,
                missingAddresses: vif.missingAddresses, counters: CounterRows.counters(row),
                lastError: vif.lastError)
        }
    }

    /// Whether the kernel would send to this address by one of our own interfaces: a dial would go into the tunnel that
    /// it is to carry (C16). Not known is false.
    package func leadsIntoTunnel(_ address: SocketAddress) -> Bool {
        guard let netlink, let index = try? netlink.outgoingInterface(to: address),
            let name = try? netlink.state(of: index).name
        else { return false }
        return managed.values.contains { $0.device == name }
    }

    private func make(_ settings: VifSettings) throws(PlatformError) {
        guard (0..<Self.vifLimit).contains(settings.index), managed[settings.index] == nil else {
            throw .malformed(
                text: settings.name, reason: "cannot be added: \(Self.vifLimit) interfaces at most, each index once")
        }
        let vif: any Vif
        switch settings.kind {
        case .tun(let interface, let addresses, let mtu):
            let netlink = try watchNetlink()
            vif = TunVif(settings, interface: interface, addresses: addresses, mtu: mtu, netlink: netlink)
        case .service(let address):
            vif = ServiceVif(settings, address: address, directory: self.settings.socketDirectory)
        case .dummy: vif = DummyVif(settings)
        }
        do {
            try vif.open()
        } catch {
            vif.close()
            throw error
        }
        managed[settings.index] = vif
        attach(vif)
        armTimer()
    }

    /// Every worker may write to a port; one reads it. Before `start` nobody does: it attaches all.
    private func attach(_ vif: any Vif) {
        guard let port = vif.port, !threads.isEmpty else { return }
        for (number, channel) in channels.enumerated() {
            channel.send(.attach(port, reads: port.index % channels.count == number))
        }
    }

    /// Makes the workers let go of a port, and waits for it: the interface's name can be used again afterwards.
    private func detach(_ index: Int) {
        guard !threads.isEmpty else { return }
        for channel in channels { channel.send(.detach(index: index)) }
        for channel in channels { channel.waitUntilObeyed() }
    }

    // MARK: Snapshots

    /// Makes a FIB snapshot the one that packets are forwarded by. At most every 20 ms.
    package func publish(_ fib: FIBSnapshot) {
        self.fib = fib
        publish(facts: cell.value.state.facts)
    }

    /// Makes a description of links and prefixes the one in force.
    package func publish(_ policy: ForwardingPolicy) {
        self.policy = policy
        underlay = UnderlayEndpoints(policy.underlay)
        republish()
    }

    /// Lets go of snapshots that no worker uses any more. `publish` does so too; call it before `FIB.reclaim`.
    package func reclaim() { cell.reclaim() }

    private func republish() {
        let vifs = managed.values.map { vif in
            let facts = vif.facts
            return VifFacts(
                index: vif.settings.index, mtu: facts.mtu, isUp: facts.isUp, addresses: facts.addresses)
        }
        let facts = ForwardingFacts(
            vifs: vifs, links: policy.links, localPrefixes: policy.localPrefixes,
            checksSources: policy.checksSources)
        slots = ledger.update(policy.links.lazy.map(\.link), in: channels.map(\.counters)) ?? slots
        publish(facts: facts)
    }

    private func publish(facts: ForwardingFacts) {
        let state = ForwardingState(fib: fib, facts: facts)
        cell.publish(WorkerSnapshot(state: state, slots: slots, underlay: underlay))
    }

    // MARK: Packets

    /// Takes a peer's packet; it is judged once `flush` was called. False, and counted by the ring, if the worker's
    /// queue is full or the packet longer than IPv6 allows.
    package func receive(from link: UInt32, _ packet: UnsafeRawBufferPointer) -> Bool {
        // One link always goes by the same worker, so its packets stay in order.
        channels[Int(link) % channels.count].inbound.append(tag: link, packet)
    }

    /// Wakes the workers for what was received. Once a batch.
    package func flush() {
        for channel in channels { channel.inbound.publish() }
    }

    private func drain(_ number: Int) {
        // Once a batch: a weak reference costs atomic operations each time it is read.
        let client = client
        channels[number].outbound.consume(budget: Self.batch) { link, packet in
            client?.forward(UnsafeRawBufferPointer(packet), to: link)
        }
        client?.forwarded()
    }

    // MARK: Counters

    /// What went through a link since it was in a published policy; nil for one that is not.
    package func counters(of link: UInt32) -> TrafficCounters? {
        ledger.counters(of: link, in: channels.map(\.counters))
    }

    /// Packets from peers that found the way to the workers full.
    package var refusedFromPeers: UInt64 { channels.reduce(0) { $0 &+ $1.inbound.dropped } }

    // MARK: What happens

    private func watch(
        _ descriptor: Descriptor, _ act: @escaping (ForwardingPlane) -> Void
    ) throws(PlatformError) {
        registrations.append(try reactor.add(descriptor, interest: .readable, handler: Handler(self, act)))
    }

    private func watchNetlink() throws(PlatformError) -> Netlink {
        if let netlink { return netlink }
        let (netlink, monitor) = (try Netlink(), try NetlinkMonitor())
        (self.netlink, self.monitor) = (netlink, monitor)
        try watch(monitor.descriptor) { $0.interfacesChanged() }
        return netlink
    }

    private func interfacesChanged() {
        var touched: Set<Int32?> = []
        for event in monitor?.events() ?? [] {
            switch event {
            case .link(let state): touched.insert(state.index)
            case .linkRemoved(let index), .addressAdded(let index, _), .addressRemoved(let index, _):
                touched.insert(index)
            case .resync: touched = [nil]
            }
            if touched.contains(nil) { break }
        }
        update { vif in touched.forEach { vif.interfaceChanged($0, at: self.reactor.now) } }
    }

    private func portsBroke() {
        faultBell.clear()
        update { vif in if vif.port?.isBroken == true { vif.broke(at: self.reactor.now) } }
    }

    private func timerFired() {
        timer.clear()
        update { vif in if let due = vif.retryAt, due <= self.reactor.now { vif.retry(at: self.reactor.now) } }
    }

    /// Lets every interface look after itself, and passes on what came of it.
    private func update(_ step: (any Vif) -> Void) {
        var hasChanged = false
        for (index, vif) in managed.sorted(by: { $0.key < $1.key }) {
            let before = (vif.port, vif.facts)
            step(vif)
            let after = (vif.port, vif.facts)
            if before.0 !== after.0 {
                if after.0 == nil { detach(index) }
                attach(vif)
            }
            hasChanged = hasChanged || before.0 !== after.0 || before.1 != after.1
        }
        armTimer()
        guard hasChanged else { return }
        republish()
        client?.vifsChanged()
    }

    private func armTimer() {
        guard let next = managed.values.compactMap(\.retryAt).min() else { return timer.cancel() }
        timer.fire(after: next - SystemClock.now())
    }
}
