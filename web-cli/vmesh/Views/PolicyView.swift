// The distributed config: what it says, what an upload changes, who has it.

import JSON

enum PolicyView {
    /// Lines of a plan's lists that are printed; the rest is counted.
    private static let maximumLines = 20

    static func one(_ policy: JSONValue, _ style: Style) -> String {
        var sheet = head(policy, style)
        sheet.add("adopted", Moment.relative(policy.raw("adopted_at"), now: style.now) ?? "no")
        sheet.add("from", source(policy))
        sheet.add("warnings", lines: policy.texts("warnings"))
        guard let content = policy.at("content") else { return sheet.text(style) }
        return sheet.text(style) + Escaping.json(content.text(pretty: true)) + "\n"
    }

    private static func head(_ policy: JSONValue, _ style: Style) -> Sheet {
        var sheet = Sheet()
        sheet.add("hash", policy.text("hash"))
        sheet.add("issued", policy.raw("issued_at").map(Moment.minute))
        let left = expiry(policy.raw("expires_at"), style).map { ", \($0)" } ?? ""
        sheet.add("expires", policy.raw("expires_at").map { Moment.minute($0) + left })
        let subject = policy.text("signer", "subject").flatMap { $0.isEmpty ? nil : $0 }
        sheet.add("signer", subject ?? policy.text("signer", "id"))
        sheet.add("size", policy.int("size_bytes").map(Units.bytes))
        return sheet
    }

    private static func source(_ policy: JSONValue) -> String? {
        guard let kind = policy.text("source", "kind") else { return nil }
        return policy.at("source", "peer").map { "\(kind) \(RouteView.node($0))" } ?? kind
    }

    static func plan(_ plan: JSONValue, _ style: Style) -> String {
        let isDry = plan.flag("dry_run") == true
        var text = plan.at("candidate").map { head($0, style).text(style) } ?? ""
        if plan.flag("valid") == false {
            text += "not valid\n"
        } else if plan.flag("changed") == true {
            text += isDry ? "would be put in force\n" : "in force\n"
        } else {
            text += plan.flag("newer") == false ? "nothing to change: not newer\n" : "nothing to change\n"
        }
        text += lines(plan.texts("added"), .added, style)
        text += lines(plan.texts("removed"), .removed, style)
        let verb = isDry ? "would be " : ""
        text += lines(plan.texts("routes_newly_rejected").map { "\($0)  route \(verb)rejected" }, .refused, style)
        text += lines(plan.texts("routes_newly_accepted").map { "\($0)  route \(verb)accepted" }, .good, style)
        if plan.flag("self_affected") == true { text += "! what this router itself may announce changes\n" }
        return text
    }

    private static func lines(_ texts: [String], _ mark: Mark, _ style: Style) -> String {
        var table = Table()
        for text in texts.prefix(maximumLines) { table.add(mark, [text]) }
        let more = texts.count - maximumLines
        return table.text(style) + (more > 0 ? "  and \(more) more\n" : "")
    }

    static func peers(_ items: [JSONValue], _ style: Style) -> String {
        var table = Table(["PEER", "STATUS", "HASH", "ISSUED", "SENT", "RECEIVED"])
        for item in items {
            func ago(_ key: String) -> String { Moment.relative(item.raw("sync", key), now: style.now) ?? "-" }
            let status = item.text("sync", "status") ?? "?"
            table.add(
                status == "in_sync" ? .good : .absent,
                [
                    item.at("peer").map(RouteView.node) ?? "?", status.replacing("_", with: " "),
                    shortID(item.text("sync", "hash")), item.raw("sync", "issued_at").map(Moment.minute) ?? "-",
                    ago("last_sent_at"), ago("last_received_at"),
                ])
        }
        return table.text(style)
    }

    static func check(_ answer: JSONValue, _ style: Style) -> String {
        let verdict = answer.flag("allowed") == true ? "allowed" : "not allowed"
        let reason = answer.text("reason", "detail") ?? answer.text("reason", "code") ?? ""
        return "\(verdict): \(reason)\n"
    }
}
