// One link to a peer: a TCP socket, a TLS session, an HTTP/2 session and the one gRPC stream in it.
//
//     socket ⇄ TLSSession ⇄ HTTP2Session ⇄ GRPCDeframer / FrameQueue ⇄ LinkOwner (the control loop)
//
// Bytes that come are pushed up through the layers until a message is whole; tag 1 goes to the forwarding workers
// without being copied into a value, all else to the node. Bytes that go are pulled down: when the socket has room
// HTTP/2 is asked for a frame, it asks `read(into:)`, and only then is it decided that control goes before data. So
// nothing but what the kernel holds can stand before an announcement, and that is bounded by TCP_NOTSENT_LOWAT.
//
// A link dies alone: whatever a peer sends, its error ends this object and nothing else.

import HTTP
import Mesh
import Platform
import Routing
import TLS
import Wire

final class PeerLink: ReactorHandler {
    /// Bounds, in microseconds and bytes.
    enum Bound {
        /// From the first packet to an open stream (A21).
        static let handshake: Int64 = 10_000_000
        /// From the wish to close until the socket is closed whatever is unsent.
        static let farewell: Int64 = 1_000_000
        /// Without any progress while something waits to be sent (A15).
        static let stall: Int64 = 30_000_000
        /// Control that may wait; the node is told to hold back above `high` and to go on below `low`.
        static let control = 6 << 20
        static let controlHigh = 1 << 20
        static let controlLow = 256 << 10
        /// Packets that may wait: about 3 ms at a gigabit.
        static let data = 384 << 10
        /// Reads of the socket in a turn.
        static let readsPerTurn = 4
        /// Messages other than announcements, configs and packets that are looked at in a turn: more than the forty
        /// Pongs that a peer may have at once.
        static let smallMessagesPerTurn = 64
        /// Routes of a v1 peer that are judged in a turn (some 2 ms), and bytes of an announcement that cannot hold more.
        static let routesPerTurn = 1024
        static let announcementTurn = 32 << 10
        /// Plaintext framed at a time.
        static let framed = 64 << 10
    }

    enum Phase { case connecting, handshaking, opening, open, closing, ended }

    let number: LinkID
    let direction: LinkDirection
    let remoteAddress: SocketAddress
    let openedAt: Int64
    var phase: Phase
    private(set) var trust: PeerTrust?
    private(set) var certificate: Certificate?
    /// Set while the listener counts this link among the pending handshakes.
    var admission: [UInt8]?
    var counters = LinkCounters()
    /// Whether the node has named this the live link of its peer; packets travel only then.
    var isLive = false
    /// The name that the configuration binds to the certificate of an external peer.
    var boundName: String? { certificate.flatMap { owner?.boundName(ofExternal: $0.fingerprint) } }
    /// Whether `linkEstablished` was reported.
    var wasEstablished = false
    var isDirty = false

    let socket: StreamSocket
    let scratch: LinkScratch
    let reactor: Reactor
    weak var owner: (any PeerLinkOwner)?
    let context: TLSContext
    let authority: String
    let userAgent: String
    var registration: Registration?
    var tls: TLSSession?
    var http: HTTP2Session?
    var stream: HTTP2StreamID?
    var deframer = GRPCDeframer()
    var control = FrameQueue(bound: Bound.control)
    var data = FrameQueue(bound: Bound.data)
    var outgoing: [UInt8] = []
    var outgoingOffset = 0
    var deadline: Int64?
    var lastProgress: Int64
    var lastActivity: Int64 = 0
    var isHeldBack = false
    /// Whether bytes of the stream are among those that wait for the socket.
    var isStreamUnderWay = false
    /// Whether close_notify and FIN are out; from then on what comes is thrown away.
    var hasSaidFarewell = false
    /// What the other end calls itself: a dialler's user-agent, a listener's server header.
    var software: String?
    /// The turn, by its time, in which small messages were last counted, and how many came.
    var smallMessagesTurn: Int64 = .min
    var smallMessages = 0
    /// Messages that wait for their turn: the parts of a large announcement, and what came behind it in the same read.
    var backlog = MessageBacklog()
    /// Whether the peer broke the protocol; what it sends after that is not read.
    var isBroken = false
    var outcome: GRPCOutcome?
    var closeReason: CloseReason?

