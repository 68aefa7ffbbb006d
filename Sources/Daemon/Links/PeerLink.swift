// One link to a peer: a TCP socket, a TLS session, an HTTP/2 session and the one gRPC stream in it.
//
//     socket ⇄ TLSSession ⇄ HTTP2Session ⇄ GRPCDeframer / FrameQueue ⇄ LinkOwner (the control loop)
//
// Bytes that come are pushed up through the layers until a message is whole; tag 1 goes to the forwarding workers
// without being copied into a value, all else to the node. Bytes that go are pulled down: when the socket has room HTTP/2 is
// asked for a frame, it asks `read(into:)`, and only then is it decided that control goes before data. So nothing but
// what the kernel holds can stand before an announcement, and that is bounded by TCP_NOTSENT_LOWAT.
//
// A link dies alone: whatever a peer sends, its error ends this object and nothing else.

import HTTP
import Mesh
import Platform
import Routing
import TLS
import Wire

/// What a link tells its owner. Called on the control loop's thread, never after `linkEnded`.
protocol PeerLinkOwner: AnyObject {
    /// The TCP connection of a dial stands.
    func linkConnected(_ link: PeerLink)
    /// TLS, HTTP/2 and the stream stand.
    func linkEstablished(_ link: PeerLink, _ info: LinkInfo)
    func link(_ link: PeerLink, received message: PeerMessage)
    /// A raw IPv6 packet of tag 1; the bytes are valid during the call.
    func link(_ link: PeerLink, receivedPacket packet: UnsafeRawBufferPointer)
    /// Bytes came; at most once a second.
    func linkActive(_ link: PeerLink)
    /// The peer broke the protocol so that the session must end.
    func link(_ link: PeerLink, broke rule: String)
    /// Whether the control queue takes more.
    func link(_ link: PeerLink, isWritable: Bool)
    /// Something waits to be flushed at the end of the turn.
    func linkNeedsFlush(_ link: PeerLink)
    /// The name that the configuration binds to an external peer's certificate, by its fingerprint.
    func boundName(ofExternal fingerprint: [UInt8]) -> String?
    /// The link is gone; the owner drops it.
    func linkEnded(_ link: PeerLink, _ end: PeerLinkEnd)
}

/// Buffers that all links of a loop read into, one at a time; nothing stays in them between calls.
final class LinkScratch {
    let ciphertext = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    /// A TLS record's worth.
    let plaintext = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)

    deinit {
        ciphertext.deallocate()
        plaintext.deallocate()
    }
}

/// How a link ended.
enum PeerLinkEnd {
    /// Before it was established; for a dial this becomes `dialFailed`.
    case failedToOpen(DialFailure)
    case ended(LinkEnd)
}

