// route list, show, lookup; fib; vif list, show.

import ArgumentParser
import JSON
import ManagementAPI

struct RouteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route", abstract: "Routes, with all their candidates and why they were chosen or not.",
        subcommands: [RouteList.self, RouteShow.self, RouteLookup.self], defaultSubcommand: RouteList.self)
}

struct RouteList: APICommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Prefixes and their routes.")
    @Option(help: ArgumentHelp("Only prefixes within this one.", valueName: "prefix")) var within: String?
    @Option(help: ArgumentHelp("Only prefixes that this address is in.", valueName: "address")) var covers: String?
    @Option(
        help: ArgumentHelp("Only what this peer announces.", valueName: "peer"), completion: DynamicCompletion.peers)
    var peer: String?
    @Flag(help: "Only our own.") var local = false
    @Flag(help: "Only what was learned.") var learned = false
    @Flag(help: "Only prefixes that have a route in use.") var selected = false
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func validate() throws {
        guard !(local && learned) else { throw ValidationError("--local and --learned exclude each other") }
    }

    func run(in session: Session) throws(Failure) {
        var options = CallOptions()
        options.add("within", within)
        options.add("covers", covers)
        if let peer { options.add("peer", try Lookup.peer(peer, session.client)) }
        options.add("source", local ? "local" : learned ? "learned" : nil)
        options.add("selected_only", selected ? "true" : nil)
        try session.list(
            .listRoutes, options, to: "list routes", nothing: "no route", name: { $0.text("prefix") },
            view: RouteView.list)
    }
}

struct RouteShow: APICommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "One prefix and its candidates.")
    @Argument(help: "ADDRESS/LENGTH", completion: DynamicCompletion.prefixes) var prefix: String
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.show(
            .getRoute, try Input.prefix(prefix), to: "show route \(Escaping.line(prefix))",
            name: { $0.text("prefix") }, view: RouteView.one)
    }
}

struct RouteLookup: APICommand {
    static let configuration = CommandConfiguration(
        commandName: "lookup", abstract: "Where a packet to an address would go, and why.")
    @Argument(help: "An IPv6 address.") var address: String
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.show(
            .lookupRoute, [], CallOptions(query: [("address", address)]), to: "look up \(Escaping.line(address))",
            name: { $0.text("match", "prefix") }, view: RouteView.lookup)
    }
}

struct FibCommand: APICommand {
    static let configuration = CommandConfiguration(
        commandName: "fib", abstract: "What packets are forwarded by at this moment.")
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.list(
            .listFib, to: "list the FIB", nothing: "the FIB is empty", name: { $0.text("prefix") }, view: RouteView.fib)
    }
}

struct VifCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vif", abstract: "Virtual interfaces.", subcommands: [VifList.self, VifShow.self],
        defaultSubcommand: VifList.self)
}

struct VifList: APICommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "All virtual interfaces.")
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.list(
            .listVifs, to: "list interfaces", nothing: "no virtual interface", name: { $0.text("name") },
            view: VifView.list)
    }
}

struct VifShow: APICommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "One virtual interface.")
    @Argument(help: "Its name.", completion: DynamicCompletion.vifs) var name: String
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.show(
            .getVif, [name], to: "show interface \(Escaping.line(name))", name: { $0.text("name") }, view: VifView.one)
    }
}
