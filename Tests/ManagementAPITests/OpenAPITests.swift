// The table of operations and the problem codes against openapi.yaml, both ways.
//
// The document is read by a scanner of lines, not by a YAML parser: it is written by the rules that the scanner needs
// (two spaces a level; one line for scalars and short lists), and a file that breaks them fails here.

import Foundation
import Testing

@testable import ManagementAPI

/// What the scanner finds of one operation.
private struct Described {
    var id = ""
    var role = ""
    var stage = ""
    var cli = ""
    var query: Set<String> = []
    var parameters: Set<String> = []
    var bodyTypes: [String] = []
    var statuses: Set<String> = []
    var answerTypes: [String] = []
}

private enum Document {
    static let text: String = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("openapi.yaml")
        return (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    }()

    static let lines = text.split(separator: "\n", omittingEmptySubsequences: false)

    /// `METHOD path` → operation.
    static let operations: [String: Described] = {
        var found: [String: Described] = [:]
        var path = ""
        var key = ""
        var section = ""
        var status = ""
        for line in lines.drop(while: { $0 != "paths:" }).dropFirst() {
            let indent = line.prefix { $0 == " " }.count
            let word = line.dropFirst(indent)
            if indent == 0, !line.isEmpty { break }
            switch indent {
            case 2: path = String(word.dropLast())
            case 4:
                key = word.dropLast().uppercased() + " " + path
                found[key] = Described()
            case 6:
                section = String(word.prefix { $0 != ":" })
                let value = word.drop { $0 != ":" }.dropFirst().drop { $0 == " " }
                switch section {
                case "operationId": found[key]?.id = String(value)
                case "x-vmesh-role": found[key]?.role = String(value)
                case "x-vmesh-stage": found[key]?.stage = String(value)
                case "x-vmesh-cli": found[key]?.cli = String(value)
                default: break
                }
            default: read(word, indent, section, &status, into: &found[key, default: Described()])
            }
        }
        return found
    }()

    private static func read(
        _ word: Substring, _ indent: Int, _ section: String, _ status: inout String, into operation: inout Described
    ) {
        switch (section, indent) {
        case ("parameters", 8):
            if let name = between(word, "#/components/parameters/", "'") {
                if !name.hasPrefix("if_") { operation.query.insert(name) }
            } else if let name = between(word, "- name: ", nil) {
                operation.parameters.insert(name)
            }
        case ("parameters", 10):
            if word == "in: query", let name = operation.parameters.popFirst() { operation.query.insert(name) }
            if word == "in: path" { operation.parameters.removeAll() }
        case ("requestBody", 10): operation.bodyTypes.append(String(word.dropLast()))
        case ("responses", 8):
            status = between(word, "'", "'") ?? ""
            operation.statuses.insert(status)
        case ("responses", 12):
            if status.hasPrefix("20"), word.hasSuffix(":"), word.contains("/") {
                let type = String(word.dropLast())
                if !operation.answerTypes.contains(type) { operation.answerTypes.append(type) }
            }
        default: break
        }
    }

    static func between(_ text: Substring, _ start: String, _ end: Character?) -> String? {
        guard let range = text.firstRange(of: start) else { return nil }
        let rest = text[range.upperBound...]
        guard let end else { return String(rest) }
        return String(rest.prefix { $0 != end })
    }
}

@Suite("openapi.yaml")
struct OpenAPITests {
    @Test("every operation of the table is described, and nothing else is")
    func bothWays() {
        let table = Set(ManagementAPI.Operation.allCases.map { "\($0.method.rawValue) \($0.path)" })
        #expect(table.count == ManagementAPI.Operation.allCases.count, "two operations share method and path")
        #expect(Set(Document.operations.keys) == table)
    }

    @Test("an operation is described as the table has it", arguments: ManagementAPI.Operation.allCases)
    func details(operation: ManagementAPI.Operation) throws {
        let described = try #require(Document.operations["\(operation.method.rawValue) \(operation.path)"])
        #expect(described.id == operation.rawValue)
        #expect(described.role == operation.role?.rawValue ?? "none")
        #expect(described.stage == operation.stage)
        #expect(described.cli.hasPrefix("vmesh "))
        #expect(described.query == Set(operation.query))
        #expect(described.bodyTypes == operation.requestBody.mediaTypes)
        #expect(described.answerTypes == operation.responseTypes)
        #expect(described.statuses.isSuperset(of: ["400", "403", "406", "500", "503"]))
        #expect(described.statuses.contains("401") == (operation.role != nil))
        #expect(described.statuses.contains("429") == (operation.role != nil))
        #expect(described.statuses.contains("415") == (operation.requestBody != .none))
        #expect(described.statuses.contains("404") || !operation.path.contains("{") || operation.method == .put)
    }

    @Test("every problem code is listed, in order, and nothing else is")
    func problemCodes() throws {
        let first = try #require(Document.lines.firstIndex { $0 == "    Problem:" })
        let start = try #require(Document.lines[first...].firstIndex { $0.contains("x-extensible-enum:") })
        var text = ""
        for line in Document.lines[start...] {
            text += line
            if line.hasSuffix("]") { break }
        }
        let list = Document.between(Substring(text), "[", "]") ?? ""
        let codes = list.split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init)
        #expect(codes == ProblemCode.allCases.map(\.rawValue))
    }

    @Test("every code has a status, a title and a page", arguments: ProblemCode.allCases)
    func pages(code: ProblemCode) {
        #expect((400...599).contains(code.status))
        #expect(!code.title.isEmpty && code.title.count < 60)
        #expect(code.explanation.count > 20 && code.explanation.hasSuffix("."))
    }

    @Test("integers are bounded, so that 2^63 is refused and not nonsense")
    func bounded() {
        var found = 0
        for (index, line) in Document.lines.enumerated()
        where line.contains("type: integer") || line.contains("[integer") {
            found += 1
            let near = Document.lines[index..<min(index + 5, Document.lines.count)].joined()
            #expect(near.contains("maximum:"), "line \(index + 1) has no bound")
        }
        #expect(found > 20)
    }
}