final class PeerLink: ReactorHandler, HTTP2DataSource {
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
        /// Plaintext framed at a time.
        static let framed = 64 << 10
    }

    enum Phase { case connecting, handshaking, opening, open, closing, ended }

    let number: LinkID
    let direction: LinkDirection
    let remoteAddress: SocketAddress
    let openedAt: Int64
    private(set) var phase: Phase
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
    private(set) var wasEstablished = false
    private var isDirty = false

    private let socket: StreamSocket
    private let scratch: LinkScratch
    private let reactor: Reactor
    private weak var owner: (any PeerLinkOwner)?
    private let context: TLSContext
    private let authority: String
    private let userAgent: String
    private var registration: Registration?
    private var tls: TLSSession?
    private var http: HTTP2Session?
    private var stream: HTTP2StreamID?
    private var deframer = GRPCDeframer()
    private var control = FrameQueue(bound: Bound.control)
    private var data = FrameQueue(bound: Bound.data)
    private var outgoing: [UInt8] = []
    private var outgoingOffset = 0
    private var deadline: Int64?
    private var lastProgress: Int64
    private var lastActivity: Int64 = 0
    private var isHeldBack = false
    private var software: String?
    private var outcome: GRPCOutcome?
    private var closeReason: CloseReason?

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
        if phase == .handshaking { startTLS() }
    }

    // MARK: What the owner asks

    /// Queues one encoded `Message`. False if the control queue is over its bound: the link is beyond help.
    func send(_ message: [UInt8]) -> Bool {
        guard phase == .open || phase == .opening else { return true }
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
        guard data.append(Envelope.ipFrameHeader(payloadCount: packet.count), packet) else {
            counters.drop(packet.count, "queue_full")
            return
        }
        counters.sent(packet.count)
        resume()
    }

    /// Sends what waits, says why, closes.
    func close(_ reason: CloseReason) {
        guard phase != .ended, phase != .closing else { return }
        closeReason = reason
        guard phase == .open, http != nil else { return end(.ended(.local)) }
        phase = .closing
        deadline = reactor.now + Bound.farewell
        data.dropWaiting()
        resume()
    }

    /// When `tick` is due.
    var nextDeadline: Int64? {
        let stall = hasUnsent ? lastProgress + Bound.stall : nil
        return [deadline, stall].compactMap { $0 }.min()
    }

    func tick(_ now: Int64) {
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
        if readiness.contains(.readable) || readiness.contains(.hangup) || readiness.contains(.error) { receive() }
        if phase != .ended { flush() }
    }

    private func startTLS() {
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

    private func receive() {
        for _ in 0..<Bound.readsPerTurn where phase != .ended {
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

    private func received(_ ciphertext: UnsafeRawBufferPointer) {
        guard let tls else { return }
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

    private func established(_ tls: TLSSession) throws(TLSFailure) {
        switch tls.state {
        case .established(let identity):
            trust = identity.trust
            certificate = identity.certificate
        case .failed(let failure): throw failure
        case .handshaking, .closed: return
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

    // MARK: HTTP/2

    private func receivedHTTP(_ bytes: UnsafeRawBufferPointer) {
        guard let http else { return }
        do { try http.receive(bytes, nowMilliseconds: milliseconds) } catch {
            flush()
            return end(failure("HTTP/2: \(error)"))
        }
        while phase != .ended, let event = http.nextEvent() { take(event, http) }
    }

    private func take(_ event: HTTP2Event, _ http: HTTP2Session) {
        switch event {
        case .settings:
            // A server that refused our certificate never gets this far (TLS 1.3 ends the client's handshake first), so
            // a dialled link counts as open from here on.
            if case .outbound = direction, phase == .opening { open() }
        case .headers(let id, let fields, let endsStream):
            if direction == .inbound {
                opened(by: fields, id, endsStream: endsStream, http)
            } else if id == stream {
                software = software ?? fields["server"] ?? fields["user-agent"]
                if let outcome = GRPCLink.outcome(ofResponse: fields, endsStream: endsStream) { self.outcome = outcome }
                if endsStream { end(remoteEnd()) }
            }
        case .headersTooLarge(let id, _): http.reset(id, .enhanceYourCalm)
        case .data(let id, let bytes): if id == stream { receivedFrames(bytes) }
        case .trailers(let id, let fields):
            if id == stream {
                outcome = GRPCLink.outcome(ofTrailers: fields)
                end(remoteEnd())
            }
        case .endOfStream(let id): if id == stream { end(remoteEnd()) }
        case .streamClosed(let id, let code):
            if id == stream { end(code == .noError ? remoteEnd() : failure("the peer reset the stream: \(code)")) }
        case .goAway(_, let code): if code != .noError { end(failure("the peer left: \(code)")) }
        case .pong: break
        }
    }

    private func opened(by fields: HTTPHeaders, _ id: HTTP2StreamID, endsStream: Bool, _ http: HTTP2Session) {
        do {
            if let refusal = GRPCLink.refusal(of: fields) {
                return try http.submitResponse(id, refusal, body: nil)
            }
            guard stream == nil, !endsStream else { return http.reset(id, .refusedStream) }
            stream = id
            software = fields["user-agent"]
            var head = GRPCLink.responseHeaders
            head.append("server", userAgent)
            try http.submitResponse(id, head, body: self)
            open()
        } catch {
            end(failure("HTTP/2: \(error)"))
        }
    }

    private func open() {
        guard let certificate, let trust, let id = NodeID(bytes: certificate.fingerprint) else { return }
        phase = .open
        wasEstablished = true
        deadline = nil
        lastProgress = reactor.now
        lastActivity = reactor.now
        let name = certificate.commonName
        owner?.linkEstablished(
            self,
            LinkInfo(
                id: id, name: name, trust: trust == .externalPin ? .externalPin(boundName: boundName) : .internalCA,
                direction: direction, remoteAddress: "\(remoteAddress)", certificateNotAfter: certificate.notAfter,
                software: software, alternativeNames: certificate.dnsNames))
    }

    private func receivedFrames(_ bytes: [UInt8]) {
        do throws(WireError) {
            var fault: WireError?
            let outcome: Result<Void, WireError> = bytes.withUnsafeBytes { bytes in
                Result { () throws(WireError) in
                    try deframer.push(bytes) { body in
                        guard fault == nil, phase == .open || phase == .closing else { return }
                        do throws(WireError) { try receivedMessage(body) } catch {
                            // What cannot be read costs itself only, unless both sides disagree about where things stand.
                            if error.scope == .message { counters.malformedMessages &+= 1 } else { fault = error }
                        }
                    }
                }
            }
            if let fault { throw fault }
            try outcome.get()
        } catch {
            outcome = GRPCOutcome(GRPCStatus(rawValue: error.grpcStatus) ?? .invalidArgument, "\(error)")
            owner?.link(self, broke: "\(error)")
        }
    }

    private func receivedMessage(_ body: UnsafeRawBufferPointer) throws(WireError) {
        let (tag, payload) = try Envelope.scan(body)
        if tag == PeerMessage.Tag.ip {
            let packet = UnsafeRawBufferPointer(rebasing: body[payload])
            counters.received(packet.count)
            owner?.link(self, receivedPacket: packet)
        } else {
            owner?.link(self, received: try PeerMessage.decode(body))
        }
    }

    // MARK: Sending

    /// What goes into the next DATA frame: the rest of a begun frame, then control, then packets.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> HTTP2Read {
        var filled = data.takeRemainder(into: buffer)
        if filled < buffer.count {
            filled += control.take(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
        }
        if filled < buffer.count, control.isEmpty {
            filled += data.take(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
        }
        if filled > 0 { return .bytes(filled) }
        guard phase == .closing else { return .deferred }
        guard direction == .inbound else { return .end }
        return .endWithTrailers(GRPCLink.trailers(outcome ?? closeReason?.outcome ?? GRPCOutcome(.ok)))
    }

    private func resume() {
        if let http, let stream { http.resume(stream) }
        guard !isDirty else { return }
        isDirty = true
        owner?.linkNeedsFlush(self)
    }

    private var hasUnsent: Bool { outgoingOffset < outgoing.count || !control.isEmpty || !data.isEmpty }

    /// Frames, seals and writes until the socket is full or nothing is left.
    func flush() {
        isDirty = false
        guard phase != .ended, phase != .connecting, let tls else { return }
        do {
            while true {
                if outgoingOffset == outgoing.count {
                    outgoing.removeAll(keepingCapacity: outgoing.capacity <= 128 << 10)
                    outgoingOffset = 0
                    frame(tls)
                    tls.takeCiphertext(into: &outgoing)
                    if outgoing.isEmpty { break }
                }
                let offset = outgoingOffset
                let written = try outgoing.withUnsafeBytes {
                    try socket.write(UnsafeRawBufferPointer(rebasing: $0[offset...]))
                }
                guard case .bytes(let count) = written else { return setInterest(writable: true) }
                outgoingOffset += count
                if count > 0 { lastProgress = reactor.now }
            }
        } catch {
            return end(failure("the connection broke: \(error)"))
        }
        if isHeldBack, control.count < Bound.controlLow {
            isHeldBack = false
            owner?.link(self, isWritable: true)
        }
        setInterest(writable: false)
        if phase == .closing, !hasUnsent, http?.hasOutput != true { farewell(tls) }
    }

    private func frame(_ tls: TLSSession) {
        guard let http else { return }
        var plaintext: [UInt8] = []
        guard http.takeOutput(into: &plaintext, limit: Bound.framed) > 0 else { return }
        _ = plaintext.withUnsafeBytes { tls.write($0) }
    }

    /// All is sent: close_notify, our FIN, done.
    private func farewell(_ tls: TLSSession) {
        tls.shutdown()
        var last: [UInt8] = []
        tls.takeCiphertext(into: &last)
        // Best effort: the peer learns the same from our FIN.
        _ = last.withUnsafeBytes { try? socket.write($0) }
        socket.finishWriting()
        end(.ended(.local))
    }

    private func setInterest(writable: Bool) {
        guard let registration else { return }
        try? reactor.modify(registration, interest: writable ? [.readable, .writable] : .readable)
    }

    // MARK: The end

    private func failure(_ text: String) -> PeerLinkEnd {
        switch phase {
        case .connecting, .handshaking, .opening: .failedToOpen(.protocolError(text))
        case .closing: .ended(.local)
        case .open, .ended: .ended(.failed(text))
        }
    }

    private func failed(_ failure: TLSFailure) -> PeerLinkEnd {
        phase == .open || phase == .closing
            ? .ended(.failed("TLS: \(failure)"))
            : .failedToOpen(.authentication(code: failure.reason.rawValue, detail: failure.detail))
    }

    private func remoteEnd() -> PeerLinkEnd {
        guard phase == .open || phase == .opening else { return failure("the peer ended the stream") }
        if let outcome, outcome.isDuplicate { return phase == .open ? .ended(.duplicate) : .failedToOpen(.duplicate) }
        if let outcome, outcome.status != .ok {
            return failure("the peer ended the stream: \(outcome.status) \(outcome.message)")
        }
        return phase == .open ? .ended(.remote) : failure("the peer ended the stream")
    }

    private func end(_ how: PeerLinkEnd) {
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

    private var milliseconds: UInt64 { UInt64(max(0, reactor.now / 1000)) }
}
