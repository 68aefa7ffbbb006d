// One connection to the router, and one exchange after the other over it.
//
// A connection is kept between calls (pages of a list) and given up when anything about it is odd. While a request is
// written its answer is read as well: a router that refuses a large body early would otherwise wait for us for ever.

import HTTP
import Platform

final class Transport {
    private let endpoint: Endpoint
    private var socket: StreamSocket?
    private var http = HTTPClientConnection()

    init(_ endpoint: Endpoint) { self.endpoint = endpoint }

    /// Sends a request and collects its whole answer.
    func exchange(_ request: HTTPRequest, to action: String, until deadline: Deadline) throws(Failure) -> HTTPResponse {
        let isKept = socket != nil && http.isReusable
        do throws(Failure) {
            return try attempt(request, to: action, until: deadline)
        } catch {
            close()
            // A kept connection may have been closed at its idle end just now; a read can be asked again.
            guard isKept, request.method == "GET", case .malformed = error else { throw error }
        }
        return try attempt(request, to: action, until: deadline)
    }

    func close() {
        socket?.close()
        socket = nil
    }

    private func attempt(
        _ request: HTTPRequest, to action: String, until deadline: Deadline
    ) throws(Failure) -> HTTPResponse {
        let socket = try connected(until: deadline)
        do throws(HTTPError) { try http.send(request) } catch {
            throw .usage("cannot \(action): the request cannot be written as HTTP")
        }
        var pending = http.takeOutput()[...]
        var response: HTTPResponse?
        while true {
            pending = try write(pending, to: socket)
            while let event = http.nextEvent() {
                switch event {
                case .head(let head): response = head
                case .body(let piece): response?.body += piece
                case .end:
                    // An answer before the whole request went out: the rest is owed, so no second request.
                    if !http.isReusable || !pending.isEmpty { close() }
                    if let response { return response }
                }
            }
            guard deadline.remaining > 0 else { throw .timeout(action: action, seconds: deadline.words) }
            if pending.isEmpty {
                if socket.waitReadable(milliseconds: deadline.remaining) { try read(from: socket, action) }
            } else if socket.waitReadable(milliseconds: 0) {
                try read(from: socket, action)
            } else {
                _ = socket.waitWritable(milliseconds: min(50, deadline.remaining))
            }
        }
    }

    /// Writes what the kernel takes; answers what is left.
    private func write(_ bytes: ArraySlice<UInt8>, to socket: StreamSocket) throws(Failure) -> ArraySlice<UInt8> {
        guard !bytes.isEmpty else { return bytes }
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(PlatformError) -> WriteResult in try socket.write(buffer) }
        }
        switch result {
        case .success(.bytes(let count)): return bytes.dropFirst(count)
        case .success(.wouldBlock): return bytes
        // The other side closed; what it said before that is still to be read.
        case .failure: return []
        }
    }

    private func read(from socket: StreamSocket, _ action: String) throws(Failure) {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let read = chunk.withUnsafeMutableBytes { buffer in
            Result { () throws(PlatformError) -> ReadResult in try socket.read(into: buffer) }
        }
        do throws(HTTPError) {
            switch read {
            case .success(.bytes(let count)):
                let result = chunk.withUnsafeBytes { buffer in
                    Result { () throws(HTTPError) -> Void in
                        try http.receive(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
                    }
                }
                try result.get()
            case .success(.wouldBlock): return
            case .success(.end), .failure: try http.endOfInput()
            }
        } catch {
            throw .malformed(action: action, reason: Self.words(error))
        }
    }

    private static func words(_ error: HTTPError) -> String {
        switch error {
        case .truncated: "the connection ended before it was whole"
        case .responseTooLarge: "it is too large"
        case .malformedResponse(let rule): rule
        default: "it is not HTTP"
        }
    }

    // MARK: Connecting

    private func connected(until deadline: Deadline) throws(Failure) -> StreamSocket {
        if let socket, http.isReusable { return socket }
        close()
        http = HTTPClientConnection()
        let made: StreamSocket
        switch endpoint {
        case .unix(let path): made = try Self.connect(path: path, until: deadline)
        case .http(let place): made = try Self.connect(place, until: deadline)
        }
        socket = made
        return made
    }

    private static func connect(path: String, until deadline: Deadline) throws(Failure) -> StreamSocket {
        let shown = Escaping.line(path)
        while true {
            do throws(PlatformError) {
                return try StreamSocket.connect(toUnixPath: path)
            } catch {
                switch error.code {
                case ErrorCode.notFound: throw .unreachable("no socket at \(shown): is vmeshd running?")
                case ErrorCode.refused: throw .unreachable("nobody answers at \(shown): is vmeshd running?")
                case ErrorCode.accessDenied, ErrorCode.notPermitted:
                    throw .denied("permission denied on \(shown): join group vmesh or use --api")
                // Its backlog is full: it is busy, not away.
                case ErrorCode.wouldBlock where deadline.remaining > 0: _ = (try? Wakeup())?.wait(milliseconds: 20)
                default: throw .unreachable("cannot connect to \(shown): \(error.code?.text ?? "\(error)")")
                }
            }
        }
    }

    private static func connect(_ place: HostPort, until deadline: Deadline) throws(Failure) -> StreamSocket {
        var reasons: [String] = []
        for address in try NameLookup.addresses(of: place, until: deadline) {
            do throws(PlatformError) {
                let socket = try StreamSocket.connect(to: address)
                guard socket.waitWritable(milliseconds: deadline.remaining) else {
                    reasons.append("no answer within \(deadline.words)")
                    continue
                }
                try socket.finishConnecting()
                return socket
            } catch {
                reasons.append(error.code?.text ?? "\(error)")
            }
        }
        let reason = reasons.first ?? "the name has no address"
        throw .unreachable("cannot connect to \(Escaping.line("\(place)")): \(reason): does vmeshd listen there?")
    }
}
