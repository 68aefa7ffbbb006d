// Global flags may stand before the noun as well as after the verb.
//
// The parser knows an option only after the command that declares it. So leading global flags are moved to the end,
// together with their values, before the words are parsed: `vmesh --json peer list` becomes `vmesh peer list --json`.

enum WordOrder {
    /// Flags that every command, or every writing command, takes; true: a value follows.
    private static let flags: [String: Bool] = [
        "--api": true, "--token-file": true, "--ca-file": true, "--client-cert": true, "--client-key": true,
        "--context": true, "-c": true, "--json": false, "--output": true, "-o": true, "--no-color": false,
        "--timeout": true, "--quiet": false, "-q": false, "--verbose": false, "-v": false, "--dry-run": false,
        "--yes": false, "--no-persist": false, "--if-match": true,
    ]

    /// The words with those global flags that stand before the end of the command's name (two words at most) moved
    /// to the end, or before a `--`.
    static func globalFlagsLast(_ words: [String]) -> [String] {
        var kept: [String] = []
        var moved: [String] = []
        var index = 0
        while index < words.count, kept.count < 2 {
            let word = words[index]
            guard word.hasPrefix("-") else {
                kept.append(word)
                index += 1
                continue
            }
            let name = word.prefix { $0 != "=" }
            guard let takesValue = flags[String(name)] else { break }
            let count = takesValue && name.count == word.count ? 2 : 1
            moved += words[index...].prefix(count)
            index += count
        }
        guard index < words.count else { return kept + moved }
        let rest = words[index...]
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return kept + rest[..<end] + moved + rest[end...]
    }
}
