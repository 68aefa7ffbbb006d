// Certificates, with the days that they still have.

import JSON

enum CertificateView {
    /// Seconds before its end at which a certificate is marked.
    private static let soon: Int64 = 30 * 86_400

    static func list(_ items: [JSONValue], _ style: Style) -> String {
        var titles = ["ROLE", "NAME", "ID", "EXPIRES", "KEY"]
        if style.isWide { titles += ["ISSUER", "PATH"] }
        var table = Table(titles + ["NOTE"])
        for item in items {
            var cells = [
                role(item), name(item), shortID(item.text("id")), expiry(item.raw("not_after"), style) ?? "-",
                item.text("key_algorithm") ?? "-",
            ]
            if style.isWide { cells += [item.text("issuer") ?? "-", item.text("path") ?? "-"] }
            table.add(isTroubled(item) ? .trouble : Mark.none, cells + [item.texts("warnings").joined(separator: "; ")])
        }
        return table.text(style)
    }

    private static func isTroubled(_ item: JSONValue) -> Bool {
        !item.list("warnings").isEmpty || (item.int("expires_in_seconds") ?? .max) < soon
    }

    private static func role(_ item: JSONValue) -> String {
        item.raw("role") == "external_peer" ? "external" : item.text("role") ?? "?"
    }

    private static func name(_ item: JSONValue) -> String { item.text("common_name") ?? item.text("subject") ?? "?" }

    static func one(_ item: JSONValue, _ style: Style) -> String {
        var sheet = Sheet()
        sheet.add("role", role(item))
        sheet.add("name", name(item))
        sheet.add("id", item.text("id"))
        sheet.add("subject", item.text("subject"))
        sheet.add("issuer", item.text("issuer"))
        sheet.add("serial", item.text("serial_hex"))
        sheet.add("from", item.raw("not_before").map(Moment.minute))
        let left = expiry(item.raw("not_after"), style).map { ", \($0)" } ?? ""
        sheet.add("to", item.raw("not_after").map { Moment.minute($0) + left })
        sheet.add("key", item.text("key_algorithm"))
        sheet.add("CA", item.flag("is_ca") == true ? "yes" : nil)
        sheet.add("other names", lines: item.texts("subject_alt_names"))
        sheet.add("file", item.text("path"))
        sheet.add("warnings", lines: item.texts("warnings"))
        return sheet.text(style)
    }
}
