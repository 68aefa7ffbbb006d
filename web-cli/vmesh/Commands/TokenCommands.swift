// token list, create, revoke: who may use the API over TCP.

import ArgumentParser
import JSON
import ManagementAPI

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Tokens for the API over TCP.",
        subcommands: [TokenList.self, TokenCreate.self, TokenRevoke.self], defaultSubcommand: TokenList.self)
}

struct TokenList: APICommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "All tokens, without their secrets.")
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        try session.list(
            .listTokens, to: "list tokens", nothing: "no token", name: { $0.text("name") }, view: TokenView.list)
    }
}

struct TokenCreate: WriteCommand {
    enum Role: String, CaseIterable, ExpressibleByArgument {
        case metrics, read, admin
    }

    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes a token and prints it, this once.",
        discussion: "umask 077; vmesh token create prometheus --role metrics > token")
    @Argument(help: "A name for it.") var name: String
    @Option(help: "What it may do.") var role: Role
    @Option(help: ArgumentHelp("When it ends, like 90d; never without this.", valueName: "span"))
    var expires: TimeSpan?
    @OptionGroup(title: "Options of changes") var write: WriteOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        var body: JSONObject = ["name": .string(name), "role": .string(role.rawValue)]
        body["expires_in_seconds"] = expires.map { JSONValue($0.milliseconds / 1000) }
        let options = CallOptions(body: JSONValue.object(body).serialized())
        let shown = Escaping.line(name)
        let answer = try session.perform(.createToken, [], options, write: write, to: "create token \(shown)")
        if session.screen.format == .json { return try session.screen.answer(json: answer.body) }
        let json = try answer.json()
        guard let token = json.text("token") else {
            throw .malformed(action: answer.action, reason: "there is no token in it")
        }
        try session.screen.data(token + "\n")
        let end = Moment.relative(json.raw("expires_at"), now: session.screen.style.now) ?? "never"
        session.screen.note("token \(shown), role \(role.rawValue), expires \(end); it is shown only this once")
    }
}

struct TokenRevoke: WriteCommand {
    static let configuration = CommandConfiguration(commandName: "revoke", abstract: "Ends a token at once.")
    @Argument(help: "Its name.", completion: DynamicCompletion.tokens) var name: String
    @OptionGroup(title: "Options of changes") var write: WriteOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let shown = Escaping.line(name)
        _ = try session.perform(
            .deleteToken, [name], write: write, to: "revoke token \(shown)", question: "Revoke token \(shown)?")
        session.screen.note("token \(shown) is revoked")
    }
}
