// Holds answers against the schemas of openapi.yaml: a reader of the YAML that this file is written in, and the few
// keywords of JSON Schema that it uses. Neither is general; what they do not know fails the test.

import Foundation
import JSON

/// openapi.yaml, ready to judge answers.
struct OpenAPISchema {
    struct Failure: Error { let what: String }

    let document: JSONValue

    static func text() throws -> String {
        var folder = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { folder.deleteLastPathComponent() }
        return try String(contentsOf: folder.appendingPathComponent("openapi.yaml"), encoding: .utf8)
    }

    static func load() throws -> OpenAPISchema {
        var reader = YAMLReader(try text())
        return OpenAPISchema(document: try reader.read())
    }

    /// What of the answer is not as described; empty: all is.
    func flaws(of value: JSONValue, answering operation: String, status: Int) -> [String] {
        for path in document["paths"]?.objectValue?.members ?? [] {
            for method in path.value.objectValue?.members ?? []
            where method.value["operationId"]?.stringValue == operation {
                guard let response = method.value["responses"]?[String(status)] else { return ["status \(status)"] }
                let content = resolve(response)["content"]?["application/json"]
                guard let schema = content?["schema"] else { return ["no schema"] }
                return flaws(value, schema, "")
            }
        }
        return ["no operation \(operation)"]
    }

    private func resolve(_ value: JSONValue) -> JSONValue {
        guard let reference = value["$ref"]?.stringValue else { return value }
        return reference.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] ?? .null }
    }

    private func flaws(_ value: JSONValue, _ reference: JSONValue, _ place: String) -> [String] {
        let schema = resolve(reference)
        if let choices = schema["oneOf"]?.arrayValue {
            let results = choices.map { flaws(value, $0, place) }
            return results.contains { $0.isEmpty } ? [] : results.first ?? []
        }
        var found: [String] = []
        let types =
            schema["type"]?.stringValue.map { [$0] } ?? schema["type"]?.arrayValue?.compactMap(\.stringValue) ?? []
        if !types.isEmpty, !types.contains(where: { Self.isOf($0, value) }) {
            return ["\(place) is \(value.typeName), not \(types.joined(separator: " or "))"]
        }
        if let text = value.stringValue {
            if let words = schema["x-extensible-enum"]?.arrayValue ?? schema["enum"]?.arrayValue,
                !words.contains(.string(text))
            {
                found.append("\(place): '\(text)' is no word of the list")
            }
            if let pattern = schema["pattern"]?.stringValue,
                text.range(of: pattern, options: .regularExpression) == nil
            {
                found.append("\(place): '\(text)' does not match \(pattern)")
            }
            if schema["format"]?.stringValue == "date-time",
                text.range(of: #"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"#, options: .regularExpression) == nil
            {
                found.append("\(place): '\(text)' is no time")
            }
        }
        if let number = value.doubleValue {
            if let least = schema["minimum"]?.doubleValue, number < least { found.append("\(place) < \(least)") }
            if let most = schema["maximum"]?.doubleValue, number > most { found.append("\(place) > \(most)") }
        }
        for (index, element) in (value.arrayValue ?? []).enumerated() {
            if let items = schema["items"] { found += flaws(element, items, "\(place)/\(index)") }
        }
        if let object = value.objectValue, let properties = schema["properties"]?.objectValue {
            for name in schema["required"]?.arrayValue ?? [] where object[name.stringValue ?? ""] == nil {
                found.append("\(place)/\(name.stringValue ?? "") is missing")
            }
            for member in object.members {
                if let property = properties[member.key] {
                    found += flaws(member.value, property, "\(place)/\(member.key)")
                } else if schema["additionalProperties"]?.boolValue != true {
                    // Stricter than the keyword: an answer says nothing that is not described.
                    found.append("\(place)/\(member.key) is not described")
                }
            }
        }
        return found
    }

    private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
        switch type {
        case "null": value.isNull
        case "string": value.stringValue != nil
        case "boolean": value.boolValue != nil
        case "integer": value.integerValue != nil
        case "number": value.doubleValue != nil
        case "array": value.arrayValue != nil
        case "object": value.objectValue != nil
        default: false
        }
    }
}

/// Block and flow collections, quoted and plain scalars, literal blocks; no anchors, tags or comments inside.
struct YAMLReader {
    private var lines: [(indent: Int, text: Substring)] = []
    private var index = 0

