// peer set, enable, disable, remove: neighbours as they are meant to be.

import ArgumentParser
import JSON
import ManagementAPI

struct PeerSet: WriteCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Configures a peer; what is not said gets its default.",
        discussion: """
            vmesh peer set b.vnet.example.com --addr 192.0.2.7:5120 '[2001:db8::7]:5120' --udp
            vmesh peer set b.vnet.example.com --patch '{"udp": true}'
            """)
    @Argument(help: "The name that must answer.", completion: DynamicCompletion.peers) var name: String
    @Option(
        name: .customLong("addr"), parsing: .upToNextOption,
        help: ArgumentHelp("Addresses, tried in this order.", valueName: "host:port"))
    var addresses: [String] = []
    @Flag(help: "Carry packets over UDP where both sides can.") var udp = false
    @Flag(help: "Carry packets over UDP without encryption.") var insecureUdp = false
    @Flag(help: "Keep it, but do not connect.") var disable = false
    @Flag(help: "Fail if there is such a peer.") var createOnly = false
    @Option(
        name: .customLong("import"), parsing: .upToNextOption,
        help: ArgumentHelp("What an external peer may announce: PREFIX[,max_prefix_len=N].", valueName: "prefix"))
    var imports: [String] = []
    @Option(
        name: .customLong("export"), parsing: .upToNextOption,
        help: ArgumentHelp("What is announced to an external peer.", valueName: "prefix"))
    var exports: [String] = []
    @Option(help: ArgumentHelp("Prefixes it may announce.", valueName: "number")) var maxPrefixes: Int?
    @Option(help: ArgumentHelp("SHA-256 of the one certificate it may have.", valueName: "hex"))
    var fingerprint: String?
    @Option(help: ArgumentHelp("Change only these members (RFC 7396); JSON or @FILE.", valueName: "json"))
    var patch: String?
    @OptionGroup(title: "Options of changes") var write: WriteOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    private var hasMembers: Bool {
        !addresses.isEmpty || udp || insecureUdp || disable || createOnly || !imports.isEmpty || !exports.isEmpty
            || maxPrefixes != nil || fingerprint != nil
    }

    func validate() throws {
        if patch != nil, hasMembers { throw ValidationError("--patch says everything: no other member beside it") }
        if patch == nil, addresses.isEmpty { throw ValidationError("--addr HOST:PORT is missing") }
        if createOnly, write.ifMatch != nil { throw ValidationError("--create-only and --if-match exclude each other") }
    }

    func run(in session: Session) throws(Failure) {
        let action = "set peer \(Escaping.line(name))"
        if let patch {
            let json = try Input.json(patch, limit: Operation.patchPeerConfig.requestBody.maximumBytes)
            return try session.change(
                .patchPeerConfig, [name], CallOptions(body: json.serialized()), write: write, to: action)
        }
        var options = CallOptions(body: member.serialized())
        if createOnly { options.headers["if-none-match"] = "*" }
        try session.change(.putPeerConfig, [name], options, write: write, to: action)
    }

    private var member: JSONValue {
        var object: JSONObject = [
            "addrs": .array(addresses.map(JSONValue.string)), "udp": .bool(udp), "insecure_udp": .bool(insecureUdp),
            "enabled": .bool(!disable),
        ]
        if !imports.isEmpty { object["import"] = .array(imports.map(JSONValue.string)) }
        if !exports.isEmpty { object["export"] = .array(exports.map(JSONValue.string)) }
        object["max_prefixes"] = maxPrefixes.map { JSONValue($0) }
        object["fingerprint_sha256"] = fingerprint.map { .string($0.lowercased()) }
        return .object(object)
    }
}

struct PeerEnable: WriteCommand {
    static let configuration = CommandConfiguration(commandName: "enable", abstract: "Connects to a configured peer.")
    @Argument(help: "Its name.", completion: DynamicCompletion.peers) var name: String
    @OptionGroup(title: "Options of changes") var write: WriteOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.setEnabled(true, name, write, to: "enable peer \(Escaping.line(name))")
    }
}

struct PeerDisable: WriteCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable", abstract: "Disconnects a configured peer and keeps it so.")
    @Argument(help: "Its name.", completion: DynamicCompletion.peers) var name: String
    @OptionGroup(title: "Options of changes") var write: WriteOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.setEnabled(false, name, write, to: "disable peer \(Escaping.line(name))")
    }
}

extension Session {
    /// One member is patched: a PUT would have to read first, and could undo what another did meanwhile.
    fileprivate func setEnabled(
        _ isEnabled: Bool, _ name: String, _ write: WriteOptions, to action: String
    ) throws(Failure) {
        let patch: JSONValue = ["enabled": .bool(isEnabled)]
        let found = try Lookup.peerName(name, client)
        try change(.patchPeerConfig, [found], CallOptions(body: patch.serialized()), write: write, to: action)
    }
}

struct PeerRemove: WriteCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Removes a peer's configuration.")
    @Argument(help: "Its name.", completion: DynamicCompletion.peers) var name: String
    @OptionGroup(title: "Options of changes") var write: WriteOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let found = try Lookup.peerName(name, session.client)
        let shown = Escaping.line(found)
        try session.change(
            .deletePeerConfig, [found], write: write, to: "remove peer \(shown)", question: "Remove peer \(shown)?")
    }
}
