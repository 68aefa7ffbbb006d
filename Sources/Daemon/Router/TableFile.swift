// v1's `-table FILE`: the routing table as text for people, written anew every 10 s.

import Mesh
import Platform
import Routing

struct TableFile {
    /// Microseconds between two writings.
    static let interval: Int64 = 10_000_000
    /// Prefixes written at most; the API lists them all.
    static let maximumRoutes = 100_000
    let path: String

    func write(_ node: Node) throws(PlatformError) {
        var text = "PREFIX  NEXT HOP  LATENCY  PATH\n"
        var place: Prefix?
        var count = 0
        repeat {
            let page = node.routes(after: place, limit: 1000) { $0.selected != nil }
            for route in page.routes {
                guard let selected = route.selected else { continue }
                let hop = selected.local.map { $0 == .discard ? "discard" : "local" } ?? selected.peerName ?? "?"
                let latency = selected.cost.map { "\(($0 + 999) / 1000) ms" } ?? "-"
                let ids = selected.path.map { node.name(of: $0.id) ?? String("\($0.id)".prefix(8)) }
                text += "\(route.prefix)  \(hop)  \(latency)  \(ids.joined(separator: " "))\n"
                count += 1
            }
            place = page.next
        } while place != nil && count < Self.maximumRoutes
        try Files.write(path, Array(text.utf8), mode: 0o644)
    }
}
