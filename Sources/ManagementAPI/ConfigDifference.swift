// The differences between two configurations, as an answer lists them and as effects are planned from.
//
// Parts that have a name are compared by name: `/peers/b.vnet.example.com/udp`, not `/peers/3/udp`, so that a person
// and a script understand the pointer, and so that order is no difference.

import JSON

extension NodeConfig {
    /// What turns `self` into `other`: removals, then replacements and additions, each part in its own order.
    package func differences(to other: NodeConfig) -> [ChangeBody] {
        var changes = Self.compare(
            plain(without: Self.named), other.plain(without: Self.named), at: .root)
        for (key, left, right) in Self.tables(self, other) {
            changes += Self.compare(.object(left), .object(right), at: JSONPointer.root.appending(key))
        }
        return changes
    }

    /// The parts that are compared by the name of their elements.
    private static let named = ["peers", "local_announcements", "blocked_peers", "vifs"]

    private func plain(without keys: [String]) -> JSONValue {
        guard let object = json.objectValue else { return .object([:]) }
        return .object(object.filter { !keys.contains($0.key) })
    }

    private static func tables(
        _ left: NodeConfig, _ right: NodeConfig
    ) -> [(key: String, left: JSONObject, right: JSONObject)] {
        [
            ("peers", table(left.peers) { Name.folded($0.name) }, table(right.peers) { Name.folded($0.name) }),
            (
                "local_announcements", table(left.announcements) { $0.prefix.description },
                table(right.announcements) { $0.prefix.description }
            ),
            (
                "blocked_peers", table(left.blockedPeers) { $0.id.description },
                table(right.blockedPeers) { $0.id.description }
            ),
            ("vifs", table(left.vifs, by: \.name), table(right.vifs, by: \.name)),
        ]
    }

    private static func table<Element: JSONWritable>(_ elements: [Element], by key: (Element) -> String) -> JSONObject {
        JSONObject(elements.map { (key($0), $0.json) })
    }

    /// Objects are compared member by member, anything else as a whole.
    private static func compare(_ left: JSONValue, _ right: JSONValue, at pointer: JSONPointer) -> [ChangeBody] {
        guard left != right else { return [] }
        guard let old = left.objectValue, let new = right.objectValue else {
            return [ChangeBody(.replace, "\(pointer)", from: left, to: right)]
        }
        var changes: [ChangeBody] = []
        for member in old.members where !new.contains(member.key) {
            changes.append(ChangeBody(.remove, "\(pointer.appending(member.key))", from: member.value))
        }
        for member in new.members {
            let place = pointer.appending(member.key)
            if let before = old[member.key] {
                changes += compare(before, member.value, at: place)
            } else {
                changes.append(ChangeBody(.add, "\(place)", to: member.value))
            }
        }
        return changes
    }
}
