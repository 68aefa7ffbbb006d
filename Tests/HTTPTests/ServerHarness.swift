// A server connection with an application that notes its requests and answers at once.
import Testing

@testable import HTTP

final class ServerHarness {
    let connection: HTTPServerConnection
    var now: UInt64
    /// The requests that reached the application.
    private(set) var requests: [HTTPRequest] = []
    /// Those not answered because `answers` gave nil.
    private(set) var open: [HTTPRequestID] = []
    private(set) var events: [HTTPServerEvent] = []
    /// Everything sent so far.
    private(set) var output: [UInt8] = []
    var answers: (HTTPRequest) -> HTTPResponse? = { HTTPResponse(status: 200, body: Array("<\($0.target)>".utf8)) }
    /// Whether the client reads.
    var isReading = true

    init(
        _ limits: HTTPServerLimits = HTTPServerLimits(), now: UInt64 = 0,
        bodyLimit: HTTPServerConnection.BodyLimit? = nil
    ) {
        self.now = now
        connection = HTTPServerConnection(limits: limits, nowMilliseconds: now, bodyLimit: bodyLimit) {
            status, code, _ in
            Array("{\"status\":\(status),\"code\":\"\(code)\"}".utf8)
        }
    }

    func feed(_ bytes: [UInt8], slice: Int = .max) {
        var rest = bytes[...]
        while !rest.isEmpty {
            Array(rest.prefix(slice)).withUnsafeBytes { connection.receive($0, nowMilliseconds: now) }
            rest = rest.dropFirst(slice)
            turn()
        }
    }

    func feed(_ text: String, slice: Int = .max) { feed(Array(text.utf8), slice: slice) }

    func end() {
        connection.endOfInput(nowMilliseconds: now)
        turn()
    }

    func advance(to time: UInt64) {
        now = time
        connection.tick(nowMilliseconds: now)
        turn()
    }

    /// Answers and sends until nothing moves.
    func turn() {
        var isBusy = true
        while isBusy {
            isBusy = false
            while let event = connection.nextEvent() {
                isBusy = true
                events.append(event)
                guard case .request(let id, let request) = event else { continue }
                requests.append(request)
                if let answer = answers(request) { connection.respond(id, answer) } else { open.append(id) }
            }
            if isReading, connection.takeOutput(into: &output, limit: 65_536, nowMilliseconds: now) > 0 {
                isBusy = true
            }
        }
    }

    var text: String { String(decoding: output, as: UTF8.self) }
    /// Status codes of HTTP/1.1 answers, in order.
    var statuses: [Int] {
        text.split(separator: "HTTP/1.1 ").compactMap { Int($0.prefix(3)) }
    }
}
