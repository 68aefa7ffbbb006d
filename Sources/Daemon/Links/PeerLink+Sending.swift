// A peer link, downwards: what is framed next, sealed and written, and how a link says goodbye.

import HTTP
import Mesh
import Platform
import TLS

extension PeerLink: HTTP2DataSource {
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
        if filled > 0 {
            lastProgress = reactor.now
            isStreamUnderWay = true
            return .bytes(filled)
        }
        guard phase == .closing else { return .deferred }
        guard direction == .inbound else { return .end }
        return .endWithTrailers(GRPCLink.trailers(outcome ?? closeReason?.outcome ?? GRPCOutcome(.ok)))
    }

    func resume() {
        // Once a flush is due, HTTP/2 knows already: not once for each packet.
        guard !isDirty else { return }
        if let http, let stream { http.resume(stream) }
        isDirty = true
        owner?.linkNeedsFlush(self)
    }

    var hasUnsent: Bool { outgoingOffset < outgoing.count || !control.isEmpty || !data.isEmpty }

    /// Frames, seals and writes until the socket is full or nothing is left.
    func flush() {
        isDirty = false
        guard phase != .ended, phase != .connecting, !hasSaidFarewell, let tls else { return }
        do {
            while true {
                if outgoingOffset == outgoing.count {
                    outgoing.removeAll(keepingCapacity: outgoing.capacity <= 128 << 10)
                    outgoingOffset = 0
                    isStreamUnderWay = false
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
                // Window updates and acknowledgements that pass a stream which the peer keeps shut are no progress (A15).
                if count > 0, isStreamUnderWay || (control.isEmpty && data.isEmpty) { lastProgress = reactor.now }
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

    func frame(_ tls: TLSSession) {
        guard let http else { return }
        scratch.framed.removeAll(keepingCapacity: true)
        guard http.takeOutput(into: &scratch.framed, limit: Bound.framed) > 0 else { return }
        _ = scratch.framed.withUnsafeBytes { tls.write($0) }
    }

    /// All is sent: close_notify and our FIN. The socket stays until the peer's FIN or the deadline, and what comes is
    /// thrown away: closing over unread bytes sends a reset, which may overtake our reason (RFC 9112, 9.6).
    func farewell(_ tls: TLSSession) {
        hasSaidFarewell = true
        tls.shutdown()
        var last: [UInt8] = []
        tls.takeCiphertext(into: &last)
        // Best effort: the peer learns the same from our FIN.
        _ = last.withUnsafeBytes { try? socket.write($0) }
        socket.finishWriting()
    }

    func setInterest(writable: Bool) {
        guard let registration else { return }
        try? reactor.modify(registration, interest: writable ? [.readable, .writable] : .readable)
    }
}
