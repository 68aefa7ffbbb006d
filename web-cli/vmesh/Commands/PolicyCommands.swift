// dconf: the network's signed policy, which every node passes on.

import ArgumentParser
import JSON
import ManagementAPI
import Platform

struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dconf", abstract: "The distributed config: the network's signed policy.",
        subcommands: [
            PolicyShow.self, PolicyDownload.self, PolicyUpload.self, PolicyValidate.self, PolicyPeers.self,
            PolicyCheck.self,
        ],
        defaultSubcommand: PolicyShow.self)
}

struct PolicyShow: APICommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "The policy in force.")
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.show(
            .getDistributedConfig, to: "show the policy", name: { $0.text("hash") }, view: PolicyView.one)
    }
}

struct PolicyDownload: APICommand {
    static let configuration = CommandConfiguration(
        commandName: "download", abstract: "Saves the signed policy, as `upload` takes it.")
    @Argument(help: "A file, or - for standard output.", completion: .file()) var file: String
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let bytes = try session.client.call(.downloadDistributedConfig, to: "download the policy").body
        if file == "-" { return try session.screen.bytes(bytes) }
        do throws(PlatformError) { try Files.write(file, bytes, mode: 0o644) } catch {
            throw .local(Escaping.line("cannot write \(file): \(error)"))
        }
        session.screen.note("\(Escaping.line(file)): \(bytes.count) bytes")
    }
}

struct PolicyUpload: WriteCommand {
    static let configuration = CommandConfiguration(
        commandName: "upload", abstract: "Puts a signed policy in force, here and then everywhere.")
    @Argument(help: "A file of vnconfigsign, or - for standard input.", completion: .file()) var file: String
    @OptionGroup(title: "Options of changes") var write: WriteOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let bytes = try Input.bytes(file, limit: Operation.uploadDistributedConfig.requestBody.maximumBytes)
        let answer = try session.perform(
            .uploadDistributedConfig, [], CallOptions(body: bytes), write: write, to: "upload \(Escaping.line(file))")
        try session.show(answer, name: { $0.text("candidate", "hash") }, view: PolicyView.plan)
    }
}

struct PolicyValidate: APICommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Says what `upload` would do; ends with 9 if it would be refused.")
    @Argument(help: "A file of vnconfigsign, or - for standard input.", completion: .file()) var file: String
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let bytes = try Input.bytes(file, limit: Operation.uploadDistributedConfig.requestBody.maximumBytes)
        let options = CallOptions(query: [("dry_run", "true")], body: bytes)
        let answer = try session.client.call(
            .uploadDistributedConfig, [], options, to: "validate \(Escaping.line(file))")
        try session.show(answer, name: { $0.text("candidate", "hash") }, view: PolicyView.plan)
        if try answer.json().flag("valid") == false { throw .checkedBad }
    }
}

struct PolicyPeers: APICommand {
    static let configuration = CommandConfiguration(
        commandName: "peers", abstract: "Which peers have the policy that we have.")
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.list(
            .listDistributedConfigPeers, to: "list policy peers", nothing: "no peer",
            name: { $0.text("peer", "name") ?? $0.text("peer", "id") }, view: PolicyView.peers)
    }
}

struct PolicyCheck: APICommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Whether a node may announce a prefix; ends with 9 if not.")
    @Argument(help: "A node's name.", completion: DynamicCompletion.peers) var node: String
    @Argument(help: "ADDRESS/LENGTH") var prefix: String
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let options = CallOptions(query: [("node", node), ("prefix", prefix)])
        let answer = try session.client.call(
            .checkPolicy, [], options, to: "check \(Escaping.line(node)) \(Escaping.line(prefix))")
        try session.show(answer, name: { $0.text("matched") }, view: PolicyView.check)
        if try answer.json().flag("allowed") != true { throw .checkedBad }
    }
}
