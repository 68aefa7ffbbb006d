// status, whoami, health, metrics, explain, version, completion.

import ArgumentParser
import JSON
import ManagementAPI

struct StatusCommand: APICommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "The router as a whole.")
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let answer = try session.client.call(.getStatus, to: "show status")
        var sync: [JSONValue]?
        if session.screen.format == .table || session.screen.format == .wide,
            try answer.json().at("distributed_config") != nil
        {
            // Only an addition: who may not see it gets the rest.
            sync = try? session.client.list(.listDistributedConfigPeers, to: "list policy peers").json.list("items")
        }
        try session.show(answer, name: { $0.text("node", "name") }) { StatusView.status($0, sync: sync, $1) }
    }
}

struct WhoamiCommand: APICommand {
    static let configuration = CommandConfiguration(commandName: "whoami", abstract: "Who the router takes you for.")
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.show(.getWhoami, to: "show who you are", name: { $0.text("role") }, view: StatusView.whoami)
    }
}

struct HealthCommand: APICommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Whether the router is ready; ends with 9 if it is not.")
    @Flag(help: "Only whether it is alive.") var live = false
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let answer = try session.client.ask(live ? .getLiveness : .getReadiness, to: "show health")
        // 503 with a problem document is an error; with a body of its own it is the answer.
        let isProblem = (answer.headers["content-type"] ?? "").contains("problem")
        guard answer.isSuccess || answer.status == 503 && !isProblem else { throw APIClient.refusal(answer) }
        try session.show(answer, name: { $0.text("status") }, view: StatusView.health)
        if !answer.isSuccess { throw .checkedBad }
    }
}

struct MetricsCommand: APICommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "The router's metrics in Prometheus' text format.")
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.screen.answer(text: try session.client.call(.getMetrics, to: "read metrics").body)
    }
}

struct ExplainCommand: APICommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "What a problem code means and what to do.")
    @Argument(help: "A code, as errors name it.", completion: .list(ProblemCode.allCases.map(\.rawValue)))
    var code: String
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let action = "explain \(Escaping.line(code))"
        try session.screen.answer(text: try session.client.call(.getProblemDoc, [code], to: action).body)
    }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "The version of this program; the router's is in `vmesh status`.")

    func run() throws {
        try Screen(style: Style(now: 0)).data("vmesh \(Release.version)\n")
    }
}

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "A script that completes words in your shell.",
        discussion: "bash: source <(vmesh completion bash)")

    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash, zsh, fish

        var kind: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    @Argument(help: "bash, zsh or fish.") var shell: Shell

    func run() throws {
        try Screen(style: Style(now: 0)).data(RootCommand.completionScript(for: shell.kind) + "\n")
    }
}
