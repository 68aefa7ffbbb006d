// The configuration's state, and what a change changed.

import JSON

enum ConfigView {
    /// In one line, what needs doing in capitals.
    static func summary(_ config: JSONValue) -> String {
        var text = "revision \(config.int("revision") ?? 0)"
        if let pending = config.at("pending"), let id = pending.text("confirm_id") {
            return text + ", NOT CONFIRMED: reverts unless `vmesh config confirm \(id)`"
        }
        if config.flag("file_changed_on_disk") == true {
            text += ", FILE CHANGED: `vmesh config reload` takes it"
        } else if config.flag("running_matches_file") == false {
            text += ", NOT SAVED: lost at the next start"
        } else if config.at("file") != nil {
            text += ", saved"
        }
        return text
    }

    static func status(_ config: JSONValue, _ style: Style) -> String {
        var sheet = Sheet()
        sheet.add("state", summary(config))
        let ago = Moment.relative(config.raw("changed_at"), now: style.now) ?? "?"
        sheet.add("changed", "\(ago) by \(config.text("changed_by") ?? "?")")
        sheet.add("file", config.text("file"))
        sheet.add("sha256", config.text("file_sha256"))
        let persist: String? =
            switch config.raw("persist") {
            case "write_back": "changes are written to the file"
            case "runtime_only": "changes last until the next start"
            default: config.text("persist")
            }
        sheet.add("persist", persist)
        sheet.add("etag", config.text("etag"))
        return sheet.text(style)
    }
}

enum ChangeView {
    static func text(_ result: JSONValue, _ style: Style) -> String {
        let isDry = result.flag("dry_run") == true
        var text = ""
        if result.flag("changed") != true {
            text = "nothing to change\n"
        } else if isDry {
            text = "dry run: this would change\n"
        } else {
            let saved = result.flag("persisted") == true ? "saved" : "NOT SAVED: lost at the next start"
            text = "revision \(result.int("revision") ?? 0), \(saved)\n"
        }
        var table = Table()
        for change in result.list("changes") {
            let path = String((change.text("pointer") ?? "/?").dropFirst())
            table.add(mark(change), [path, values(change)])
        }
        text += table.text(style)
        let effects = result.list("effects").map { effect in
            "\((effect.text("kind") ?? "?").replacing("_", with: " ")) (\(effect.text("subject") ?? "?"))"
        }
        if !effects.isEmpty { text += "effects: \(effects.joined(separator: ", "))\n" }
        for warning in result.texts("warnings") { text += "! \(warning)\n" }
        return text
    }

    private static func mark(_ change: JSONValue) -> Mark {
        switch change.raw("op") {
        case "add": .added
        case "remove": .removed
        default: .changed
        }
    }

    private static func values(_ change: JSONValue) -> String {
        switch change.raw("op") {
        case "add": short(change["to"])
        case "remove": ""
        default: "\(short(change["from"])) -> \(short(change["to"]))"
        }
    }

    /// A value in few words; absent is a default that nobody wrote.
    private static func short(_ value: JSONValue?) -> String {
        guard let value else { return "(default)" }
        let text = Escaping.line(value.stringValue ?? value.text())
        return text.count > 120 ? text.prefix(119) + "…" : text
    }
}
