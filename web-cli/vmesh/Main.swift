// vmesh: the router's command line. Reads the arguments, runs one command, ends with its status.
//
// It speaks the HTTP API and nothing else. A command turns arguments into one request or a few (Client), and the
// answer into text (Views); what goes wrong on the way is a `Failure`, which knows its line and its exit status.

import ArgumentParser

@main
enum Main {
    static func main() {
        Terminal.ignoreBrokenPipe()
        Terminal.exit(Invocation.run(Array(CommandLine.arguments.dropFirst())))
    }
}

/// One run of the command line, from its words to its exit status.
enum Invocation {
    static func run(_ words: [String]) -> ExitStatus {
        do {
            // The shell's question for completions comes with words of its own order.
            let isCompletion = words.first?.hasPrefix("---") ?? false
            var command = try RootCommand.parseAsRoot(isCompletion ? words : WordOrder.globalFlagsLast(words))
            try command.run()
            return .done
        } catch let failure as Failure {
            return report(failure)
        } catch {
            return explain(error)
        }
    }

    private static func report(_ failure: Failure) -> ExitStatus {
        if let line = failure.line { _ = Terminal.write("vmesh: \(line)\n", to: .error) }
        return failure.status
    }

    /// What the parser says: help and version are answers, everything else is a usage error.
    private static func explain(_ error: any Error) -> ExitStatus {
        let text = RootCommand.fullMessage(for: error)
        guard RootCommand.exitCode(for: error) != ExitCode.success else {
            switch Terminal.write(text.isEmpty ? "" : text + "\n", to: .output) {
            case .done, .readerGone: return .done
            case .failed(let reason): return report(.local("cannot write: \(reason)"))
            }
        }
        let label = "Error: "
        let line = text.hasPrefix(label) ? String(text.dropFirst(label.count)) : text
        _ = Terminal.write("vmesh: \(line)\n", to: .error)
        return .usage
    }
}
