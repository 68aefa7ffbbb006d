// All links of the node: who dials, who is let in, and by which number the rest of the daemon knows them.
//
// A dial goes: resolve (off the loop, D14) → connect to the addresses in turn → `PeerLink`. An arrival goes: accept →
// admission (A21) → `PeerLink`. From then on both are the same. What links report becomes events for the node; they
// wait in the sink until the turn of the loop is over, so no link is torn down while it is still reading.

import Mesh
import Platform
import Routing
import TLS
import Wire

/// Where events and packets go.
protocol LinkSink: AnyObject {
    func happened(_ event: Event)
    func received(_ packet: UnsafeRawBufferPointer, from link: PeerLink)
    /// A handshake was refused on the listener: reason and remote address, for counters and a bounded log.
    func refusedHandshake(_ code: String, _ detail: String, from address: SocketAddress)
    /// A link ended; its counters are final.
    func retired(_ link: PeerLink)
    func acceptExhausted(_ code: ErrorCode)
    /// The name that the configuration binds to an external peer's certificate.
    func boundName(ofExternal fingerprint: [UInt8]) -> String?
}

final class PeerLinks: AcceptorClient, ResolverClient, PeerLinkOwner {
    private struct Dial {
        let peer: String
        let address: String
        var request: UInt64?
        var candidates: [SocketAddress] = []
        var link: LinkID?
        var lastFailure: DialFailure?
    }

    /// By number. Live, opening and closing ones.
    private(set) var links: [LinkID: PeerLink] = [:]
    private(set) var admission = HandshakeAdmission()
    /// Handshakes that were not admitted, since the start.
    private(set) var handshakesShed: UInt64 = 0
    /// Used for sessions from now on; a change leaves those that stand.
    var context: TLSContext

    private let reactor: Reactor
    private let scratch = LinkScratch()
    private let userAgent: String
    /// v1's `server_name`, sent as SNI where a peer has no name of its own; holds for dials from now on.
    var serverName: String?
    private weak var sink: (any LinkSink)?
    private var resolver: Resolver?
    private var acceptors: [Acceptor] = []
    private var dials: [String: Dial] = [:]
    private var dirty: [PeerLink] = []
    private var lastNumber: LinkID = 0
    private let isOwnAddress: (SocketAddress) -> Bool

    /// - Parameters:
    ///   - serverName: v1's `server_name`, sent as SNI where a peer has no name of its own.
    ///   - isOwnAddress: true for addresses inside the node's own prefixes, which an underlay may never be (D14).
    init(
        reactor: Reactor, context: TLSContext, userAgent: String, serverName: String?, sink: any LinkSink,
        isOwnAddress: @escaping (SocketAddress) -> Bool
    ) throws(PlatformError) {
        self.reactor = reactor
        self.context = context
        self.userAgent = userAgent
        self.serverName = serverName
        self.sink = sink
        self.isOwnAddress = isOwnAddress
        resolver = try Resolver(reactor: reactor, client: self)
    }

    /// What every peer's TCP socket is made with.
    static var tcpOptions: TCPOptions {
        var options = TCPOptions()
        // Milliseconds; a black hole under a v1 peer, whose Pongs prove nothing, is found this way (D2).
        options.userTimeout = 3_000
        // Packets that the kernel holds stand before the next announcement (A27): let that be little.
        options.notSentLowWater = 256 << 10
        return options
    }

    /// Starts to take connections.
    func listen(_ listeners: [StreamListener]) throws(PlatformError) {
        for listener in listeners { acceptors.append(try Acceptor(listener, reactor: reactor, client: self)) }
    }

    var listenAddresses: [String] { acceptors.compactMap { $0.listener.address.map { "\($0)" } } }

    /// Stops taking connections and looking names up, and drops handshakes; links that stand stay.
    func stopListening() {
        for acceptor in acceptors { acceptor.stop() }
        acceptors = []
        for peer in dials.keys.sorted() { cancelDial(peer) }
        // The node knows nothing of these, so it would not close them, and the end would wait for their deadlines.
        for link in links.values where !link.wasEstablished { link.close(.shutdown) }
        resolver?.stop()
        resolver = nil
    }

    // MARK: Dialling

    func dial(peer: String, address: String) {
        cancelDial(peer)
        do {
            let target = try Platform.HostPort(parsing: address)
            dials[peer] = Dial(peer: peer, address: address, request: resolver?.resolve(target))
        } catch {
            sink?.happened(.dialFailed(peer: peer, address: address, .unreachable("\(error)")))
        }
    }

    func cancelDial(_ peer: String) {
        guard let dial = dials.removeValue(forKey: peer) else { return }
        if let request = dial.request { resolver?.cancel(request) }
        if let link = dial.link.flatMap({ links[$0] }), link.phase != .open { link.close(.unconfigured) }
    }

    func resolved(_ request: UInt64, _ result: Result<[SocketAddress], ResolveError>) {
        guard let peer = dials.first(where: { $0.value.request == request })?.key else { return }
        dials[peer]?.request = nil
        switch result {
        case .success(let addresses):
            let usable = addresses.filter { !isOwnAddress($0) }
            if usable.isEmpty, !addresses.isEmpty {
                dials[peer]?.lastFailure = .unreachable("the address lies inside this node's own prefixes")
            }
            dials[peer]?.candidates = usable
            connectNext(peer)
        case .failure(let error):
            let text =
                switch error {
                case .failed(let words): "cannot resolve: \(words)"
                case .timeout: "cannot resolve: no answer from the nameserver within 5 s"
                case .busy: "cannot resolve: too many look-ups wait"
                }
            finishDial(peer, .unreachable(text))
        }
    }

