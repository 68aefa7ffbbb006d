// Peers as people look at them: one line each, or a sheet of one.

import JSON

enum PeerView {
    static func list(_ items: [JSONValue], _ style: Style) -> String {
        var titles = ["NAME", "STATE", "FOR", "RTT", "LOSS", "DATA", "RX", "TX", "PREFIXES"]
        if style.isWide { titles += ["ID", "ADDRESS", "DIRECTION", "TRUST", "VERSION"] }
        var table = Table(titles + ["NOTE"])
        for peer in items {
            let isUp = peer.raw("status") == "up"
            var cells = [
                peer.text("name") ?? "?", peer.text("status") ?? "?", since(peer, style),
                isUp ? latency(peer) : "-", isUp ? loss(peer) : "-", isUp ? channel(peer) : "-",
                isUp ? bytes(peer, "rx_bytes") : "-", isUp ? bytes(peer, "tx_bytes") : "-", isUp ? prefixes(peer) : "-",
            ]
            if style.isWide {
                cells += [
                    shortID(peer.text("id")), peer.text("remote_addr") ?? peer.texts("config", "addrs").first ?? "-",
                    peer.text("direction") ?? "-", trust(peer) ?? "-",
                    peer.int("protocol_version").map { "\($0)" } ?? "-",
                ]
            }
            table.add(mark(peer), cells + [note(peer, style)])
        }
        return table.text(style)
    }

    /// Up, up with something to look at or turned away, not up.
    private static func mark(_ peer: JSONValue) -> Mark {
        switch peer.raw("status") {
        case "up": peer.list("warnings").isEmpty ? .good : .trouble
        case "refused": .trouble
        default: .absent
        }
    }

    private static func since(_ peer: JSONValue, _ style: Style) -> String {
        Moment.age(peer.raw("status_since"), now: style.now).map(Units.duration) ?? "-"
    }

    private static func latency(_ peer: JSONValue) -> String {
        (peer.double("latency", "mean_ms") ?? peer.double("latency", "last_ms")).map(Units.latency) ?? "-"
    }

    private static func loss(_ peer: JSONValue) -> String {
        (peer.int("latency", "samples") ?? 0) > 0
            ? peer.double("latency", "loss_ratio").map(Units.share) ?? "-" : "-"
    }

    private static func channel(_ peer: JSONValue) -> String {
        switch (peer.raw("data_channel", "kind"), peer.raw("data_channel", "status")) {
        case ("udp", "active"): "udp"
        case ("udp", "fallback"), ("stream", "fallback"): "tcp fallback"
        case ("udp", "probing"), ("stream", "probing"): "tcp, trying udp"
        case ("stream", _): "tcp"
        case ("none", _), (nil, _): "-"
        default: peer.text("data_channel", "kind") ?? "-"
        }
    }

    private static func bytes(_ peer: JSONValue, _ key: String) -> String {
        peer.int("counters", key).map(Units.bytes) ?? "-"
    }

    private static func prefixes(_ peer: JSONValue) -> String {
        guard let accepted = peer.int("prefixes", "accepted") else { return "-" }
        let rejected = peer.int("prefixes", "rejected") ?? 0
        return rejected > 0 ? "\(accepted) (\(rejected) rejected)" : "\(accepted)"
    }

    private static func trust(_ peer: JSONValue) -> String? {
        switch peer.raw("trust") {
        case "internal_ca": "internal"
        case "external_cert": "external"
        default: peer.text("trust")
        }
    }

    private static func note(_ peer: JSONValue, _ style: Style) -> String {
        let status = peer.raw("status")
        var parts = peer.texts("warnings")
        if status == "up" {
            if peer.raw("origin") == "inbound" { parts.append("inbound") }
            if peer.raw("trust") == "external_cert" { parts.append("external") }
            return parts.joined(separator: ", ")
        }
        if status != "disabled", let error = peer.at("last_error") {
            parts.append(error.text("detail") ?? error.text("code") ?? "failed")
        }
        if let wait = Moment.age(peer.raw("retry_at"), now: style.now), wait <= 0 {
            parts.append("retry in \(Units.duration(seconds: 0 - wait))")
        }
        return parts.joined(separator: "; ")
    }

    static func one(_ peer: JSONValue, _ style: Style) -> String {
        var sheet = Sheet()
        sheet.add("name", peer.text("name"))
        sheet.add("id", peer.text("id"))
        let age = Moment.age(peer.raw("status_since"), now: style.now).map { " for \(Units.duration(seconds: $0))" }
        sheet.add("state", (peer.text("status") ?? "?") + (age ?? ""))
        sheet.add("last error", peer.at("last_error").map { lastError($0, style) })
        sheet.add("retry", Moment.relative(peer.raw("retry_at"), now: style.now))
        sheet.add("origin", peer.text("origin"))
        sheet.add("configured", peer.at("config").map(summary))
        sheet.add("session", session(peer))
        sheet.add("certificate", expiry(peer.raw("certificate_not_after"), style).map { "expires \($0)" })
        if peer.raw("status") == "up" {
            sheet.add("latency", latencies(peer))
            sheet.add("data", channels(peer, style))
            sheet.add("prefixes", counts(peer))
            sheet.add("policy", sync(peer.at("config_sync"), style))
        }
        sheet.add("traffic", peer.at("counters").map(CounterView.traffic))
        sheet.add("drops", lines: peer.at("counters").map(CounterView.drops) ?? [])
        sheet.add("warnings", lines: peer.texts("warnings"))
        return sheet.text(style)
    }

