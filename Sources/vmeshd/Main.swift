// vmeshd: the router's daemon. Reads the command line, runs the router, ends with its status.
//
// v1's flags with one dash or two. 0: ended in good order · 1: could not start, or lost something it cannot live
// without · 2: usage.

import Daemon

@main
enum Main {
    static func main() {
        switch CommandLineReader.read(Array(CommandLine.arguments.dropFirst())) {
        case .show(let text): Terminal.out(text)
        case .wrong(let text): Terminal.fail(text, status: 2)
        case .run(let options): run(options)
        }
    }

    private static func run(_ options: Options) {
        do {
            try Router.run(options)
            if options.checkOnly { Terminal.out("\(options.config): ok\n") }
        } catch {
            Terminal.fail("vmeshd: \(error)", status: 1)
        }
    }
}
