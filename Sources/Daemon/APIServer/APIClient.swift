// One client of the management API: a socket, perhaps TLS later, and an HTTP server engine.
//
// Requests come out of the engine whole and go to the service; answers may come later (a write that waits for the
// node) and are matched by the engine's request id. Nothing blocks: what the client does not read waits in the engine,
// which is bounded, and the engine's own deadlines end a client that is too slow (E5).

import HTTP
import ManagementAPI
import Platform

/// What a connection asks of its server.
protocol APIClientOwner: AnyObject {
    func handle(_ request: HTTPRequest, on client: APIClient, respond: @escaping (HTTPResponse) -> Void)
    /// Whether input may still be looked at in this turn of the loop.
    var mayReceive: Bool { get }
    /// Whether a request may be handled now; if not, the client stands in line and is resumed in a later turn.
    func mayHandle(_ client: APIClient) -> Bool
    /// Microseconds that reading took.
    func received(for duration: Int64)
    func clientEnded(_ client: APIClient)
    func clientNeedsFlush(_ client: APIClient)
}

final class APIClient: ReactorHandler {
    /// Bytes of one read, reads in a turn, and bytes taken from the engine at a time.
    private static let chunk = 64 << 10
    private static let readChunk = 16 << 10
    private static let readsPerTurn = 2

    let number: UInt64
    let listener: APIListener
    let peer: StreamPeer
    /// When a whole request last came or bytes of an answer went, microseconds; the oldest idle one gives way to a
    /// newcomer (E6). Bytes of a head or a body do not count, or dripping them would hold a slot against everybody.
    private(set) var lastUsed: Int64
    private(set) var pendingRequests = 0
    /// In the owner's line: requests wait in the engine for their turn, and nothing more is read.
    private(set) var isWaiting = false

    private let socket: StreamSocket
    private let reactor: Reactor
    private let engine: HTTPServerConnection
    private weak var owner: (any APIClientOwner)?
    private var registration: Registration?
    private var output: [UInt8] = []
    private var outputOffset = 0
    private var isDirty = false
    private var didFinishWriting = false
    private var sawEnd = false

    init(
        number: UInt64, socket: StreamSocket, listener: APIListener, engine: HTTPServerConnection, reactor: Reactor,
        owner: any APIClientOwner
    ) throws(PlatformError) {
        self.number = number
        self.socket = socket
        self.listener = listener
        self.engine = engine
        self.reactor = reactor
        self.owner = owner
        peer = socket.peer
        lastUsed = reactor.now
        registration = try reactor.add(socket.descriptor, interest: .readable, handler: self)
    }

    /// Who this is, as the service asks.
    var identity: APIConnection {
        switch peer {
        case .unix(let credentials):
            APIConnection(
                listener: listener.address,
                transport: .unix(role: listener.role, uid: credentials.uid, pid: credentials.pid))
        case .internet(let address):
            APIConnection(
                listener: listener.address,
                transport: .tcp(
                    source: address.host, local: socket.localAddress?.host ?? "", isTLS: false, clientFingerprint: nil))
        }
    }

    var isIdle: Bool { pendingRequests == 0 && !isWaiting && outputOffset == output.count && !engine.hasOutput }

    /// Microseconds on the reactor's clock.
    var nextDeadline: Int64? { engine.nextDeadlineMilliseconds.map { Int64(clamping: $0) * 1000 } }

    func tick() {
        engine.tick(nowMilliseconds: milliseconds)
        flush()
    }

    func shutdown() {
        engine.shutdown(nowMilliseconds: milliseconds)
        flush()
    }

    func ready(_ readiness: Readiness) {
        if readiness.contains(.readable) || readiness.contains(.hangup) || readiness.contains(.error), !isWaiting,
            owner?.mayReceive ?? false
        {
            let began = SystemClock.now()
            receive()
            owner?.received(for: SystemClock.now() - began)
        }
        flush()
    }

    /// Its turn in the line has come: one request, and to the line's end if there may be more.
    func resume() {
        isWaiting = false
        guard registration != nil else { return }
        takeEvents()
        guard !isDirty else { return }
        isDirty = true
        owner?.clientNeedsFlush(self)
    }

    private func receive() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.readChunk, alignment: 16)
        defer { buffer.deallocate() }
        for _ in 0..<Self.readsPerTurn where engine.wantsInput && registration != nil && !sawEnd && !isWaiting {
            do {
                switch try socket.read(into: buffer) {
                case .wouldBlock: return
                case .end:
                    sawEnd = true
                    engine.endOfInput(nowMilliseconds: milliseconds)
                case .bytes(let count):
                    engine.receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]), nowMilliseconds: milliseconds)
                }
            } catch {
                return end()
            }
            takeEvents()
        }
    }

    private func takeEvents() {
        guard !isWaiting else { return }
        while true {
            guard owner?.mayHandle(self) ?? false else {
                isWaiting = true
                return
            }
            guard let event = engine.nextEvent() else { return }
            switch event {
            case .request(let id, let request):
                pendingRequests += 1
                lastUsed = reactor.now
                owner?.handle(request, on: self) { [weak self] response in self?.respond(id, response) }
            case .writable: break
            case .cancelled: pendingRequests = max(0, pendingRequests - 1)
            }
        }
    }

    private func respond(_ id: HTTPRequestID, _ response: HTTPResponse) {
        guard registration != nil else { return }
        pendingRequests = max(0, pendingRequests - 1)
        engine.respond(id, response)
        guard !isDirty else { return }
        isDirty = true
        owner?.clientNeedsFlush(self)
    }

    func flush() {
        isDirty = false
        guard registration != nil else { return }
        do {
            while true {
                if outputOffset == output.count {
                    output.removeAll(keepingCapacity: output.capacity <= 64 << 10)
                    outputOffset = 0
                    // A request may wait in the engine until the answers before it are out.
                    takeEvents()
                    guard engine.takeOutput(into: &output, limit: Self.chunk, nowMilliseconds: milliseconds) > 0 else {
                        break
                    }
                }
                let offset = outputOffset
                let written = try output.withUnsafeBytes { bytes throws(PlatformError) in
                    try socket.write(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
                }
                guard case .bytes(let count) = written else { return updateInterest(writable: true) }
                outputOffset += count
                lastUsed = reactor.now
            }
        } catch {
            return end()
        }
        if engine.wantsClose { return end() }
        if engine.wantsWriteShutdown, !didFinishWriting {
            didFinishWriting = true
            socket.finishWriting()
        }
        if sawEnd, isIdle, !isWaiting { return end() }
        updateInterest(writable: false)
    }

    private func updateInterest(writable: Bool) {
        guard let registration else { return }
        var interest: Interest = engine.wantsInput && !sawEnd ? .readable : []
        if writable { interest.insert(.writable) }
        try? reactor.modify(registration, interest: interest)
    }

    func end() {
        guard let place = registration else { return }
        registration = nil
        reactor.remove(place)
        socket.close()
        owner?.clientEnded(self)
    }

    private var milliseconds: UInt64 { UInt64(max(0, reactor.now / 1000)) }
}
