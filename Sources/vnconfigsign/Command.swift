// The command line: v1's flags, with one dash or two, and `--inspect` for looking into a signed file.

import ArgumentParser
import Platform

struct Command: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vnconfigsign",
        abstract: "Sign a mesh's distributed configuration with the key of its CA, or show a signed one.",
        discussion: """
            Sign:     vnconfigsign --ca-cert ca.crt --ca-key ca.key --config policy.json --out-dir signed
            Inspect:  vnconfigsign --inspect signed/dconf-2026-01-31-12-00-00.bin --ca-cert ca.crt

            The configuration is checked entry by entry and then signed byte for byte as the file holds it; the path \
            of the signed file is printed. It is valid for one year. Hand it to any one node; the mesh spreads it.
            """)

    @Option(name: .customLong("ca-cert"), help: ArgumentHelp("Certificate of the CA (PEM).", valueName: "FILE"))
    var authority: String?

    @Option(name: .customLong("ca-key"), help: ArgumentHelp("Private key of the CA (PEM).", valueName: "FILE"))
    var key: String?

    @Option(name: .customLong("config"), help: ArgumentHelp("Configuration to sign (JSON).", valueName: "FILE"))
    var config: String?

    @Option(
        name: .customLong("out-dir"), help: ArgumentHelp("Directory for the signed file.", valueName: "DIR"))
    var directory = "distributed-config"

    @Option(
        name: .customLong("inspect"),
        help: ArgumentHelp("Show a signed file; with --ca-cert, check who signed it.", valueName: "FILE"))
    var inspected: String?

    /// v1's flags came with one dash; every flag here is long, so one dash means two.
    static func normalized(_ arguments: [String]) -> [String] {
        arguments.map { word in
            let isSingle = word.hasPrefix("-") && !word.hasPrefix("--") && word.utf8.count > 2
            return isSingle ? "-" + word : word
        }
    }
}

/// An error as the operator reads it: what is wrong, and where possible what to do; one line.
struct Complaint: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

enum Program {
    /// 0: done; 1: refused or failed; 2: the command line is wrong.
    static func run(_ arguments: [String]) -> ExitCode {
        let command: Command
        do {
            command = try Command.parse(Command.normalized(Array(arguments.dropFirst())))
        } catch {
            if Command.exitCode(for: error) == .success {
                StandardOutput.write(Command.fullMessage(for: error) + "\n")
                return .success
            }
            return complain("\(Command.message(for: error)); see --help", code: 2)
        }
        do throws(Complaint) {
            if let file = command.inspected {
                return try Inspection(of: file, authority: command.authority).report() ? .success : ExitCode(1)
            }
            guard let authority = command.authority, let key = command.key, let config = command.config else {
                return complain("--ca-cert, --ca-key and --config are needed to sign; see --help", code: 2)
            }
            let signing = Signing(authority: authority, key: key, config: config, directory: command.directory)
            StandardOutput.write(try signing.run() + "\n")
            return .success
        } catch {
            return complain(error.text, code: 1)
        }
    }

    /// One line on standard error, whatever `text` holds.
    static func say(_ text: String) {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        StandardOutput.write("vnconfigsign: \(line)\n", isError: true)
    }

    private static func complain(_ text: String, code: Int32) -> ExitCode {
        say(text)
        return ExitCode(code)
    }
}
