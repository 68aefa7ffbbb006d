// The API's operations as calls: path, query and body in, an answer or a `Failure` out.

import HTTP
import JSON
import ManagementAPI

/// What goes along with a call, besides its path.
struct CallOptions {
    var query: [(name: String, value: String)] = []
    var body: [UInt8] = []
    var mediaType: String?
    var accept: String?
    var headers: HTTPHeaders = [:]

    /// Adds a parameter unless its value is nil.
    mutating func add(_ name: String, _ value: String?) {
        if let value { query.append((name, value)) }
    }
}

final class APIClient {
    /// Pages of one list that are followed, a thousand items each.
    private static let maximumPages = 10_000

    private let endpoint: Endpoint
    private let transport: Transport
    private let token: String?
    private let timeoutMilliseconds: Int64
    private let isVerbose: Bool

    init(_ endpoint: Endpoint, token: String? = nil, timeoutMilliseconds: Int64, isVerbose: Bool = false) {
        self.endpoint = endpoint
        self.token = token
        self.timeoutMilliseconds = timeoutMilliseconds
        self.isVerbose = isVerbose
        transport = Transport(endpoint)
    }

    /// Calls an operation and wants a success.
    /// - Parameters:
    ///   - parameters: the path's, in its order, not encoded.
    ///   - action: "list peers": what the error says that cannot be done.
    func call(
        _ operation: Operation, _ parameters: [String] = [], _ options: CallOptions = CallOptions(), to action: String
    ) throws(Failure) -> Answer {
        let answer = try ask(operation, parameters, options, to: action)
        guard answer.isSuccess else { throw Self.refusal(answer) }
        return answer
    }

    /// Calls an operation and takes any answer.
    func ask(
        _ operation: Operation, _ parameters: [String] = [], _ options: CallOptions = CallOptions(), to action: String
    ) throws(Failure) -> Answer {
        var request = HTTPRequest(
            method: operation.method.rawValue, path: Self.path(operation.path, parameters),
            query: Self.query(options.query), headers: options.headers, body: options.body)
        if let accept = options.accept ?? operation.responseTypes.first { request.headers["accept"] = accept }
        if !options.body.isEmpty {
            request.headers["content-type"] = options.mediaType ?? operation.requestBody.mediaTypes.first
        }
        return try send(request, to: action)
    }

    /// Sends a request as it stands, with our credential.
    func send(_ unsigned: HTTPRequest, to action: String) throws(Failure) -> Answer {
        var request = unsigned
        request.authority = endpoint.authority
        request.headers["user-agent"] = "vmesh/\(Release.version)"
        if let token { request.headers["authorization"] = "Bearer \(token)" }
        if isVerbose { _ = Terminal.write(Trace.text(request), to: .error) }
        let deadline = Deadline(milliseconds: timeoutMilliseconds)
        let response = try transport.exchange(request, to: action, until: deadline)
        if isVerbose { _ = Terminal.write(Trace.text(response), to: .error) }
        return Answer(status: response.status, headers: response.headers, body: response.body, action: action)
    }

    /// Calls a list and follows its pages to the end. One page comes back as it is; more come back as one list.
    func list(
        _ operation: Operation, _ options: CallOptions = CallOptions(), to action: String
    ) throws(Failure) -> (json: JSONValue, bytes: [UInt8]) {
        let isPaged = operation.query.contains("cursor")
        var options = options
        if isPaged { options.add("limit", "1000") }
        let first = try call(operation, [], options, to: action)
        var whole = try first.json()
        guard isPaged, var cursor = whole.raw("next_cursor") else { return (whole, first.body) }
        var items = whole.list("items")
        for _ in 1..<Self.maximumPages {
            var next = options
            next.add("cursor", cursor)
            let page = try call(operation, [], next, to: action).json()
            items += page.list("items")
            guard let following = page.raw("next_cursor") else {
                var object = whole.objectValue ?? [:]
                object["items"] = .array(items)
                object["next_cursor"] = .null
                whole = .object(object)
                return (whole, whole.serialized())
            }
            guard following != cursor else { break }
            cursor = following
        }
        throw .malformed(action: action, reason: "its pages have no end")
    }

    /// Gives the connection up, before a person is asked and may take long to answer.
    func rest() { transport.close() }

    /// The failure that an answer which is no success means.
    static func refusal(_ answer: Answer) -> Failure {
        let body = (answer.headers["content-type"] ?? "").contains("json") ? try? answer.json() : nil
        return .refused(action: answer.action, httpStatus: answer.status, body: body, hint: nil)
    }

    /// `/v1/peers/{peer}` with its parameters, each one segment.
    static func path(_ pattern: String, _ parameters: [String]) -> String {
        var rest = parameters[...]
        let segments = pattern.split(separator: "/").map { segment in
            guard segment.hasPrefix("{"), let value = rest.popFirst() else { return String(segment) }
            return PercentCoding.encode(value)
        }
        return "/" + segments.joined(separator: "/")
    }

    private static func query(_ parameters: [(name: String, value: String)]) -> String? {
        guard !parameters.isEmpty else { return nil }
        return parameters.map { "\($0.name)=\(PercentCoding.encode($0.value))" }.joined(separator: "&")
    }
}
