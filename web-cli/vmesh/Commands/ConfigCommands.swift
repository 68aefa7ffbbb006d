// config get, status, reload.

import ArgumentParser
import JSON
import ManagementAPI

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "The router's configuration.",
        subcommands: [ConfigGet.self, ConfigStatusCommand.self, ConfigReload.self],
        defaultSubcommand: ConfigStatusCommand.self)
}

struct ConfigGet: APICommand {
    enum Source: String, CaseIterable, ExpressibleByArgument {
        case running, file, effective
    }

    static let configuration = CommandConfiguration(commandName: "get", abstract: "The whole document.")
    @Option(help: "What runs, what the file says, or what runs with all defaults.") var source = Source.running
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let options = CallOptions(query: [("source", source.rawValue)])
        try session.show(.getConfig, [], options, to: "get the configuration", name: { _ in source.rawValue }) {
            json, _ in
            Escaping.json(json.text(pretty: true)) + "\n"
        }
    }
}

struct ConfigStatusCommand: APICommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Its revision, and whether file and running state agree.")
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.show(
            .getConfigStatus, to: "show the configuration's status", name: { $0.int("revision").map { "\($0)" } },
            view: ConfigView.status)
    }
}

struct ConfigReload: WriteCommand {
    static let configuration = CommandConfiguration(commandName: "reload", abstract: "Loads the file again.")
    @OptionGroup(title: "Options of changes") var write: WriteOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.change(.reloadConfig, write: write, to: "reload the configuration")
    }
}
