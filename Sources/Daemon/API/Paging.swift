// Lists in pages: `limit` items, and an opaque cursor that names the last one's key. A keyset survives churn: what is
// there before and after a page is neither skipped nor said twice, whatever comes and goes in between.
//
// A cursor is a position and nothing else: bytes in base64url, filled up with zeros to a multiple of three so that
// every text of whole groups of four is one. So there is no cursor that is well-formed and yet refused.

import JSON
import ManagementAPI
import Routing

struct Page {
    /// 1…1000; 200 unless asked.
    let limit: Int
    /// The key after which the page begins; nil: at the beginning.
    let after: [UInt8]?

    init(_ call: APICall) throws(Problem) {
        limit = Int(try call.integer("limit", in: 1...1000) ?? 200)
        guard let text = try call.text("cursor", length: 4...1024) else {
            after = nil
            return
        }
        guard text.utf8.count % 4 == 0, let bytes = Base64URL.decode(text) else {
            throw .parameter("cursor", "is not one that a list gave")
        }
        after = bytes
    }

    /// The position as a prefix: 16 bytes of address, one of length. Every position is one.
    var afterPrefix: Prefix? {
        guard let after else { return nil }
        let bytes = after + [UInt8](repeating: 0, count: max(0, 17 - after.count))
        guard let address = IPv6Address(bytes: bytes.prefix(16)) else { return nil }
        // Bits beyond the length never came from us; the address alone is position enough then.
        let prefix = Prefix(masking: address, length: min(Int(bytes[16]), 128))
        return prefix?.address == address ? prefix : Prefix(masking: address, length: 128)
    }

    /// A page of items by prefix that are sorted already, begin after the cursor, and of which one more than `limit`
    /// was asked.
    func answer<Item: JSONWritable>(_ items: [Item], eventID: String, prefix: (Item) -> Prefix) -> Answer {
        answer(items, eventID: eventID) { item in
            let prefix = prefix(item)
            return prefix.address.bytes + [UInt8(truncatingIfNeeded: prefix.length)]
        }
    }

    /// A page of a small list that is there whole: sorted by the bytes of its key, cut after the cursor.
    func answer<Item: JSONWritable>(sorting items: [Item], eventID: String, key: (Item) -> String) -> Answer {
        var keyed = items.map { (key: Array(key($0).utf8), item: $0) }
        keyed.sort { $0.key.lexicographicallyPrecedes($1.key) }
        if let after { keyed.removeAll { !Self.filled(after).lexicographicallyPrecedes(Self.filled($0.key)) } }
        return answer(keyed.prefix(limit + 1).map(\.item), eventID: eventID) { Array(key($0).utf8) }
    }

    private func answer<Item: JSONWritable>(_ items: [Item], eventID: String, key: (Item) -> [UInt8]) -> Answer {
        let page = Array(items.prefix(limit))
        // 768 bytes are 1,024 characters; no name is that long.
        let next =
            items.count > limit ? page.last.map { Base64URL.encode(Self.filled(Array(key($0).prefix(768)))) } : nil
        return .json(.object(["items": page.json, "next_cursor": next.json, "event_id": eventID.json]))
    }

    private static func filled(_ key: [UInt8]) -> [UInt8] {
        key + [UInt8](repeating: 0, count: (3 - key.count % 3) % 3)
    }
}
