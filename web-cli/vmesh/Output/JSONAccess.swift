// Short ways into an answer's JSON. Text comes out safe to print; what is absent or null is nil.

import JSON

extension JSONValue {
    /// What stands at that path of members; nil where nothing does, or null.
    func at(_ path: String...) -> JSONValue? { at(path) }

    private func at(_ path: [String]) -> JSONValue? {
        var value: JSONValue? = self
        for key in path { value = value?[key] }
        return value?.isNull == false ? value : nil
    }

    /// A string, escaped for one line.
    func text(_ path: String...) -> String? { at(path)?.stringValue.map(Escaping.line) }

    /// A string as it was sent: to compare or to send back, never to print.
    func raw(_ path: String...) -> String? { at(path)?.stringValue }

    func int(_ path: String...) -> Int64? { at(path)?.integerValue }

    func double(_ path: String...) -> Double? { at(path)?.doubleValue }

    func flag(_ path: String...) -> Bool? { at(path)?.boolValue }

    func list(_ path: String...) -> [JSONValue] { at(path)?.arrayValue ?? [] }

    /// The strings of a list, each escaped.
    func texts(_ path: String...) -> [String] {
        (at(path)?.arrayValue ?? []).compactMap { $0.stringValue.map(Escaping.line) }
    }
}
