// peer list, show, reset: neighbours as they are.

import ArgumentParser
import JSON
import ManagementAPI

struct PeerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer", abstract: "Neighbours.",
        subcommands: [
            PeerList.self, PeerShow.self, PeerSet.self, PeerEnable.self, PeerDisable.self, PeerRemove.self,
            PeerReset.self,
        ],
        defaultSubcommand: PeerList.self)
}

struct PeerList: APICommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Peers, configured and connected, or the configuration's.")
    @Flag(help: "Only those that are up.") var up = false
    @Flag(help: "Only those that are not up.") var down = false
    @Flag(help: "What is configured instead of what is.") var config = false
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func validate() throws {
        guard !(up && down) else { throw ValidationError("--up and --down exclude each other") }
        guard !config || !(up || down) else { throw ValidationError("--config lists all: no --up or --down") }
    }

    func run(in session: Session) throws(Failure) {
        if config {
            return try session.list(
                .listPeerConfigs, to: "list configured peers", nothing: "no peer is configured",
                name: { $0.text("name") }, view: PeerView.configurations)
        }
        var options = CallOptions()
        options.add("status", up ? "up" : down ? "down" : nil)
        try session.list(
            .listPeers, options, to: "list peers", nothing: up || down ? "no such peer" : "no peer",
            name: { $0.text("name") }, view: PeerView.list)
    }
}

struct PeerShow: APICommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "One peer.")
    @Argument(help: "A name, an id, or the beginning of an id.", completion: DynamicCompletion.peers)
    var peer: String
    @Flag(help: "What is configured instead of what is.") var config = false
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let action = "show peer \(Escaping.line(peer))"
        if config {
            let name = try Lookup.peerName(peer, session.client)
            return try session.show(
                .getPeerConfig, [name], to: action, name: { $0.text("name") }, view: PeerView.configuration)
        }
        let reference = try Lookup.peer(peer, session.client)
        try session.show(.getPeer, [reference], to: action, name: { $0.text("name") }, view: PeerView.one)
    }
}

struct PeerReset: WriteCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset", abstract: "Closes a peer's session and dials again.")
    @Argument(help: "A name, an id, or the beginning of an id.", completion: DynamicCompletion.peers)
    var peer: String
    @Flag(help: "Keep the session; judge its announcements and announce again.") var soft = false
    @Option(help: "For the router's log.") var reason: String?
    @OptionGroup(title: "Options of changes") var write: WriteOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let reference = try Lookup.peer(peer, session.client)
        var body: JSONObject = ["mode": .string(soft ? "soft" : "hard")]
        body["reason"] = reason.map(JSONValue.string)
        let options = CallOptions(body: JSONValue.object(body).serialized())
        let shown = Escaping.line(peer)
        let answer = try session.perform(.resetPeer, [reference], options, write: write, to: "reset peer \(shown)")
        if session.screen.format == .json { return try session.screen.answer(json: answer.body) }
        session.screen.note("peer \(shown): \(soft ? "announcements are judged again" : "session is being reset")")
    }
}
