// Where the API is, who we are there, and which of flag, environment and context says so.

import ArgumentParser
import JSON
import Testing

@testable import vmesh

@Suite("Settings")
struct SettingsTests {
    private func settings(
        _ words: [String] = [], _ environment: [String: String] = [:], contexts text: String? = nil,
        isTerminal: Bool = true
    ) throws -> Settings {
        let kept = try text.map { try Contexts(try json($0)) } ?? Contexts()
        return try Settings(
            try GlobalOptions.parse(words), isTerminal: isTerminal, variable: { environment[$0] },
            contexts: { () throws(Failure) -> Contexts in kept })
    }

    private static let kept = """
        {"current":"lab","contexts":{"lab":{"api":"unix:///lab.sock","token_file":null},
         "far":{"api":"http://127.0.0.1:9","token_file":"/nonexistent/token"}}}
        """

    @Test("flag before environment before context before the default")
    func order() throws {
        #expect(try settings().endpoint == .unix("/run/vmesh/vmeshd.sock"))
        #expect(try settings(contexts: Self.kept).endpoint == .unix("/lab.sock"))
        #expect(try settings([], ["VMESH_API": "unix:///env.sock"], contexts: Self.kept).endpoint == .unix("/env.sock"))
        let both = try settings(["--api", "/flag.sock"], ["VMESH_API": "unix:///env.sock"], contexts: Self.kept)
        #expect(both.endpoint == .unix("/flag.sock"))
        let named = try settings(["-c", "lab"], ["VMESH_API": "unix:///env.sock"], contexts: Self.kept)
        #expect(named.endpoint == .unix("/lab.sock"))
    }

    @Test("a context that is only in use does not lend its token to another router")
    func noLoan() throws {
        let text = Self.kept.replacing("\"current\":\"lab\"", with: "\"current\":\"far\"")
        #expect(try settings(["--api", "/flag.sock"], contexts: text).token == nil)
        #expect(try settings([], ["VMESH_API": "/env.sock"], contexts: text).token == nil)
        #expect(failure { _ = try settings(contexts: text) }?.status == .usage)
    }

    @Test("an unknown context is a usage error that names those there are")
    func unknownContext() {
        #expect(
            failure { _ = try settings(["-c", "x"], contexts: Self.kept) }?.line == "no context 'x'; there are lab, far"
        )
    }

    @Test(
        "places of the API",
        arguments: [
            ("unix:///run/x.sock", "/run/x.sock"), ("/run/x.sock", "/run/x.sock"), ("unix:/run/x.sock", "/run/x.sock"),
            ("http://127.0.0.1:5121", "127.0.0.1:5121"), ("http://localhost", "localhost:5121"),
            ("http://[::1]/", "[::1]:5121"), ("http://[::1]:80", "[::1]:80"), ("https://r1", nil), ("ftp://r1", nil),
            ("unix://relative", nil), ("http://", nil), ("http://r1:x", nil), ("http://r1/v1", nil), ("", nil),
        ] as [(String, String?)])
    func endpoints(text: String, place: String?) {
        #expect((try? Endpoint(parsing: text))?.description == place)
    }

    @Test("https says that a later version has it")
    func https() {
        let line = failure { _ = try Endpoint(parsing: "https://r1") }?.line
        #expect(line?.contains("not available in this version") == true)
        #expect(failure { _ = try settings(["--ca-file", "ca.pem"]) }?.status == .usage)
    }

    @Test("a token goes to this machine only")
    func secrecy() throws {
        let token = ["VMESH_TOKEN": " vmt_x\n"]
        #expect(try settings(["--api", "http://[::1]:5121"], token).token == "vmt_x")
        #expect(try settings(["--api", "http://localhost:5121"], token).token == "vmt_x")
        #expect(failure { _ = try settings(["--api", "http://192.0.2.1:5121"], token) }?.status == .usage)
        #expect(failure { _ = try settings([], ["VMESH_TOKEN": "a b"]) }?.status == .usage)
    }

    @Test("there is no flag for a token: arguments are public")
    func noTokenFlag() {
        #expect(throws: (any Error).self) { try GlobalOptions.parse(["--token", "vmt_x"]) }
    }

    @Test("colours need a terminal, and nobody against them")
    func colors() throws {
        #expect(try settings().isColored)
        #expect(try !settings(isTerminal: false).isColored)
        #expect(try !settings([], ["NO_COLOR": "1"]).isColored)
        #expect(try !settings([], ["TERM": "dumb"]).isColored)
        #expect(try !settings(["--no-color"]).isColored)
        #expect(try !settings(["--json"]).isColored)
    }

    @Test("contexts survive being written and read")
    func contexts() throws {
        var contexts = try Contexts(try json(Self.kept))
        contexts.set("new", Contexts.Context(api: "/n.sock", tokenFile: nil))
        try contexts.use("new")
        try contexts.remove("lab")
        #expect(try Contexts(contexts.json) == contexts && contexts.all.map(\.name) == ["far", "new"])
        try contexts.remove("new")
        #expect(contexts.current == nil)
        #expect(failure { try contexts.use("gone") }?.status == .usage)
    }
}
