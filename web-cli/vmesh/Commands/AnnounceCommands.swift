// announce list, show, add, remove: the prefixes that this router announces as its own.

import ArgumentParser
import JSON
import ManagementAPI

struct AnnounceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "announce", abstract: "Prefixes that this router announces as its own.",
        subcommands: [AnnounceList.self, AnnounceShow.self, AnnounceAdd.self, AnnounceRemove.self],
        defaultSubcommand: AnnounceList.self)
}

struct AnnounceList: APICommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "All of them.")
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.list(
            .listAnnouncements, to: "list announcements", nothing: "nothing is announced",
            name: { $0.text("prefix") }, view: AnnounceView.list)
    }
}

struct AnnounceShow: APICommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "One of them.")
    @Argument(help: "ADDRESS/LENGTH", completion: DynamicCompletion.announcements) var prefix: String
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.show(
            .getAnnouncement, try Input.prefix(prefix), to: "show announcement \(Escaping.line(prefix))",
            name: { $0.text("prefix") }, view: AnnounceView.one)
    }
}

struct AnnounceAdd: WriteCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Announces a prefix; without --vif its packets are discarded here.")
    @Argument(help: "ADDRESS/LENGTH") var prefix: String
    @Option(
        help: ArgumentHelp("The interface its packets go to.", valueName: "name"), completion: DynamicCompletion.vifs)
    var vif: String?
    @OptionGroup(title: "Options of changes") var write: WriteOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let body: JSONValue = ["vif": JSONValue(vif)]
        try session.change(
            .putAnnouncement, try Input.prefix(prefix), CallOptions(body: body.serialized()), write: write,
            to: "announce \(Escaping.line(prefix))")
    }
}

struct AnnounceRemove: WriteCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Withdraws a prefix.")
    @Argument(help: "ADDRESS/LENGTH", completion: DynamicCompletion.announcements) var prefix: String
    @OptionGroup(title: "Options of changes") var write: WriteOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let shown = Escaping.line(prefix)
        try session.change(
            .deleteAnnouncement, try Input.prefix(prefix), write: write, to: "remove announcement \(shown)",
            question: "Withdraw \(shown)?")
    }
}
