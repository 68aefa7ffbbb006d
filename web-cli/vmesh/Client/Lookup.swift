// People type `b.vnet.example.com` or the first digits of an id as a table shows it; the API wants a name or all 64.

import JSON
import ManagementAPI

enum Lookup {
    /// Digits that a part of an id needs at least.
    static let minimumDigits = 6

    /// What a reference to an item comes to.
    enum Match: Equatable {
        /// No item's; the router shall say so.
        case none
        case one(JSONValue)
        /// The candidates, each with its name.
        case several([String])
    }

    /// Whether the text may be the beginning of an id: 6 to 63 lower-case hexadecimal digits (64 are an id).
    static func isPartOfID(_ text: String) -> Bool {
        (minimumDigits..<64).contains(text.utf8.count) && text.utf8.allSatisfy(isHexadecimal)
    }

    static func isWholeID(_ text: String) -> Bool { text.utf8.count == 64 && text.utf8.allSatisfy(isHexadecimal) }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) || (0x41...0x46).contains(byte)
    }

    /// Finds the item whose name this is (case does not count), else the one whose id begins so.
    static func find(_ text: String, among items: [JSONValue], nameKey: String) -> Match {
        let wanted = text.lowercased()
        if let named = items.first(where: { $0.raw(nameKey)?.lowercased() == wanted }) { return .one(named) }
        guard isPartOfID(text) || isWholeID(text) else { return .none }
        let found = items.filter { $0.raw("id")?.hasPrefix(wanted) == true }
        guard found.count > 1 else { return found.first.map(Match.one) ?? .none }
        return .several(found.map { "\($0.text(nameKey) ?? "?") \($0.text("id")?.prefix(16) ?? "")" }.sorted())
    }

    /// The peer that the API knows under this name, id or part of an id.
    /// - Returns: what to put into a path.
    static func peer(_ text: String, _ client: APIClient) throws(Failure) -> String {
        guard isPartOfID(text) else { return text }
        let items = try client.list(.listPeers, to: "find peer \(Escaping.line(text))").json.list("items")
        return try pick(text, find(text, among: items, nameKey: "name"), "peer")
    }

    /// The name under which a peer stands in the configuration, also for its id.
    static func peerName(_ text: String, _ client: APIClient) throws(Failure) -> String {
        guard isPartOfID(text) || isWholeID(text) else { return text }
        let items = try client.list(.listPeers, to: "find peer \(Escaping.line(text))").json.list("items")
        let match = find(text, among: items, nameKey: "name")
        if case .one(let item) = match { return item.raw("name") ?? text }
        return try pick(text, match, "peer")
    }

    /// The id of the certificate that this is the beginning of.
    static func certificate(_ text: String, _ client: APIClient) throws(Failure) -> String {
        guard !isWholeID(text) else { return text.lowercased() }
        let items = try client.list(.listCertificates, to: "find certificate \(Escaping.line(text))").json.list("items")
        return try pick(text, find(text, among: items, nameKey: "common_name"), "certificate")
    }

    private static func pick(_ text: String, _ match: Match, _ kind: String) throws(Failure) -> String {
        switch match {
        case .none: return text
        case .one(let item): return item.raw("id") ?? text
        case .several(let candidates):
            throw .usage(
                "\(kind) '\(Escaping.line(text))' is ambiguous: " + candidates.prefix(10).joined(separator: ", "))
        }
    }
}
