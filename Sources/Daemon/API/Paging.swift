// Lists in pages: `limit` items, and an opaque cursor that names the last one's key. A keyset survives churn: what is
// there before and after a page is neither skipped nor said twice, whatever comes and goes in between.

import JSON
import ManagementAPI
import Routing

struct Page {
    /// 1…1000; 200 unless asked.
    let limit: Int
    /// The key after which the page begins; nil: at the beginning.
    let after: String?
    private let operation: Operation

    init(_ call: APICall) throws(Problem) {
        operation = call.operation
        limit = Int(try call.integer("limit", in: 1...1000) ?? 200)
        guard let text = try call.text("cursor", length: 1...512) else {
            after = nil
            return
        }
        // The operation stands in the cursor: one of another list is an error, not a strange page.
        let mark = operation.rawValue + "|"
        guard let bytes = Base64URL.decode(text), let key = String(validating: bytes, as: UTF8.self),
            key.hasPrefix(mark)
        else { throw .parameter("cursor", "is not one that this list gave") }
        after = String(key.dropFirst(mark.count))
    }

    /// The cursor's key as a prefix.
    func afterPrefix() throws(Problem) -> Prefix? {
        guard let after else { return nil }
        guard let prefix = try? Prefix(parsing: after) else {
            throw .parameter("cursor", "is not one that this list gave")
        }
        return prefix
    }

    /// A page of items that are sorted already, begin after the cursor, and of which one more than `limit` was asked.
    func answer<Item: JSONWritable>(_ items: [Item], eventID: String, key: (Item) -> String) -> Answer {
        let page = Array(items.prefix(limit))
        let next = items.count > limit ? page.last.map { cursor(key($0)) } : nil
        return .json(.object(["items": page.json, "next_cursor": next.json, "event_id": eventID.json]))
    }

    /// A page of a small list that is there whole: sorted by key (bytes), cut after the cursor.
    func answer<Item: JSONWritable>(sorting items: [Item], eventID: String, key: (Item) -> String) -> Answer {
        var keyed = items.map { (key: key($0), item: $0) }
        keyed.sort { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
        if let after {
            let bytes = Array(after.utf8)
            keyed.removeAll { !bytes.lexicographicallyPrecedes(Array($0.key.utf8)) }
        }
        return answer(keyed.prefix(limit + 1).map(\.item), eventID: eventID, key: key)
    }

    private func cursor(_ key: String) -> String { Base64URL.encode(Array("\(operation.rawValue)|\(key)".utf8)) }
}
