// The grammar: every operation of openapi.yaml has its command, every command its operation; flags stand anywhere.

import ArgumentParser
import Foundation
import ManagementAPI
import Testing

@testable import vmesh

/// The commands that the API's description names, each as its words.
private let described: [[String]] = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let text = (try? String(contentsOf: root.appendingPathComponent("openapi.yaml"), encoding: .utf8)) ?? ""
    return text.split(separator: "\n").filter { $0.contains("x-vmesh-cli:") }.flatMap { line in
        line.split(separator: ":", maxSplits: 1)[1].split(separator: ",").map { command in
            command.split(separator: " ").map { String($0.filter { $0 != "'" }) }
        }
    }
}()

/// Every command that can be run: its words, its type.
private let commands: [(words: [String], type: any ParsableCommand.Type)] = {
    func leaves(_ type: any ParsableCommand.Type, _ before: [String]) -> [([String], any ParsableCommand.Type)] {
        let children = type.configuration.subcommands
        guard !children.isEmpty else { return [(before, type)] }
        return children.flatMap { leaves($0, before + [$0.configuration.commandName ?? ""]) }
    }
    return leaves(RootCommand.self, [])
}()

@Suite("Grammar")
struct GrammarTests {
    @Test("every command of openapi.yaml exists, with its flags")
    func described_exist() throws {
        #expect(described.count >= ManagementAPI.Operation.allCases.count)
        for words in described {
            try #require(words.first == "vmesh", "\(words)")
            let names = words.dropFirst().filter { !$0.hasPrefix("-") }
            // A noun alone stands for what it does by itself.
            let found = commands.first { $0.words == names }
            let command = try #require(found, "no command \(words.joined(separator: " "))")
            for flag in words where flag.hasPrefix("--") {
                #expect(RootCommand.helpMessage(for: command.type).contains(flag), "\(words) has no \(flag)")
            }
        }
    }

    @Test("every command is in openapi.yaml, but for those that ask no router")
    func exist_described() {
        let local: Set<String> = ["version", "completion", "api request"]
        let known = Set(described.map { $0.dropFirst().filter { !$0.hasPrefix("-") }.joined(separator: " ") })
        for command in commands {
            let name = command.words.joined(separator: " ")
            #expect(known.contains(name) || local.contains(name) || name.hasPrefix("context "), "\(name)")
        }
    }

    @Test("every command says what it is for")
    func abstracts() {
        for command in commands { #expect(!command.type.configuration.abstract.isEmpty, "\(command.words)") }
    }

    @Test(
        "global flags may stand before the noun",
        arguments: [
            ("--json peer list", "peer list --json"), ("-q --api /x status", "status -q --api /x"),
            ("--api=/x peer --json show b", "peer show b --api=/x --json"),
            ("peer list --json", "peer list --json"),
            ("--dry-run peer set b --addr h:1", "peer set b --addr h:1 --dry-run"),
            ("--json api GET /x -- -y", "api GET /x --json -- -y"), ("--help", "--help"), ("", ""),
            ("--unknown status", "--unknown status"), ("--timeout", "--timeout"),
            ("explain --api /x c --json", "explain c --json --api /x"),
        ])
    func order(given: String, parsed: String) {
        func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
        #expect(WordOrder.globalFlagsLast(words(given)) == words(parsed))
    }

    @Test(
        "words that are a usage error",
        arguments: [
            "bogus", "peer bogus", "peer show", "peer list --up --down", "peer set b",
            "peer set b --addr h:1 --patch {}",
            "token create x", "token create x --role root", "status extra", "status --token x", "status --timeout 0",
            "peer list --dry-run", "route list --local --learned", "completion tcsh",
        ])
    func refused(text: String) {
        let words = WordOrder.globalFlagsLast(text.split(separator: " ").map(String.init))
        #expect(throws: (any Error).self) { try RootCommand.parseAsRoot(words) }
    }

    @Test(
        "words that are a command",
        arguments: [
            "peer", "peer --up", "route --selected", "cert list --expiring 30d --role external", "config",
            "peer set b --addr h:1 [::1]:2 --udp --create-only --import 2001:db8::/32 --export ::/0 --max-prefixes 5",
            "api GET /v1/status -H a:b -d @x", "api spec", "dconf check b 2001:db8::/48", "-v --json status",
            "-o wide fib",
        ])
    func taken(text: String) throws {
        _ = try RootCommand.parseAsRoot(WordOrder.globalFlagsLast(text.split(separator: " ").map(String.init)))
    }

    @Test("a flag that the operation does not know is refused, not left out")
    func unknownWriteFlag() throws {
        let write = try WriteOptions.parse(["--dry-run"])
        var options = CallOptions()
        #expect(failure { try write.apply(to: &options, for: .deleteToken) }?.status == .usage)
        try write.apply(to: &options, for: .putPeerConfig)
        #expect(options.query.map(\.name) == ["dry_run"])
        let match = try WriteOptions.parse(["--if-match", "r42-9f", "--no-persist"])
        options = CallOptions()
        try match.apply(to: &options, for: .patchPeerConfig)
        #expect(options.headers["if-match"] == "\"r42-9f\"" && options.query.map(\.value) == ["false"])
        #expect(failure { try match.apply(to: &options, for: .addExternalPeerCertificate) }?.status == .usage)
    }

    @Test(
        "paths",
        arguments: [
            (Operation.getRoute, ["2001:db8::", "32"], "/v1/routes/2001%3Adb8%3A%3A/32"),
            (.getPeer, ["../a b/ü"], "/v1/peers/..%2Fa%20b%2F%C3%BC"), (.listPeers, [], "/v1/peers"),
            (.resetPeer, ["b"], "/v1/peers/b/reset"),
        ] as [(ManagementAPI.Operation, [String], String)])
    func paths(operation: ManagementAPI.Operation, parameters: [String], path: String) {
        #expect(APIClient.path(operation.path, parameters) == path)
    }
}