    static func lastError(_ error: JSONValue, _ style: Style) -> String {
        let ago = Moment.relative(error.raw("time"), now: style.now).map { ", \($0)" } ?? ""
        return "\(error.text("detail") ?? "failed") (\(error.text("code") ?? "?")\(ago))"
    }

    private static func session(_ peer: JSONValue) -> String? {
        guard let address = peer.text("remote_addr") else { return nil }
        var parts = [peer.text("direction") ?? "?", address]
        if let trust = trust(peer) { parts.append(trust) }
        if let version = peer.int("protocol_version") { parts.append("protocol \(version)") }
        return parts.joined(separator: ", ")
    }

    private static func latencies(_ peer: JSONValue) -> String {
        func word(_ key: String) -> String { peer.double("latency", key).map(Units.latency) ?? "-" }
        return "\(word("last_ms")), mean \(word("mean_ms")), \(word("min_ms")) to \(word("max_ms")), "
            + "jitter \(word("jitter_ms")), loss \(loss(peer)) of \(peer.int("latency", "samples") ?? 0)"
    }

    private static func channels(_ peer: JSONValue, _ style: Style) -> String {
        var parts = [channel(peer)]
        if let encrypted = peer.flag("data_channel", "encrypted") {
            parts.append(encrypted ? "encrypted" : "NOT encrypted")
        }
        if let mtu = peer.int("data_channel", "mtu_bytes") { parts.append("MTU \(mtu)") }
        return parts.joined(separator: ", ")
    }

    private static func counts(_ peer: JSONValue) -> String {
        func number(_ key: String) -> Int64 { peer.int("prefixes", key) ?? 0 }
        return "\(number("received")) received (\(number("accepted")) accepted, \(number("rejected")) rejected; "
            + "limit \(number("limit"))), \(number("advertised")) advertised"
    }

    private static func sync(_ sync: JSONValue?, _ style: Style) -> String? {
        guard let sync, let status = sync.text("status") else { return nil }
        let words = status.replacing("_", with: " ")
        return sync.text("hash").map { "\(words), \(shortID($0))" } ?? words
    }

    static func summary(_ config: JSONValue) -> String {
        var parts = [config.texts("addrs").joined(separator: " ")]
        if config.flag("udp") == true { parts.append("udp") }
        if config.flag("insecure_udp") == true { parts.append("insecure udp") }
        if config.flag("enabled") == false { parts.append("disabled") }
        return parts.joined(separator: ", ")
    }

    static func configurations(_ items: [JSONValue], _ style: Style) -> String {
        var table = Table(["NAME", "ENABLED", "UDP", "ADDRESSES", "LIMITS"])
        for peer in items {
            table.add(
                nil,
                [
                    peer.text("name") ?? "?", peer.flag("enabled") == false ? "no" : "yes", udp(peer),
                    peer.texts("addrs").joined(separator: " "), limits(peer),
                ])
        }
        return table.text(style)
    }

    private static func udp(_ peer: JSONValue) -> String {
        peer.flag("insecure_udp") == true ? "insecure" : peer.flag("udp") == true ? "yes" : "no"
    }

    private static func limits(_ peer: JSONValue) -> String {
        var parts: [String] = []
        for key in ["import", "export"] where peer.at(key) != nil {
            parts.append("\(key) \(peer.list(key).count)")
        }
        if let limit = peer.int("max_prefixes") { parts.append("max \(limit)") }
        return parts.joined(separator: ", ")
    }

    static func configuration(_ peer: JSONValue, _ style: Style) -> String {
        var sheet = Sheet()
        sheet.add("name", peer.text("name"))
        sheet.add("enabled", peer.flag("enabled") == false ? "no" : "yes")
        sheet.add("addresses", lines: peer.texts("addrs"))
        sheet.add("udp", udp(peer))
        sheet.add("import", lines: peer.texts("import"))
        sheet.add("export", lines: peer.texts("export"))
        sheet.add("max prefixes", peer.int("max_prefixes").map { "\($0)" })
        sheet.add("fingerprint", peer.text("fingerprint_sha256"))
        return sheet.text(style)
    }
}

/// `in 12d (12-07)`, `expired 3d ago`.
func expiry(_ text: String?, _ style: Style) -> String? {
    guard let text, let age = Moment.age(text, now: style.now) else { return nil }
    let span = Units.duration(seconds: age < 0 ? 0 - age : age)
    if age >= 0 { return "expired \(span) ago" }
    return age > -30 * 86_400 ? "in \(span) (\(text.dropFirst(5).prefix(5)))" : "in \(span)"
}
