// Points in time: the API's RFC 3339 texts to milliseconds, and to "4m ago".

/// Reads and words times; `now` comes from outside, so that a test has its own.
enum Moment {
    /// Milliseconds since 1970 of `2026-11-22T10:00:00.000Z`; nil for any other form.
    static func milliseconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            guard bytes[range].allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return Int64(String(decoding: bytes[range], as: UTF8.self))
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), (1...12).contains(month)
        else { return nil }
        let shifted = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        let fraction = bytes.count == 24 ? number(20..<23) ?? 0 : 0
        return ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + fraction
    }

    /// Whole seconds from then to now; nil if `text` is no time.
    static func age(_ text: String?, now: Int64) -> Int64? {
        text.flatMap(milliseconds).map { (now - $0) / 1000 }
    }

    /// `4m ago`, `in 12d`.
    static func relative(_ text: String?, now: Int64) -> String? {
        guard let seconds = age(text, now: now) else { return nil }
        return seconds >= 0
            ? "\(Units.duration(seconds: seconds)) ago" : "in \(Units.duration(seconds: 0 - seconds))"
    }

    /// `2026-11-20 09:00 UTC`.
    static func minute(_ text: String) -> String {
        milliseconds(text) == nil ? Escaping.line(text) : "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
    }
}
