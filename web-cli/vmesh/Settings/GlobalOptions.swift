// The flags that every command takes, and those that every writing command takes.

import ArgumentParser

struct GlobalOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where the router's API is: unix:///PATH or http://HOST:PORT.", valueName: "url"))
    var api: String?

    @Option(help: ArgumentHelp("A file with the token; needed over TCP.", valueName: "file"), completion: .file())
    var tokenFile: String?

    @Option(help: .hidden, completion: .file())
    var caFile: String?

    @Option(help: .hidden, completion: .file())
    var clientCert: String?

    @Option(help: .hidden, completion: .file())
    var clientKey: String?

    @Option(
        name: [.customShort("c"), .long], help: ArgumentHelp("A router kept by `vmesh context`.", valueName: "name"),
        completion: DynamicCompletion.contexts)
    var context: String?

    @Flag(help: "The API's JSON, unchanged.")
    var json = false

    @Option(name: [.customShort("o"), .long], help: "How to print.")
    var output: OutputFormat?

    @Flag(name: .customLong("no-color"), help: "No colours.")
    var noColor = false

    @Option(help: ArgumentHelp("How long to wait for an answer.", valueName: "span"))
    var timeout = TimeSpan(milliseconds: 10_000)

    @Flag(name: [.customShort("q"), .long], help: "No remarks.")
    var quiet = false

    @Flag(name: [.customShort("v"), .long], help: "Show requests and answers on standard error.")
    var verbose = false
}

struct WriteOptions: ParsableArguments {
    @Flag(help: "Check and say what would change; change nothing.")
    var dryRun = false

    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(help: "Change the running configuration only, not its file.")
    var noPersist = false

    @Option(help: ArgumentHelp("Only if the item is in this state.", valueName: "etag"))
    var ifMatch: String?
}

extension OutputFormat: ExpressibleByArgument {}

/// `10s`, `500ms`, `90d`.
struct TimeSpan: ExpressibleByArgument, Equatable {
    let milliseconds: Int64

    init(milliseconds: Int64) { self.milliseconds = milliseconds }

    init?(argument: String) {
        guard let value = Units.milliseconds(parsing: argument), value > 0 else { return nil }
        milliseconds = value
    }

    var defaultValueDescription: String {
        milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}
