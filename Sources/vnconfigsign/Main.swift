// Signs the mesh's distributed configuration, and shows what is in a signed one.

@main struct Main {
    static func main() {
        Command.exit(withError: Program.run(CommandLine.arguments))
    }
}
