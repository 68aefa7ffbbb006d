// What a command works with: the settings, a client, a screen. And the few ways in which most commands answer.

import ArgumentParser
import JSON
import ManagementAPI
import Platform

/// A command that asks the router.
protocol APICommand: ParsableCommand {
    var global: GlobalOptions { get }
    func run(in session: Session) throws(Failure)
}

extension APICommand {
    mutating func run() throws {
        try run(in: try Session(global))
    }
}

/// A command that changes something.
protocol WriteCommand: APICommand {
    var write: WriteOptions { get }
}

final class Session {
    let settings: Settings
    let client: APIClient
    let screen: Screen

    init(_ options: GlobalOptions) throws(Failure) {
        let isTerminal = Terminal.isTerminal(.output)
        settings = try Settings(
            options, isTerminal: isTerminal, variable: Environment.value,
            contexts: { () throws(Failure) -> Contexts in try Contexts.load() })
        client = APIClient(
            settings.endpoint, token: settings.token, timeoutMilliseconds: settings.timeoutMilliseconds,
            isVerbose: settings.isVerbose)
        let style = Style(
            width: Terminal.width, isColored: settings.isColored, isWide: settings.format == .wide,
            now: SystemClock.wallMicroseconds() / 1000)
        screen = Screen(
            format: settings.format, isQuiet: settings.isQuiet, style: style, isTerminal: isTerminal)
    }

    /// Asks for one thing and shows it.
    /// - Parameter name: what `-o name` prints.
    func show(
        _ operation: Operation, _ parameters: [String] = [], _ options: CallOptions = CallOptions(), to action: String,
        name: (JSONValue) -> String?, view: (JSONValue, Style) -> String
    ) throws(Failure) {
        try show(try client.call(operation, parameters, options, to: action), name: name, view: view)
    }

    func show(
        _ answer: Answer, name: (JSONValue) -> String?, view: (JSONValue, Style) -> String
    ) throws(Failure) {
        if screen.format == .json { return try screen.answer(json: answer.body) }
        let json = try answer.json()
        if screen.format == .name { return try screen.data((name(json) ?? "") + "\n") }
        try screen.data(view(json, screen.style))
    }

    /// Asks for a list and shows it.
    func list(
        _ operation: Operation, _ options: CallOptions = CallOptions(), to action: String, nothing: String,
        name: (JSONValue) -> String?, view: ([JSONValue], Style) -> String
    ) throws(Failure) {
        let answer = try client.list(operation, options, to: action)
        if screen.format == .json { return try screen.answer(json: answer.bytes) }
        let items = answer.json.list("items")
        if screen.format == .name {
            return try screen.data(items.compactMap(name).map { $0 + "\n" }.joined())
        }
        guard !items.isEmpty else { return screen.note(nothing) }
        try screen.data(view(items, screen.style))
    }

    /// Calls an operation that changes something and says what changed.
    /// - Parameter question: asked before, where the change destroys something.
    func change(
        _ operation: Operation, _ parameters: [String] = [], _ options: CallOptions = CallOptions(),
        write: WriteOptions, to action: String, question: String? = nil
    ) throws(Failure) {
        let answer = try perform(operation, parameters, options, write: write, to: action, question: question)
        if screen.format == .json { return try screen.answer(json: answer.body) }
        let json = try answer.json()
        if screen.format == .name || screen.isQuiet { return }
        try screen.data(ChangeView.text(json, screen.style))
    }

    /// The same without saying anything.
    func perform(
        _ operation: Operation, _ parameters: [String] = [], _ options: CallOptions = CallOptions(),
        write: WriteOptions, to action: String, question: String? = nil
    ) throws(Failure) -> Answer {
        var options = options
        try write.apply(to: &options, for: operation)
        if let question, !write.dryRun {
            client.rest()
            try screen.confirm(question, isConfirmed: write.yes)
        }
        return try client.call(operation, parameters, options, to: action)
    }
}

extension WriteOptions {
    /// Puts the flags into the request. One that the operation does not know is refused: a `--dry-run` that is left
    /// out would change what the caller wanted to look at.
    func apply(to options: inout CallOptions, for operation: Operation) throws(Failure) {
        if dryRun {
            guard operation.query.contains("dry_run") else { throw .usage("this command has no --dry-run") }
            options.add("dry_run", "true")
        }
        if noPersist {
            guard operation.query.contains("persist") else { throw .usage("this command has no --no-persist") }
            options.add("persist", "false")
        }
        guard let ifMatch else { return }
        guard operation.path.hasPrefix("/v1/config/"), operation.query.contains("persist") else {
            throw .usage("this command has no --if-match")
        }
        let isComplete = ifMatch == "*" || ifMatch.hasPrefix("\"")
        options.headers["if-match"] = isComplete ? ifMatch : "\"\(ifMatch)\""
    }
}

/// Files that arguments name.
enum Input {
    /// Reads a file, or standard input for `-`.
    static func bytes(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        guard path == "-" else {
            do throws(PlatformError) {
                return try Files.read(path, limit: limit)
            } catch {
                throw .usage(Escaping.line("cannot read \(path): \(error.code?.text ?? "\(error)")"))
            }
        }
        guard let bytes = try Terminal.readInput(limit: limit) else {
            throw .usage("standard input has more than \(limit) bytes")
        }
        return bytes
    }

    /// Reads JSON given as an argument: the text itself, or `@FILE`.
    static func json(_ text: String, limit: Int) throws(Failure) -> JSONValue {
        let bytes = text.hasPrefix("@") ? try bytes(String(text.dropFirst()), limit: limit) : Array(text.utf8)
        do throws(JSONError) { return try JSONValue(parsing: bytes, maximumBytes: limit) } catch {
            throw .usage("not JSON: \(error)")
        }
    }

    /// The two path parameters of a prefix. What is wrong with it otherwise, the router says.
    static func prefix(_ text: String) throws(Failure) -> [String] {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw .usage("'\(Escaping.line(text))' is no prefix: write ADDRESS/LENGTH, like 2001:db8::/32")
        }
        return parts.map(String.init)
    }
}
