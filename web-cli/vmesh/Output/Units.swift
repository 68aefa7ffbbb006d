// Numbers as people read them: bytes, spans of time, latencies, shares.

enum Units {
    /// `840 MiB`, `1.2 GiB`: below ten one decimal, unless that is a zero.
    static func bytes(_ count: Int64) -> String {
        let names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var value = Double(max(0, count))
        var index = 0
        // What would be printed as 1024 is 1 of the next unit.
        while value >= (index == 0 ? 1024 : 1023.5), index < names.count - 1 {
            value /= 1024
            index += 1
        }
        return "\(short(value)) \(names[index])"
    }

    /// Large counts: `950`, `1.2k`, `3.4M`.
    static func count(_ value: Int64) -> String {
        switch value {
        case ..<10_000: "\(value)"
        case ..<1_000_000: "\(short(Double(value) / 1000))k"
        case ..<1_000_000_000: "\(short(Double(value) / 1_000_000))M"
        default: "\(short(Double(value) / 1_000_000_000))G"
        }
    }

    /// `3d 4h`, `2h 10m`, `12m`, `1m 42s`, `11s`; never negative.
    static func duration(seconds: Int64) -> String {
        let seconds = max(0, seconds)
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400)
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<600: return pair(minutes, "m", seconds % 60, "s")
        case ..<3600: return "\(minutes)m"
        case ..<86_400: return pair(hours, "h", minutes % 60, "m")
        case ..<(14 * 86_400): return pair(days, "d", hours % 24, "h")
        case ..<(730 * 86_400): return "\(days)d"
        default: return "\(days / 365)y"
        }
    }

    private static func pair(_ large: Int64, _ one: String, _ small: Int64, _ other: String) -> String {
        small == 0 ? "\(large)\(one)" : "\(large)\(one) \(small)\(other)"
    }

    /// `12.4 ms`, `0.25 ms`, `140 ms`, `1.4 s`.
    static func latency(milliseconds: Double) -> String {
        switch milliseconds {
        case ..<1: "\(fixed(milliseconds, 2)) ms"
        case ..<99.95: "\(fixed(milliseconds, 1)) ms"
        case ..<999.5: "\(fixed(milliseconds, 0)) ms"
        default: "\(fixed(milliseconds / 1000, 1)) s"
        }
    }

    /// `0 %`, `<1 %`, `12 %`.
    static func share(_ ratio: Double) -> String {
        ratio > 0 && ratio < 0.01 ? "<1 %" : "\(fixed(ratio * 100, 0)) %"
    }

    private static func short(_ value: Double) -> String {
        guard value < 9.95 else { return fixed(value, 0) }
        let text = fixed(value, 1)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// A number with so many decimals, rounded half away from zero; what is no number is `-`.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard scaled.isFinite, let whole = Int64(exactly: scaled) else { return "-" }
        guard decimals > 0 else { return "\(whole)" }
        let digits = "\(whole.magnitude)"
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        return (whole < 0 ? "-" : "") + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }

    /// Reads `30d`, `12h`, `10m`, `45s`, `500ms` or plain seconds; milliseconds. Nil for anything else.
    static func milliseconds(parsing text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, let number = Int64(digits) else { return nil }
        let unit: Int64
        switch text.dropFirst(digits.count) {
        case "ms": unit = 1
        case "s", "": unit = 1000
        case "m": unit = 60_000
        case "h": unit = 3_600_000
        case "d": unit = 86_400_000
        case "y": unit = 365 * 86_400_000
        default: return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : product
    }
}