    init(_ text: String) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) where !line.hasPrefix("#") {
            lines.append((line.prefix { $0 == " " }.count, line.drop { $0 == " " }))
        }
    }

    mutating func read() throws -> JSONValue { try block(indent: 0) }

    private mutating func block(indent: Int) throws -> JSONValue {
        var object = JSONObject()
        var array: [JSONValue] = []
        var isArray = false
        while index < lines.count {
            let (column, text) = lines[index]
            if text.isEmpty {
                index += 1
                continue
            }
            guard column >= indent else { break }
            guard column == indent else { throw OpenAPISchema.Failure(what: "indent of: \(text)") }
            if text.hasPrefix("- ") {
                isArray = true
                // The element's own block begins two columns on.
                lines[index] = (column + 2, text.dropFirst(2))
                array.append(
                    Self.key(of: lines[index].text) == nil ? try scalar(indent: column) : try block(indent: column + 2))
                continue
            }
            guard !isArray, let key = Self.key(of: text) else { throw OpenAPISchema.Failure(what: "no key: \(text)") }
            lines[index].text = key.rest
            if !key.rest.isEmpty {
                object[key.name] = try scalar(indent: column)
            } else {
                index += 1
                let next = index < lines.count ? lines[index].indent : 0
                object[key.name] = try block(indent: max(next, column + 1))
            }
        }
        return isArray ? .array(array) : .object(object)
    }

    /// `name: rest` outside of flow collections and quotes.
    private static func key(of text: Substring) -> (name: String, rest: Substring)? {
        guard text.first != "{", text.first != "[" else { return nil }
        if text.first == "'" {
            guard let end = text.dropFirst().firstIndex(of: "'") else { return nil }
            let after = text[text.index(after: end)...]
            guard after.hasPrefix(":") else { return nil }
            return (String(text.dropFirst()[..<end]), after.dropFirst().drop { $0 == " " })
        }
        if text.hasSuffix(":"), !text.contains(" ") { return (String(text.dropLast()), "") }
        guard let range = text.firstRange(of: ": ") else { return nil }
        return (String(text[..<range.lowerBound]), text[range.upperBound...].drop { $0 == " " })
    }

    /// The value that begins on this line and may go on, deeper than `indent`.
    private mutating func scalar(indent: Int) throws -> JSONValue {
        var text = String(lines[index].text)
        index += 1
        let isLiteral = text.hasPrefix("|")
        while index < lines.count, lines[index].indent > indent || lines[index].text.isEmpty {
            if lines[index].text.isEmpty, !isLiteral, !text.hasPrefix("'") { break }
            text += (isLiteral ? "\n" : " ") + lines[index].text
            index += 1
        }
        if isLiteral { return .string(text) }
        var rest = Substring(text)
        return try flow(&rest, isInside: false)
    }

    private func flow(_ rest: inout Substring, isInside: Bool) throws -> JSONValue {
        rest = rest.drop { $0 == " " }
        switch rest.first {
        case "{":
            var object = JSONObject()
            rest.removeFirst()
            while true {
                rest = rest.drop { $0 == " " || $0 == "," }
                if rest.first == "}" { break }
                guard let name = try flow(&rest, isInside: true).stringValue, rest.first == ":" else {
                    throw OpenAPISchema.Failure(what: "flow map: \(rest)")
                }
                rest.removeFirst()
                object[name] = try flow(&rest, isInside: true)
            }
            rest.removeFirst()
            return .object(object)
        case "[":
            var array: [JSONValue] = []
            rest.removeFirst()
            while true {
                rest = rest.drop { $0 == " " || $0 == "," }
                if rest.first == "]" { break }
                array.append(try flow(&rest, isInside: true))
            }
            rest.removeFirst()
            return .array(array)
        case "'":
            var text = ""
            rest.removeFirst()
            while let character = rest.popFirst() {
                if character != "'" {
                    text.append(character)
                } else if rest.first == "'" {
                    text.append("'")
                    rest.removeFirst()
                } else {
                    return .string(text)
                }
            }
            throw OpenAPISchema.Failure(what: "a quote without an end")
        case nil: throw OpenAPISchema.Failure(what: "nothing where a value should be")
        default: break
        }
        var end = rest.endIndex
        if isInside {
            end = rest.indices.first { "]},".contains(rest[$0]) || rest[$0...].hasPrefix(": ") } ?? rest.endIndex
        }
        let text = String(rest[..<end])
        rest = rest[end...]
        return (try? JSONValue(parsing: Array(text.utf8), maximumBytes: 1 << 16)) ?? .string(text)
    }
}
