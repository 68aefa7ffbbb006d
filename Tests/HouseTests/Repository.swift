// The repository's own files, as the house tests read them.
//
// The root is found from this file's place. Build products, virtual environments and hidden folders are not walked.

import Foundation

/// One text file of the repository.
struct SourceFile: Sendable, CustomStringConvertible {
    /// Relative to the repository's root, with slashes.
    let path: String
    let text: String

    var description: String { path }
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    /// The lines that are not comments, each with its number.
    var code: [(number: Int, text: Substring)] {
        lines.enumerated().compactMap { index, line in
            let trimmed = line.drop(while: { $0 == " " })
            return trimmed.hasPrefix("//") || trimmed.hasPrefix("*") || trimmed.hasPrefix("#") ? nil : (index + 1, line)
        }
    }
}

enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every file under `folder` whose name ends in one of `endings`; generated protobuf code is left out.
    static func files(under folder: String, endings: [String]) -> [SourceFile] {
        let base = root.appendingPathComponent(folder)
        guard let walker = FileManager.default.enumerator(atPath: base.path) else { return [] }
        var found: [SourceFile] = []
        for case let name as String in walker {
            let parts = name.split(separator: "/")
            guard !parts.contains(where: { $0.hasPrefix(".") || $0 == "__pycache__" || $0 == "vendor" }) else {
                continue
            }
            guard endings.contains(where: name.hasSuffix), !name.hasSuffix(".pb.swift") else { continue }
            guard let text = try? String(contentsOf: base.appendingPathComponent(name), encoding: .utf8) else {
                continue
            }
            found.append(SourceFile(path: "\(folder)/\(name)", text: text))
        }
        return found.sorted { $0.path < $1.path }
    }

    /// Swift of the product: what is linked into a program.
    static let product = files(under: "Sources", endings: [".swift"]) + files(under: "web-cli", endings: [".swift"])
    /// Everything people write here that is code.
    static let code =
        product + files(under: "Sources", endings: [".c", ".h"]) + files(under: "Tests", endings: [".swift", ".py"])
        + files(under: "web-cli", endings: [".js"])
    /// Programs without an ending in their names.
    static let scripts = files(under: "scripts", endings: [""])
}
