// A table in plain text: columns as wide as what stands in them, cut where the terminal ends.
//
// Only a terminal cuts: into a file or a pipe everything goes whole. The last column gives way first, then the first.

/// How text is to be laid out.
struct Style: Equatable {
    /// Columns of the terminal; nil: no limit.
    var width: Int?
    var isColored = false
    /// Also what only `-o wide` shows.
    var isWide = false
    /// Milliseconds since 1970.
    var now: Int64
}

/// A sign before a row. The shape says it all; the colour only repeats it.
enum Mark: String {
    case good = "●"
    case absent = "○"
    case trouble = "!"
    case chosen = "*"
    case refused = "x"
    case added = "+"
    case changed = "~"
    case removed = "-"
    case none = " "

    fileprivate var color: String? {
        switch self {
        case .good, .chosen, .added: "32"
        case .trouble, .changed: "33"
        case .refused, .removed: "31"
        case .absent: "2"
        case .none: nil
        }
    }

    func text(_ style: Style) -> String {
        guard style.isColored, let color else { return rawValue }
        return "\u{1B}[\(color)m\(rawValue)\u{1B}[0m"
    }
}

struct Table {
    /// One row; cells are safe to print.
    struct Row {
        var mark: Mark?
        var cells: [String]
    }

    /// Empty: no header line.
    var titles: [String]
    var rows: [Row] = []
    /// Narrowest a column is cut to.
    private static let minimum = 12

    init(_ titles: [String] = []) { self.titles = titles }

    mutating func add(_ mark: Mark? = nil, _ cells: [String]) { rows.append(Row(mark: mark, cells: cells)) }

    /// Every line with its newline.
    func text(_ style: Style) -> String {
        let hasMarks = rows.contains { $0.mark != nil }
        let widths = fitted(style.width.map { $0 - (hasMarks ? 2 : 0) })
        var text = ""
        if !titles.isEmpty { text += Self.line(titles, widths, before: hasMarks ? "  " : "") }
        for row in rows {
            text += Self.line(row.cells, widths, before: hasMarks ? "\(row.mark?.text(style) ?? " ") " : "")
        }
        return text
    }

    private func fitted(_ limit: Int?) -> [Int] {
        let columns = max(titles.count, rows.map(\.cells.count).max() ?? 0)
        guard columns > 0 else { return [] }
        var widths = [Int](repeating: 0, count: columns)
        for cells in [titles] + rows.map(\.cells) {
            for (index, cell) in cells.enumerated() { widths[index] = max(widths[index], Self.width(cell)) }
        }
        guard let limit else { return widths }
        for index in [columns - 1, 0] {
            let excess = widths.reduce(0, +) + 2 * (columns - 1) - limit
            if excess > 0 { widths[index] = min(widths[index], max(Self.minimum, widths[index] - excess)) }
        }
        return widths
    }

    private static func line(_ cells: [String], _ widths: [Int], before: String) -> String {
        var line = before
        for (index, cell) in cells.enumerated() {
            let shown = cut(cell, widths[index])
            line += shown
            if index < cells.count - 1 { line += String(repeating: " ", count: widths[index] - width(shown) + 2) }
        }
        while line.last == " " { line.removeLast() }
        return line + "\n"
    }

    private static func cut(_ text: String, _ limit: Int) -> String {
        guard width(text) > limit else { return text }
        var kept = ""
        var used = 0
        for character in text {
            used += width(character)
            if used > limit - 1 { break }
            kept.append(character)
        }
        return kept + "…"
    }

    /// Columns that text takes.
    static func width(_ text: String) -> Int { text.reduce(0) { $0 + width($1) } }

    /// Two for the scripts and signs that terminals draw double (Unicode's East Asian Width W and F, roughly).
    private static func width(_ character: Character) -> Int {
        guard let value = character.unicodeScalars.first?.value, value >= 0x1100 else { return 1 }
        switch value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}

/// Lines of a name and what belongs to it.
struct Sheet {
    private var table = Table()

    /// Adds a line; nil is left out.
    mutating func add(_ name: String, _ value: String?) {
        if let value { table.add(nil, [name, value]) }
    }

    /// One line a value, the name before the first.
    mutating func add(_ name: String, lines: [String]) {
        for (index, line) in lines.enumerated() { table.add(nil, [index == 0 ? name : "", line]) }
    }

    func text(_ style: Style) -> String { table.text(style) }
}
