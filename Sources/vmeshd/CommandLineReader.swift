// The command line of v1, kept: `-config FILE -debug -table FILE -drop-permissions -initial-dc FILE`, one dash or two,
// `-flag VALUE` or `-flag=VALUE`. Go's flag package reads it that way, and unit files in the field rely on it.

import Daemon

enum CommandLineReader {
    enum Outcome {
        case run(Options)
        /// Text for standard output: help, version.
        case show(String)
        /// One line for standard error.
        case wrong(String)
    }

    static let help = """
        usage: vmeshd -config FILE [flags]

          -config FILE        the node's configuration (default config.json)
          -debug              log at debug level
          -table FILE         write a readable routing table to FILE every 10 s
          -drop-permissions   become nobody once the interfaces are up, keeping CAP_NET_ADMIN only
          -initial-dc FILE    start with this signed configuration, if none newer is stored
          -check              check the configuration and certificates, and end
          -version, -help

        Flags may be written with one dash or two. The router is managed through its API: see vmesh --help.

        """

    static func read(_ arguments: [String]) -> Outcome {
        var options = Options()
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            // As in Go `--` ends the flags, and there is nothing beside flags.
            if argument == "--", rest.isEmpty { break }
            guard argument.hasPrefix("-"), argument != "-", argument != "--" else {
                return .wrong("vmeshd: unexpected argument '\(argument)'; see vmeshd -help")
            }
            let bare = argument.drop { $0 == "-" }
            guard argument.count - bare.count <= 2 else {
                return .wrong("vmeshd: unknown flag '\(argument)'; see vmeshd -help")
            }
            let parts = bare.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0]
            switch name {
            case "help", "h": return .show(help)
            case "version": return .show("vmeshd \(Router.version)\n")
            case "debug", "drop-permissions", "check":
                guard let isSet = boolean(parts.count > 1 ? parts[1] : nil) else {
                    return .wrong("vmeshd: -\(name) takes true or false, not '\(parts[1])'")
                }
                if name == "debug" { options.debug = isSet }
                if name == "drop-permissions" { options.dropPermissions = isSet }
                if name == "check" { options.checkOnly = isSet }
            case "config", "table", "initial-dc":
                guard let value = parts.count > 1 ? parts[1] : rest.popFirst(), !value.isEmpty else {
                    return .wrong("vmeshd: -\(name) needs a file; see vmeshd -help")
                }
                if name == "config" { options.config = value }
                if name == "table" { options.table = value }
                if name == "initial-dc" { options.initialConfig = value }
            default: return .wrong("vmeshd: unknown flag '\(argument)'; see vmeshd -help")
            }
        }
        return .run(options)
    }

    /// As Go reads a boolean flag's value; nil for anything else.
    private static func boolean(_ text: String?) -> Bool? {
        switch text {
        case nil, "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }
}
