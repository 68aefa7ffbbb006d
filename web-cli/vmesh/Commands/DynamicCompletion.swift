// What the shell completes to: names asked of the router, within 300 ms, and nothing at all when that fails.

import ArgumentParser
import JSON
import ManagementAPI
import Platform

enum DynamicCompletion {
    private static let milliseconds: Int64 = 300

    static let peers = CompletionKind.custom { words, _, _ in names(.listPeers, words) { [$0.raw("name")] } }
    static let vifs = CompletionKind.custom { words, _, _ in names(.listVifs, words) { [$0.raw("name")] } }
    static let prefixes = CompletionKind.custom { words, _, _ in names(.listRoutes, words) { [$0.raw("prefix")] } }
    static let announcements = CompletionKind.custom { words, _, _ in
        names(.listAnnouncements, words) { [$0.raw("prefix")] }
    }
    static let certificates = CompletionKind.custom { words, _, _ in
        names(.listCertificates, words) { [$0.raw("common_name"), $0.raw("id").map { String($0.prefix(16)) }] }
    }
    static let tokens = CompletionKind.custom { words, _, _ in names(.listTokens, words) { [$0.raw("name")] } }
    static let contexts = CompletionKind.custom { _, _, _ in
        ((try? Contexts.load())?.all.map(\.name) ?? []).filter(isWord)
    }

    private static func names(
        _ operation: Operation, _ words: [String], _ name: (JSONValue) -> [String?]
    ) -> [String] {
        // The flags among the words count as they would in the finished command.
        var flags: [String] = []
        for (index, word) in words.enumerated() {
            for flag in ["--api", "--context", "-c", "--token-file"] {
                if word == flag, index + 1 < words.count { flags += [flag, words[index + 1]] }
                if word.hasPrefix(flag + "=") { flags.append(word) }
            }
        }
        guard let options = try? GlobalOptions.parse(flags), let settings = try? settings(options) else { return [] }
        let client = APIClient(settings.endpoint, token: settings.token, timeoutMilliseconds: milliseconds)
        guard let items = try? client.list(operation, to: "complete").json.list("items") else { return [] }
        return items.flatMap(name).compactMap { $0 }.filter(isWord)
    }

    private static func settings(_ options: GlobalOptions) throws(Failure) -> Settings {
        try Settings(
            options, isTerminal: false, variable: Environment.value,
            contexts: { () throws(Failure) -> Contexts in try Contexts.load() })
    }

    /// A shell would do something with anything else.
    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x3A, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x2F, 0x5F: true
                default: false
                }
            }
    }
}