    /// - Parameters:
    ///   - number: never used before in this process.
    ///   - serverName: for SNI and `:authority` on a dial; nil on an accepted link.
    init(
        number: LinkID, socket: StreamSocket, remoteAddress: SocketAddress, direction: LinkDirection,
        serverName: String?, context: TLSContext, userAgent: String, scratch: LinkScratch, reactor: Reactor,
        owner: any PeerLinkOwner
    ) throws(PlatformError) {
        self.number = number
        self.socket = socket
        self.scratch = scratch
        self.remoteAddress = remoteAddress
        self.direction = direction
        self.context = context
        self.userAgent = userAgent
        self.reactor = reactor
        self.owner = owner
        authority = serverName ?? "peer"
        openedAt = reactor.now
        lastProgress = reactor.now
        phase = direction == .inbound ? .handshaking : .connecting
        deadline = reactor.now + Bound.handshake
        registration = try reactor.add(
            socket.descriptor, interest: direction == .inbound ? .readable : .writable, handler: self)
    }

    /// Starts the handshake of an accepted link. Apart from `init`, because a link that ends must be known to its owner.
    func begin() {
        if phase == .handshaking { startTLS() }
    }

    // MARK: What the owner asks

    /// Queues one encoded `Message`. False if the control queue is over its bound: the link is beyond help.
    func send(_ message: [UInt8]) -> Bool {
        guard phase == .open || phase == .opening else { return true }
        startStallClock()
        let taken = message.withUnsafeBytes { control.append(GRPCFrame.header(count: message.count), $0) }
        if control.count > Bound.controlHigh, !isHeldBack {
            isHeldBack = true
            owner?.link(self, isWritable: false)
        }
        resume()
        return taken
    }

    /// Queues a packet as tag 1, or drops it where the link is slow, and counts either.
    func sendPacket(_ packet: UnsafeRawBufferPointer) {
        guard phase == .open, isLive else {
            counters.drop(packet.count, "channel_down")
            return
        }
        let start = scratch.frameStart
        let count = Envelope.writeIPFrameStart(payloadCount: packet.count, into: start)
        startStallClock()
        guard data.append(UnsafeRawBufferPointer(rebasing: start[..<count]), packet) else {
            counters.drop(packet.count, "queue_full")
            return
        }
        counters.sent(packet.count)
        resume()
    }

    /// The time of a stall counts from when something waits, not from the last byte before an idle time.
    private func startStallClock() {
        if !hasUnsent { lastProgress = reactor.now }
    }

    /// Sends what waits, says why, closes.
    func close(_ reason: CloseReason) {
        guard phase != .ended, phase != .closing else { return }
        closeReason = reason
        guard phase == .open, http != nil else { return end(.ended(.local)) }
        phase = .closing
        isLive = false
        deadline = reactor.now + Bound.farewell
        data.dropWaiting()
        resume()
    }

    /// When `tick` is due.
    var nextDeadline: Int64? {
        // What waits to be judged is due in every turn.
        guard backlog.isEmpty else { return 0 }
        let stall = hasUnsent ? lastProgress + Bound.stall : nil
        return [deadline, stall].compactMap { $0 }.min()
    }

    func tick(_ now: Int64) {
        deliverBacklog()
        if let deadline, now >= deadline {
            switch phase {
            case .connecting: end(.failedToOpen(.unreachable("no connection within 10 s")))
            case .handshaking, .opening: end(.failedToOpen(.unreachable("no session within 10 s of the connection")))
            default: end(.ended(.local))
            }
        } else if hasUnsent, now >= lastProgress + Bound.stall {
            end(.ended(.failed("nothing could be sent for 30 s")))
        }
    }

    /// Whether the other end is one of our own implementation, as its user-agent or server header tells.
    var isOurs: Bool { software?.hasPrefix("vmesh/") ?? false }

    /// Packets that wait here.
    var queuedPackets: Int { data.frames }

    // MARK: Readiness

    func ready(_ readiness: Readiness) {
        if phase == .connecting {
            do { try socket.finishConnecting() } catch {
                return end(.failedToOpen(.unreachable(error.code?.text ?? "\(error)")))
            }
            phase = .handshaking
            owner?.linkConnected(self)
            startTLS()
            flush()
            return
        }
        let hasInput = readiness.contains(.readable) || readiness.contains(.hangup) || readiness.contains(.error)
        // What came before is judged first; the socket says so again in the next turn.
        if hasInput, backlog.isEmpty { receive() }
        if phase != .ended { flush() }
    }

