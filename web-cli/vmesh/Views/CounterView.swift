// Packets and bytes, and what was dropped and why.

import JSON

enum CounterView {
    static func traffic(_ counters: JSONValue) -> String {
        func both(_ direction: String) -> String {
            let packets = counters.int("\(direction)_packets") ?? 0
            return
                "\(direction) \(Units.bytes(counters.int("\(direction)_bytes") ?? 0)) (\(Units.count(packets)) packets)"
        }
        return "\(both("rx")), \(both("tx"))"
    }

    /// One line a reason that has dropped anything.
    static func drops(_ counters: JSONValue) -> [String] {
        counters.list("drops").filter { ($0.int("packets") ?? 0) > 0 }.map { drop in
            "\(drop.text("direction") ?? "?") \(drop.text("reason") ?? "?"): \(Units.count(drop.int("packets") ?? 0)) "
                + "packets, \(Units.bytes(drop.int("bytes") ?? 0))"
        }
    }

    /// All dropped packets together.
    static func dropped(_ counters: JSONValue?) -> Int64 {
        (counters?.list("drops") ?? []).reduce(0) { $0 &+ max(0, $1.int("packets") ?? 0) }
    }
}
