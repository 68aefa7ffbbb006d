// api METHOD PATH: any request, for what has no command. api spec: the API's description.

import ArgumentParser
import HTTP
import JSON
import ManagementAPI

struct RawCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api", abstract: "Any request to the API, and its description.",
        subcommands: [RawRequest.self, RawSpecification.self], defaultSubcommand: RawRequest.self)
}

struct RawRequest: APICommand {
    static let configuration = CommandConfiguration(
        commandName: "request", abstract: "Sends a request and prints the answer's body, whatever its status.",
        discussion: "vmesh api GET '/v1/peers?status=down'; vmesh api PUT /v1/config/peers/b -d @peer.json")
    @Argument(help: "GET, PUT, POST, PATCH, DELETE, HEAD or OPTIONS.") var method: String
    @Argument(help: "The path, with its query.") var path: String
    @Option(
        name: [.customShort("d"), .customLong("data")],
        help: ArgumentHelp("The body: text, @FILE, or @- for standard input.", valueName: "data"))
    var data: String?
    @Option(
        name: [.customShort("H"), .customLong("header")],
        help: ArgumentHelp("A header field.", valueName: "name: value"))
    var headers: [String] = []
    @OptionGroup(title: "Global options") var global: GlobalOptions

    /// Bytes of a body; the API takes no larger one.
    private static let maximumBody = 4 << 20

    func run(in session: Session) throws(Failure) {
        let answer = try session.client.send(try request(), to: "\(Escaping.line(method)) \(Escaping.line(path))")
        if method.uppercased() == "HEAD" || method.uppercased() == "OPTIONS" {
            let fields = answer.headers.fields.map { Escaping.line("\($0.name): \($0.value)") + "\n" }
            try session.screen.data("\(answer.status)\n" + fields.joined())
        } else if (answer.headers["content-type"] ?? "").contains("json") {
            try session.screen.answer(json: answer.body)
        } else if (answer.headers["content-type"] ?? "").contains("octet-stream") {
            try session.screen.bytes(answer.body)
        } else {
            try session.screen.answer(text: answer.body)
        }
        guard answer.isSuccess || answer.status == 304 else { throw APIClient.refusal(answer) }
    }

    func request() throws(Failure) -> HTTPRequest {
        guard path.hasPrefix("/") else { throw .usage("the path begins with /") }
        let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var request = HTTPRequest(
            method: method.uppercased(), path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : nil)
        for text in headers {
            guard let colon = text.firstIndex(of: ":") else {
                throw .usage("-H '\(Escaping.line(text))': write NAME: VALUE")
            }
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            request.headers.append(String(text[..<colon]), String(value))
        }
        if let data {
            request.body =
                data.hasPrefix("@")
                ? try Input.bytes(String(data.dropFirst()), limit: Self.maximumBody) : Array(data.utf8)
            if request.headers["content-type"] == nil {
                let isPatch = request.method == "PATCH"
                request.headers["content-type"] = isPatch ? "application/merge-patch+json" : "application/json"
            }
        }
        return request
    }
}

struct RawSpecification: APICommand {
    static let configuration = CommandConfiguration(
        commandName: "spec", abstract: "The API's description, OpenAPI 3.1.")
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.screen.answer(text: try session.client.call(.getOpenapi, to: "read the description").body)
    }
}
