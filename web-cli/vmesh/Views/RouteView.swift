// Routes with their candidates, look-ups, the FIB.

import JSON

enum RouteView {
    static func list(_ items: [JSONValue], _ style: Style) -> String {
        var table = Table(["PREFIX", "VIA", "LATENCY", "HOPS", "UPDATED", "OTHERS", "REASON"])
        for route in items {
            let candidates = route.list("candidates")
            guard let selected = route.at("selected") else {
                table.add(
                    .absent,
                    [route.text("prefix") ?? "?", "-", "-", "-", "-", "\(candidates.count)", unused(candidates)])
                continue
            }
            let others = max(0, candidates.count - 1)
            table.add(
                .good,
                [
                    route.text("prefix") ?? "?", via(selected), latency(selected), hops(selected),
                    Moment.relative(selected.raw("updated_at"), now: style.now) ?? "-", others > 0 ? "\(others)" : "-",
                    words(selected.text("reason", "code")),
                ])
        }
        return table.text(style)
    }

    /// Why nothing is selected, where there is one reason.
    private static func unused(_ candidates: [JSONValue]) -> String {
        guard let reason = candidates.first?.text("reason", "code") else { return "" }
        return candidates.allSatisfy { $0.text("reason", "code") == reason } ? words(reason) : "several reasons"
    }

    private static func words(_ code: String?) -> String { code?.replacing("_", with: " ") ?? "" }

    static func via(_ candidate: JSONValue) -> String {
        if let peer = candidate.at("peer") { return node(peer) }
        if let vif = candidate.text("vif") { return "vif \(vif)" }
        return candidate.raw("source") == "local" ? "discard" : "-"
    }

    static func node(_ peer: JSONValue) -> String { peer.text("name") ?? shortID(peer.text("id")) }

    private static func latency(_ candidate: JSONValue) -> String {
        candidate.int("latency_ms").map { "\($0) ms" } ?? "-"
    }

    private static func hops(_ candidate: JSONValue) -> String {
        let count = candidate.list("path").count
        return count == 1 ? "1 hop" : "\(count) hops"
    }

    static func one(_ route: JSONValue, _ style: Style) -> String {
        var table = Table()
        for candidate in route.list("candidates") {
            let status = candidate.raw("status")
            let mark: Mark = status == "selected" ? .chosen : status == "rejected" ? .refused : .none
            var cells = [
                via(candidate), latency(candidate), hops(candidate),
                Moment.relative(candidate.raw("updated_at"), now: style.now) ?? "-",
            ]
            if style.isWide { cells.append(candidate.list("path").map(node).joined(separator: " > ")) }
            table.add(mark, cells + [verdict(candidate)])
        }
        return (route.text("prefix") ?? "?") + "\n" + table.text(style)
    }

    /// `hysteresis: c offers 27 ms …`, `alternate: within_hysteresis`, `rejected: not_whitelisted (…)`.
    private static func verdict(_ candidate: JSONValue) -> String {
        let code = candidate.text("reason", "code") ?? "?"
        let detail = candidate.text("reason", "detail").flatMap { $0.isEmpty ? nil : $0 }
        guard let status = candidate.text("status"), status != "selected" else {
            return detail.map { "\(code): \($0)" } ?? code
        }
        return detail.map { "\(status): \(code) (\($0))" } ?? "\(status): \(code)"
    }

    static func lookup(_ answer: JSONValue, _ style: Style) -> String {
        let address = answer.text("address") ?? "?"
        var text = "\(address)  no route\n"
        if let match = answer.at("match") {
            text = "\(address)  \(target(match))  by \(match.text("prefix") ?? "?")\n"
        }
        var table = Table()
        for step in answer.list("considered") {
            let code = step.text("reason", "code") ?? "?"
            let detail = step.text("reason", "detail").flatMap { $0.isEmpty ? nil : $0 }
            table.add(
                step.flag("used") == true ? .chosen : Mark.none,
                [step.text("prefix") ?? "?", detail.map { "\(code): \($0)" } ?? code])
        }
        return text + table.text(style)
    }

    private static func target(_ entry: JSONValue) -> String {
        switch entry.raw("action") {
        case "forward": "to \(entry.at("peer").map(node) ?? "?")"
        case "deliver": "to vif \(entry.text("vif") ?? "?")"
        case "discard": "discarded"
        default: entry.text("action") ?? "?"
        }
    }

    static func fib(_ items: [JSONValue], _ style: Style) -> String {
        var table = Table(["PREFIX", "ACTION", "TO", "INSTALLED"])
        for entry in items {
            let to = entry.at("peer").map(node) ?? entry.text("vif") ?? "-"
            table.add(
                nil,
                [
                    entry.text("prefix") ?? "?", entry.text("action") ?? "?", to,
                    Moment.relative(entry.raw("installed_at"), now: style.now) ?? "-",
                ])
        }
        return table.text(style)
    }
}
