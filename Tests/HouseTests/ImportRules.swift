// Who may import whom: the walls of the house, as a table.
//
// The package manifest lists what a target links; this table also holds the system's modules against it, which the
// manifest cannot: a pure target has no clock, no randomness and no input or output, so it imports no C library.

import Testing

/// What a target is for, which decides what of the system it may see.
private enum Tier {
    /// The standard library and what the table names, nothing else.
    case pure
    /// Bytes in, bytes and events out.
    case engine
    /// Touches Linux, or wires what does.
    case system

    var modules: Set<String> {
        switch self {
        case .pure: []
        case .engine: ["Glibc", "Synchronization"]
        case .system: ["Glibc", "Synchronization"]
        }
    }
}

private let collections: Set<String> = [
    "Collections", "OrderedCollections", "DequeModule", "HeapModule", "HashTreeCollections", "BitCollections",
]

private let table: [(folder: String, tier: Tier, imports: Set<String>)] = [
    ("Sources/JSON", .pure, []),
    ("Sources/Routing", .pure, collections),
    ("Sources/Wire", .pure, ["JSON", "Routing", "SwiftProtobuf"]),
    ("Sources/Mesh", .pure, ["Routing", "Wire"]),
    ("Sources/TLS", .engine, ["COpenSSL"]),
    ("Sources/HTTP", .engine, ["CNghttp2"]),
    ("Sources/Platform", .system, ["CLinux"]),
    ("Sources/ManagementAPI", .pure, ["JSON", "Routing"]),
    (
        "Sources/Daemon", .system,
        ["JSON", "Routing", "Wire", "Mesh", "TLS", "HTTP", "Platform", "ManagementAPI", "Logging"]
    ),
    ("Sources/vmeshd", .system, ["Daemon"]),
    ("Sources/vnconfigsign", .system, ["JSON", "Wire", "TLS", "Platform", "ArgumentParser"]),
    ("web-cli/vmesh", .system, ["JSON", "ManagementAPI", "HTTP", "TLS", "Platform", "ArgumentParser"]),
]

/// The module that an import line names, whatever stands before and after it; nil for any other line.
func importedModule(_ line: Substring) -> String? {
    var words = line.split(separator: " ").filter { !$0.hasPrefix("@") }
    if let first = words.first, ["public", "package", "internal", "private", "fileprivate"].contains(first) {
        words.removeFirst()
    }
    guard words.first == "import", words.count > 1 else { return nil }
    let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
    return String(name.prefix(while: { $0 != "." && $0 != ";" }))
}

@Suite("Import rules")
struct ImportRules {
    @Test("a target imports what the table lets it", arguments: Repository.product)
    func allowed(file: SourceFile) throws {
        let row = try #require(
            table.first { file.path.hasPrefix($0.folder + "/") }, "\(file): in no target of the table")
        for (number, line) in file.code {
            guard let module = importedModule(line) else { continue }
            #expect(
                row.imports.union(row.tier.modules).contains(module),
                "\(file):\(number) imports \(module), which \(row.folder) may not")
        }
    }

    @Test(
        "the scan reads every way to write an import",
        arguments: [
            ("import Glibc", "Glibc"), ("@testable import Mesh", "Mesh"), ("package import Routing", "Routing"),
            ("import struct Foundation.Data", "Foundation"), ("@preconcurrency import Dispatch", "Dispatch"),
            ("let imported = 1", nil), ("// import Glibc is not one", nil),
        ] as [(String, String?)])
    func scan(line: String, module: String?) {
        #expect(importedModule(line[...]) == module)
    }
}
