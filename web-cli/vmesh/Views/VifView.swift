// Virtual interfaces and announcements.

import JSON

enum VifView {
    static func list(_ items: [JSONValue], _ style: Style) -> String {
        var table = Table(["NAME", "TYPE", "DEVICE", "MTU", "ADDRESSES", "RX", "TX", "DROPPED", "NOTE"])
        for vif in items {
            let isUp = vif.flag("up") == true
            let hasError = vif.at("last_error") != nil
            table.add(
                hasError && !isUp ? .trouble : isUp ? .good : .absent,
                [
                    vif.text("name") ?? "?", vif.text("config", "type") ?? "?", vif.text("device") ?? "-",
                    vif.int("mtu_bytes").map { "\($0)" } ?? "-", addresses(vif),
                    vif.int("counters", "rx_bytes").map(Units.bytes) ?? "-",
                    vif.int("counters", "tx_bytes").map(Units.bytes) ?? "-",
                    Units.count(CounterView.dropped(vif.at("counters"))), vif.text("last_error", "detail") ?? "",
                ])
        }
        return table.text(style)
    }

    private static func addresses(_ vif: JSONValue) -> String {
        let all = vif.texts("config", "addresses")
        return all.isEmpty ? "-" : all.joined(separator: " ")
    }

    static func one(_ vif: JSONValue, _ style: Style) -> String {
        var sheet = Sheet()
        sheet.add("name", vif.text("name"))
        sheet.add("state", vif.flag("up") == true ? "up" : "down")
        sheet.add("type", vif.text("config", "type"))
        sheet.add("device", vif.text("device"))
        sheet.add("service", vif.text("config", "service_name"))
        sheet.add("socket", vif.text("config", "service_address"))
        sheet.add("MTU", vif.int("mtu_bytes").map { "\($0)" })
        sheet.add("addresses", lines: vif.texts("config", "addresses"))
        sheet.add("traffic", vif.at("counters").map(CounterView.traffic))
        sheet.add("drops", lines: vif.at("counters").map(CounterView.drops) ?? [])
        sheet.add("last error", vif.at("last_error").map { PeerView.lastError($0, style) })
        return sheet.text(style)
    }
}

enum AnnounceView {
    static func list(_ items: [JSONValue], _ style: Style) -> String {
        var table = Table(["PREFIX", "VIF"])
        for item in items { table.add(nil, [item.text("prefix") ?? "?", vif(item)]) }
        return table.text(style)
    }

    static func one(_ item: JSONValue, _ style: Style) -> String {
        var sheet = Sheet()
        sheet.add("prefix", item.text("prefix"))
        sheet.add("vif", vif(item))
        return sheet.text(style)
    }

    private static func vif(_ item: JSONValue) -> String { item.text("vif") ?? "- (discarded)" }
}