    private func connectNext(_ peer: String) {
        while var dial = dials[peer] {
            guard !dial.candidates.isEmpty else {
                return finishDial(peer, dial.lastFailure ?? .unreachable("the name has no address"))
            }
            let candidate = dial.candidates.removeFirst()
            do {
                let socket = try StreamSocket.connect(to: candidate, options: Self.tcpOptions)
                let link = try PeerLink(
                    number: nextNumber(), socket: socket, remoteAddress: candidate,
                    direction: .outbound(configuredPeer: peer), serverName: peer.isEmpty ? serverName : peer,
                    context: context, userAgent: userAgent, scratch: scratch, reactor: reactor,
                    owner: self)
                links[link.number] = link
                dial.link = link.number
                dials[peer] = dial
                return link.begin()
            } catch {
                dial.lastFailure = .unreachable(error.code?.text ?? "\(error)")
                dials[peer] = dial
            }
        }
    }

    private func finishDial(_ peer: String, _ failure: DialFailure) {
        guard let dial = dials.removeValue(forKey: peer) else { return }
        sink?.happened(.dialFailed(peer: peer, address: dial.address, failure))
    }

    // MARK: Arrivals

    func accepted(_ socket: StreamSocket, from acceptor: Acceptor) {
        guard case .internet(let address) = socket.peer else { return socket.close() }
        let network = address.sourceNetwork
        guard admission.admit(network) else {
            handshakesShed &+= 1
            return socket.close()
        }
        do {
            let link = try PeerLink(
                number: nextNumber(), socket: socket, remoteAddress: address, direction: .inbound, serverName: nil,
                context: context, userAgent: userAgent, scratch: scratch, reactor: reactor,
                owner: self)
            link.admission = network
            links[link.number] = link
            link.begin()
        } catch {
            admission.release(network)
            socket.close()
        }
    }

    func exhausted(_ code: ErrorCode, acceptor: Acceptor) { sink?.acceptExhausted(code) }

    /// Numbers go up through 30 bits and pass over live ones, so a stale forwarding table never names a new peer.
    private func nextNumber() -> LinkID {
        repeat { lastNumber = lastNumber % 0x3FFF_FFFF + 1 } while links[lastNumber] != nil
        return lastNumber
    }

    // MARK: What links report

    func linkConnected(_ link: PeerLink) {
        if case .outbound(let peer) = link.direction { sink?.happened(.dialConnected(peer: peer)) }
    }

    func linkEstablished(_ link: PeerLink, _ info: LinkInfo) {
        release(link)
        if case .outbound(let peer) = link.direction, dials[peer]?.link == link.number { dials[peer] = nil }
        sink?.happened(.linkOpened(link.number, info))
    }

    func link(_ link: PeerLink, received message: PeerMessage) { sink?.happened(.message(link.number, message)) }

    func link(_ link: PeerLink, receivedPacket packet: UnsafeRawBufferPointer) {
        if link.isLive { sink?.received(packet, from: link) }
    }

    func linkActive(_ link: PeerLink) { sink?.happened(.linkActivity(link.number)) }

    func link(_ link: PeerLink, broke rule: String) { sink?.happened(.linkFault(link.number, rule)) }

    func link(_ link: PeerLink, isWritable: Bool) { sink?.happened(.linkWritable(link.number, isWritable)) }

    func boundName(ofExternal fingerprint: [UInt8]) -> String? { sink?.boundName(ofExternal: fingerprint) }

    func linkNeedsFlush(_ link: PeerLink) { dirty.append(link) }

    func linkEnded(_ link: PeerLink, _ end: PeerLinkEnd) {
        release(link)
        links[link.number] = nil
        switch end {
        case .ended(let how):
            if link.wasEstablished {
                sink?.retired(link)
                sink?.happened(.linkClosed(link.number, how))
            }
        case .failedToOpen(let failure):
            switch link.direction {
            case .inbound: sink?.refusedHandshake(failure.code, failure.detail, from: link.remoteAddress)
            case .outbound(let peer):
                guard dials[peer]?.link == link.number else { return }
                dials[peer]?.link = nil
                dials[peer]?.lastFailure = failure
                // Another address of the same name may be another path to the same node; a refusal is final.
                if case .unreachable = failure { connectNext(peer) } else { finishDial(peer, failure) }
            }
        }
    }

    private func release(_ link: PeerLink) {
        guard let network = link.admission else { return }
        link.admission = nil
        admission.release(network)
    }

    // MARK: The turn

    /// Sends what was queued in this turn.
    func flush() {
        while !dirty.isEmpty {
            let batch = dirty
            dirty.removeAll(keepingCapacity: true)
            for link in batch { link.flush() }
        }
    }

    /// The earliest of the links' deadlines.
    var nextDeadline: Int64? { links.values.compactMap(\.nextDeadline).min() }

    func tick(_ now: Int64) {
        guard let nextDeadline, nextDeadline <= now else { return }
        let due = links.values.filter { ($0.nextDeadline ?? .max) <= now }
        for link in due.sorted(by: { $0.number < $1.number }) { link.tick(now) }
    }
}
