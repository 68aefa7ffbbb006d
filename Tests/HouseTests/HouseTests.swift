// The rules of the house that a compiler does not know, held against every file of the repository.
//
// Each rule is one test over all files, so that a failure names the file, the line and the rule.

import Testing

/// A piece of text that must not stand in code, and why.
struct Forbidden: Sendable, CustomTestStringConvertible {
    let text: String
    let why: String
    var testDescription: String { text }
}

/// Whether `text` stands in a line as a word of its own: "print(" is not in "fingerprint(".
func stands(_ text: String, in line: Substring) -> Bool {
    line.ranges(of: text).contains { range in
        guard text.first?.isLetter == true, range.lowerBound > line.startIndex else { return true }
        let before = line[line.index(before: range.lowerBound)]
        return !before.isLetter && !before.isNumber && before != "_"
    }
}

@Suite("House rules")
struct HouseTests {
    @Test("files are found at all")
    func found() {
        #expect(Repository.product.count >= 12)
        #expect(Repository.scripts.contains { $0.path == "scripts/check" })
    }

    @Test("a file is at most 450 lines", arguments: Repository.code)
    func length(file: SourceFile) {
        #expect(file.lines.count <= 451, "\(file) has \(file.lines.count) lines")
    }

    @Test("a file opens with what it is for", arguments: Repository.code + Repository.scripts)
    func opening(file: SourceFile) {
        let first = file.lines.first { line in
            !line.isEmpty && !line.hasPrefix("#!") && !line.hasPrefix("// swift-tools-version")
        }
        let opens = ["// ", "/* ", "/// ", "# ", "\"\"\""].contains { first?.hasPrefix($0) ?? true }
        #expect(opens, "\(file) opens with: \(first ?? "")")
    }

    @Test(
        "what ends a process does not stand in the product",
        arguments: [
            Forbidden(text: "try!", why: "an error is handled or thrown on"),
            Forbidden(text: "fatalError", why: "nothing that input can reach may end the process"),
            Forbidden(text: "preconditionFailure", why: "nothing that input can reach may end the process"),
            Forbidden(text: " as! ", why: "a cast that fails is an answer"),
            Forbidden(text: "import Foundation", why: "Foundation costs 9 MiB and 3 ms a process"),
            Forbidden(text: "import Dispatch", why: "order is the control loop's"),
        ])
    func forbidden(rule: Forbidden) {
        for file in Repository.product {
            for (number, line) in file.code where line.contains(rule.text) {
                Issue.record("\(file):\(number) has \(rule.text): \(rule.why)")
            }
        }
    }

    @Test(
        "a pure target prints nothing, asks no clock and rolls no dice",
        arguments: ["print(", "ContinuousClock", "SystemRandomNumberGenerator", ".random(in", "Task {", "Task.sleep"])
    func pure(text: String) {
        let folders = ["JSON", "Routing", "Wire", "Mesh", "ManagementAPI"].map { "Sources/\($0)/" }
        for file in Repository.product where folders.contains(where: file.path.hasPrefix) {
            for (number, line) in file.code where stands(text, in: line) && !line.contains("using: &") {
                Issue.record("\(file):\(number) has \(text)")
            }
        }
    }

    @Test("a pure target has no global variable")
    func globals() {
        let folders = ["JSON", "Routing", "Wire", "Mesh", "ManagementAPI"].map { "Sources/\($0)/" }
        let openings = ["var ", "package var ", "private var ", "fileprivate var ", "nonisolated(unsafe)"]
        for file in Repository.product where folders.contains(where: file.path.hasPrefix) {
            for (number, line) in file.code
            where openings.contains(where: line.hasPrefix) && !line.hasSuffix("{") && !line.hasSuffix("}") {
                Issue.record("\(file):\(number): \(line)")
            }
        }
    }

    @Test("package is the widest access level", arguments: Repository.product)
    func access(file: SourceFile) {
        for (number, line) in file.code {
            let words = line.split(separator: " ")
            #expect(
                words.first != "public" && words.first != "open" || words.dropFirst().first?.hasPrefix("=") == true,
                "\(file):\(number): \(line)")
        }
    }

    @Test("no file knows the machine it was written on", arguments: Repository.code + Repository.scripts)
    func machine(file: SourceFile) {
        let names = ["wo" + "rk", "fa" + "rm", "ro" + "ot", "ho" + "me"].map { "/\($0)/" }
        for (index, line) in file.lines.enumerated() where names.contains(where: line.contains) {
            Issue.record("\(file):\(index + 1): \(line)")
        }
    }
}
