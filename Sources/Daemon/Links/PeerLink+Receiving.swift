// A peer link, upwards: HTTP/2 events, the one stream, gRPC frames, messages.

import HTTP
import Mesh
import Platform
import Routing
import TLS
import Wire

extension PeerLink {
    // MARK: HTTP/2

    func receivedHTTP(_ bytes: UnsafeRawBufferPointer) {
        guard let http else { return }
        do { try http.receive(bytes, nowMilliseconds: milliseconds) } catch {
            flush()
            return end(failure("HTTP/2: \(error)"))
        }
        while phase != .ended, let event = http.nextEvent() { take(event, http) }
    }

    func take(_ event: HTTP2Event, _ http: HTTP2Session) {
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

    func opened(by fields: HTTPHeaders, _ id: HTTP2StreamID, endsStream: Bool, _ http: HTTP2Session) {
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

    func open() {
        guard let info else { return }
        phase = .open
        wasEstablished = true
        deadline = nil
        lastProgress = reactor.now
        lastActivity = reactor.now
        owner?.linkEstablished(self, info)
    }

    /// Who the other end is; nil before its certificate was verified.
    var info: LinkInfo? {
        guard let certificate, let trust, let id = NodeID(bytes: certificate.fingerprint) else { return nil }
        return LinkInfo(
            id: id, name: certificate.commonName,
            trust: trust == .externalPin ? .externalPin(boundName: boundName) : .internalCA, direction: direction,
            remoteAddress: "\(remoteAddress)", certificateNotAfter: certificate.notAfter, software: software,
            alternativeNames: certificate.dnsNames)
    }

    func receivedFrames(_ bytes: [UInt8]) {
        // After our own close the node has no use for more, and a stream that is out of step has no messages.
        guard phase == .open, !isBroken else { return }
        do throws(WireError) {
            var fault: WireError?
            let outcome: Result<Void, WireError> = bytes.withUnsafeBytes { bytes in
                Result { () throws(WireError) in
                    try deframer.push(bytes) { body in
                        guard fault == nil, phase == .open else { return }
                        do throws(WireError) { try receivedMessage(body) } catch {
                            // What cannot be read costs itself only, unless both sides now disagree about where
                            // things stand.
                            if error.scope == .message { counters.malformedMessages &+= 1 } else { fault = error }
                        }
                    }
                }
            }
            if let fault { throw fault }
            try outcome.get()
        } catch {
            isBroken = true
            outcome = GRPCOutcome(GRPCStatus(rawValue: error.grpcStatus) ?? .invalidArgument, "\(error)")
            owner?.link(self, broke: "\(error)")
        }
    }

    func receivedMessage(_ body: UnsafeRawBufferPointer) throws(WireError) {
        let (tag, payload) = try Envelope.scan(body)
        if tag == PeerMessage.Tag.ip {
            let packet = UnsafeRawBufferPointer(rebasing: body[payload])
            counters.received(packet.count)
            owner?.link(self, receivedPacket: packet)
        } else if tag == PeerMessage.Tag.announce || tag == PeerMessage.Tag.distributedConfig || admitsSmallMessage() {
            deliver(try PeerMessage.decode(body))
        } else {
            counters.shedMessages &+= 1
        }
    }

    /// Hands a message to the owner, or puts it behind those that wait. A table of a v1 peer may be one message of 65,536
    /// routes: it is judged in parts, one a turn, so that nobody else waits for it (G3, A2). Meanwhile nothing more is
    /// read from this peer, so what waits is one message and what came in the same read.
    private func deliver(_ message: PeerMessage) {
        guard case .announce(let payload) = message, payload.count > Bound.announcementTurn else {
            if backlog.isEmpty { owner?.link(self, received: message) } else { backlog.append(message) }
            return
        }
        for part in Announcement.parts(of: payload, limit: Bound.routesPerTurn) { backlog.append(.announce(part)) }
    }

    /// The next message of those that wait.
    func deliverBacklog() {
        // After our own close the node has no use for more.
        guard phase == .open, let message = backlog.popFirst() else { return backlog.removeAll() }
        owner?.link(self, received: message)
    }

    /// A17: a read may hold tens of thousands of Pings. What comes in one turn beyond any peer's allowance of answers is
    /// not worth the node's time, which belongs to the others too.
    private func admitsSmallMessage() -> Bool {
        if smallMessagesTurn != reactor.now {
            smallMessagesTurn = reactor.now
            smallMessages = 0
        }
        smallMessages += 1
        return smallMessages <= Bound.smallMessagesPerTurn
    }
}
