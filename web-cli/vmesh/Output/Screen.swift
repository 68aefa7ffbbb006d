// Where a command's results go: data to standard output, in the form that was asked for, all else to standard error.

import JSON
import Platform

/// The forms of `-o`.
enum OutputFormat: String, CaseIterable {
    case table, wide, json, name
}

struct Screen {
    var format = OutputFormat.table
    var isQuiet = false
    var style: Style
    /// Whether people read standard output; then what a terminal would act upon is escaped in raw answers too.
    var isTerminal = false

    /// Text, made safe already.
    func data(_ text: String) throws(Failure) { try bytes(Array(text.utf8)) }

    /// Bytes exactly as they are.
    func bytes(_ bytes: [UInt8]) throws(Failure) {
        switch Terminal.write(bytes, to: .output) {
        case .done: return
        case .readerGone: throw .readerGone
        case .failed(let reason): throw .local("cannot write: \(reason)")
        }
    }

    /// Text of the router as it came.
    func answer(text: [UInt8]) throws(Failure) {
        guard isTerminal else { return try bytes(text) }
        try data(Escaping.block(String(decoding: text, as: UTF8.self)))
    }

    /// JSON of the router as it came, ended by a newline.
    func answer(json: [UInt8]) throws(Failure) {
        var whole = json
        if whole.last != UInt8(ascii: "\n") { whole.append(UInt8(ascii: "\n")) }
        guard isTerminal else { return try bytes(whole) }
        try data(Escaping.json(String(decoding: whole, as: UTF8.self)))
    }

    /// A remark, which `-q` suppresses.
    func note(_ text: String) {
        if !isQuiet { _ = Terminal.write(text + "\n", to: .error) }
    }

    /// Asks for a yes at the terminal.
    /// - Throws: `.usage` where nobody can be asked, `.declined` for any other answer than yes.
    func confirm(_ question: String, isConfirmed: Bool) throws(Failure) {
        if isConfirmed { return }
        guard Terminal.isTerminal(.input) else { throw .usage("\(question) Say --yes: there is nobody to ask") }
        _ = Terminal.write("\(question) [y/N] ", to: .error)
        let reply = readLine() ?? ""
        guard ["y", "yes"].contains(reply.lowercased()) else { throw .declined }
    }
}
