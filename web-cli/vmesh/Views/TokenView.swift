// Tokens and contexts.

import JSON

enum TokenView {
    static func list(_ items: [JSONValue], _ style: Style) -> String {
        var table = Table(["NAME", "ROLE", "CREATED", "EXPIRES", "LAST USED"])
        for token in items {
            func when(_ key: String) -> String { Moment.relative(token.raw(key), now: style.now) ?? "never" }
            table.add(
                nil,
                [
                    token.text("name") ?? "?", token.text("role") ?? "?", when("created_at"),
                    expiry(token.raw("expires_at"), style) ?? "never", when("last_used_at"),
                ])
        }
        return table.text(style)
    }
}

enum ContextView {
    static func list(_ contexts: Contexts) -> String {
        var table = Table(["NAME", "API", "TOKEN FILE"])
        for (name, context) in contexts.all {
            table.add(
                name == contexts.current ? .chosen : Mark.none,
                [Escaping.line(name), Escaping.line(context.api), context.tokenFile.map(Escaping.line) ?? "-"])
        }
        return table.text(Style(now: 0))
    }
}
