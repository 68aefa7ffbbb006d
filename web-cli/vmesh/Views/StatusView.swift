// The router as a whole, in five lines.

import JSON

enum StatusView {
    /// - Parameter sync: the items of the policy's peer list, where it could be read.
    static func status(_ json: JSONValue, sync: [JSONValue]?, _ style: Style) -> String {
        var table = Table()
        let up = Units.duration(seconds: json.int("uptime_seconds") ?? 0)
        table.add(
            nil,
            [
                "router",
                "\(json.text("node", "name") ?? "?")  \(shortID(json.text("node", "id")))",
                "up \(up)",
                "version \(json.text("version") ?? "?"), API \(json.text("api_version") ?? "?")",
            ])
        table.add(nil, ["health", health(json)])
        table.add(nil, ["peers", peers(json), "routes", routes(json)])
        table.add(nil, ["config", json.at("config").map(ConfigView.summary) ?? "-"])
        table.add(nil, ["policy", policy(json, sync: sync)])
        return columns(table, style)
    }

    /// The third column stands where the short lines leave room for it; long lines run over it.
    private static func columns(_ table: Table, _ style: Style) -> String {
        let left = 11
        let second = table.rows.filter { $0.cells.count > 2 }.map { Table.width($0.cells[1]) }.max() ?? 0
        let third = table.rows.filter { $0.cells.count > 3 }.map { Table.width($0.cells[2]) }.max() ?? 0
        var text = ""
        for row in table.rows {
            var line = pad(row.cells[0], left) + "  "
            for (index, cell) in row.cells.enumerated().dropFirst() {
                let isLast = index == row.cells.count - 1
                line += isLast ? cell : pad(cell, index == 1 ? second : third) + (index == 1 ? "    " : "  ")
            }
            text += line + "\n"
        }
        return text
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - Table.width(text)))
    }

    private static func health(_ json: JSONValue) -> String {
        let status = json.text("health", "status") ?? "?"
        let troubles = json.list("health", "checks").filter { $0.raw("status") != "ok" }.map(trouble)
        return troubles.isEmpty ? status : "\(status): \(troubles.joined(separator: "; "))"
    }

    private static func trouble(_ check: JSONValue) -> String {
        let name = (check.text("name") ?? "?").replacing("_", with: " ")
        return check.text("detail").map { "\(name) \($0)" } ?? name
    }

    private static func peers(_ json: JSONValue) -> String {
        let (up, down) = (json.int("peers", "up") ?? 0, json.int("peers", "down") ?? 0)
        return "\(up) of \(up &+ down) up, \(json.int("peers", "inbound") ?? 0) inbound"
    }

    private static func routes(_ json: JSONValue) -> String {
        func number(_ key: String) -> Int64 { json.int("routes", key) ?? 0 }
        return "\(number("selected")) selected of \(number("prefixes")), \(number("rejected")) rejected, "
            + "\(number("local")) local"
    }

    private static func policy(_ json: JSONValue, sync: [JSONValue]?) -> String {
        guard let policy = json.at("distributed_config") else { return "none" }
        var text = shortID(policy.text("hash"))
        if let issued = policy.raw("issued_at") { text += ", issued \(Moment.minute(issued))" }
        guard let sync, !sync.isEmpty else { return text }
        let count = sync.count { $0.raw("sync", "status") == "in_sync" }
        let unknown = sync.count { $0.raw("sync", "status") == "unknown" }
        return text + "    \(count) of \(sync.count) peers in sync" + (unknown > 0 ? ", \(unknown) unknown" : "")
    }

    static func whoami(_ json: JSONValue, _ style: Style) -> String {
        var sheet = Sheet()
        sheet.add("role", json.text("role"))
        sheet.add("method", json.text("method"))
        sheet.add("subject", json.text("subject"))
        sheet.add("expires", Moment.relative(json.raw("expires_at"), now: style.now))
        return sheet.text(style)
    }

    static func health(_ json: JSONValue, _ style: Style) -> String {
        var text = (json.text("status") ?? "?") + "\n"
        var table = Table()
        for check in json.list("checks") {
            let mark: Mark =
                switch check.raw("status") {
                case "ok": .good
                case "warn": .trouble
                default: .refused
                }
            table.add(mark, [check.text("name") ?? "?", check.text("status") ?? "?", check.text("detail") ?? ""])
        }
        text += table.text(style)
        return text
    }
}

/// The first eight digits of an id, enough to tell one from another by eye.
func shortID(_ id: String?) -> String { id.map { String($0.prefix(8)) } ?? "-" }
