// context list, show, use, add, remove: routers by name, kept on this machine.

import ArgumentParser
import JSON

struct ContextCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "context", abstract: "Routers that you work with, by name.",
        subcommands: [ContextList.self, ContextShow.self, ContextUse.self, ContextAdd.self, ContextRemove.self],
        defaultSubcommand: ContextList.self)
}

/// How contexts are printed.
struct ContextOutput: ParsableArguments {
    @Flag(help: "As JSON.") var json = false

    func print(_ contexts: Contexts) throws(Failure) {
        let screen = Screen(style: Style(now: 0), isTerminal: Terminal.isTerminal(.output))
        if json { return try screen.answer(json: contexts.json.serialized(pretty: true)) }
        guard !contexts.all.isEmpty else {
            return screen.note("no context; `vmesh context add NAME --api URL` keeps one")
        }
        try screen.data(ContextView.list(contexts))
    }
}

struct ContextList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "All of them.")
    @OptionGroup var output: ContextOutput

    func run() throws { try output.print(try Contexts.load()) }
}

struct ContextShow: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "One of them; the one in use.")
    @Argument(help: "Its name.", completion: DynamicCompletion.contexts) var name: String?
    @OptionGroup var output: ContextOutput

    func run() throws {
        let all = try Contexts.load()
        guard let wanted = name ?? all.current else { throw Failure.usage("no context is in use") }
        var one = Contexts()
        one.set(wanted, try all.context(wanted))
        if all.current == wanted { try one.use(wanted) }
        try output.print(one)
    }
}

struct ContextUse: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "use", abstract: "Takes one from now on.")
    @Argument(help: "Its name.", completion: DynamicCompletion.contexts) var name: String

    func run() throws {
        var all = try Contexts.load()
        try all.use(name)
        try all.save()
    }
}

struct ContextAdd: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "add", abstract: "Keeps one, or changes it.")
    @Argument(help: "A name for it.") var name: String
    @Option(help: ArgumentHelp("Where its API is.", valueName: "url")) var api: String
    @Option(help: ArgumentHelp("The file with its token.", valueName: "file"), completion: .file())
    var tokenFile: String?

    func run() throws {
        _ = try Endpoint(parsing: api)
        if let tokenFile, !tokenFile.hasPrefix("/") {
            throw Failure.usage("--token-file: write the whole path, it is used from other directories too")
        }
        var all = try Contexts.load()
        all.set(name, Contexts.Context(api: api, tokenFile: tokenFile))
        try all.save()
    }
}

struct ContextRemove: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Forgets one.")
    @Argument(help: "Its name.", completion: DynamicCompletion.contexts) var name: String

    func run() throws {
        var all = try Contexts.load()
        try all.remove(name)
        try all.save()
    }
}