    func startTLS() {
        do {
            let role: TLSSession.Role
            if case .outbound = direction {
                role = .client(serverName: authority == "peer" ? nil : authority)
            } else {
                role = .server
            }
            tls = try TLSSession(context: context, role: role, now: SystemClock.wallSeconds())
            setInterest(writable: false)
        } catch {
            end(.failedToOpen(.protocolError("\(error)")))
        }
    }

    func receive() {
        for _ in 0..<Bound.readsPerTurn where phase != .ended && backlog.isEmpty {
            let result: ReadResult
            do {
                result = try socket.read(into: scratch.ciphertext)
            } catch {
                return end(failure("the connection broke: \(error.code?.text ?? "\(error)")"))
            }
            switch result {
            case .wouldBlock: return
            case .end: return end(failure("the peer closed the connection"))
            case .bytes(let count): received(UnsafeRawBufferPointer(rebasing: scratch.ciphertext[..<count]))
            }
        }
    }

    func received(_ ciphertext: UnsafeRawBufferPointer) {
        guard let tls, !hasSaidFarewell else { return }
        let now = reactor.now
        if now - lastActivity >= 1_000_000, phase == .open {
            lastActivity = now
            owner?.linkActive(self)
        }
        do throws(TLSFailure) {
            try tls.receive(ciphertext)
            if phase == .handshaking { try established(tls) }
            guard phase != .handshaking, phase != .ended else { return }
            while phase != .ended {
                let count = try tls.read(into: scratch.plaintext)
                guard count > 0 else { break }
                receivedHTTP(UnsafeRawBufferPointer(rebasing: scratch.plaintext[..<count]))
            }
        } catch {
            // The alert that says why leaves before the socket closes.
            flush()
            return end(failed(error))
        }
        if case .failed(let failure) = tls.state { end(failed(failure)) }
        if case .closed = tls.state, phase != .ended { end(failure("the peer closed the session")) }
    }

    func established(_ tls: TLSSession) throws(TLSFailure) {
        switch tls.state {
        case .established(let identity):
            trust = identity.trust
            certificate = identity.certificate
        case .failed(let failure): throw failure
        case .handshaking, .closed: return
        }
        // B19: before a stream is opened, so that the wrong one never takes us for a peer.
        if case .outbound(let dialled) = direction, let info, !info.answers(to: dialled) {
            let presented = info.name.isEmpty ? "sha256:\(info.id)" : info.name
            let detail = "\(dialled) was dialled, \(presented) answered"
            return end(.failedToOpen(.authentication(code: CloseReason.nameMismatch.rawValue, detail: detail)))
        }
        do {
            let isServer = direction == .inbound
            let session = try HTTP2Session(
                role: isServer ? .server : .client, limits: .peerLink, nowMilliseconds: milliseconds)
            if !isServer {
                stream = try session.submitRequest(
                    GRPCLink.requestHeaders(authority: authority, userAgent: userAgent), body: self)
            }
            http = session
            phase = .opening
        } catch {
            end(.failedToOpen(.protocolError("\(error)")))
        }
    }

    // MARK: The end

    func failure(_ text: String) -> PeerLinkEnd {
        switch phase {
        case .connecting, .handshaking, .opening: .failedToOpen(.protocolError(text))
        case .closing: .ended(.local)
        case .open, .ended: .ended(.failed(text))
        }
    }

    func failed(_ failure: TLSFailure) -> PeerLinkEnd {
        phase == .open || phase == .closing
            ? .ended(.failed("TLS: \(failure)"))
            : .failedToOpen(.authentication(code: failure.reason.rawValue, detail: failure.detail))
    }

    func remoteEnd() -> PeerLinkEnd {
        guard phase == .open || phase == .opening else { return failure("the peer ended the stream") }
        if let outcome, outcome.isDuplicate { return phase == .open ? .ended(.duplicate) : .failedToOpen(.duplicate) }
        if let outcome, outcome.status != .ok {
            return failure("the peer ended the stream: \(outcome.status) \(outcome.message)")
        }
        return phase == .open ? .ended(.remote) : failure("the peer ended the stream")
    }

    func end(_ how: PeerLinkEnd) {
        guard phase != .ended else { return }
        phase = .ended
        if let registration { reactor.remove(registration) }
        registration = nil
        socket.close()
        deadline = nil
        let owner = owner
        self.owner = nil
        owner?.linkEnded(self, how)
    }

    var milliseconds: UInt64 { UInt64(max(0, reactor.now / 1000)) }
}
