// Unix seconds as a date in UTC and back, by the proleptic Gregorian calendar. Certificates, file names of signed
// configurations and error texts need it; nothing here asks a clock.

/// A civil date and time in UTC.
package struct UTCTime: Sendable, Hashable {
    package var year: Int64
    /// 1 … 12, 1 … 31, 0 … 23, 0 … 59, 0 … 59.
    package var month: Int64
    package var day: Int64
    package var hour: Int64
    package var minute: Int64
    package var second: Int64

    /// Years outside 0 … 9999 are pinned to that range's ends: no certificate can say them.
    package init(unixSeconds: Int64) {
        let pinned = min(max(unixSeconds, -62_167_219_200), 253_402_300_799)
        let (days, rest) = pinned.flooredDivision(by: 86_400)
        // Days are counted from 0000-03-01, so that the leap day ends the year; an era is 400 years.
        let (era, dayOfEra) = (days + 719_468).flooredDivision(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        hour = rest / 3_600
        minute = rest / 60 % 60
        second = rest % 60
    }

    /// The same date `count` years later; 29 February becomes 1 March where there is none.
    package func adding(years count: Int64) -> UTCTime {
        var moved = self
        moved.year = min(year.addingReportingOverflow(count).partialValue, 9_999)
        return UTCTime(unixSeconds: moved.unixSeconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    package var unixSeconds: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shiftedYear.flooredDivision(by: 400)
        let shiftedMonth = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return (era * 146_097 + dayOfEra - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second
    }
}

extension UTCTime: CustomStringConvertible {
    /// RFC 3339, such as `2026-11-25T15:47:28Z`.
    package var description: String {
        "\(padded(year, 4))-\(padded(month))-\(padded(day))T\(padded(hour)):\(padded(minute)):\(padded(second))Z"
    }

    /// The form in the names of signed configurations: `2026-11-25-15-47-28`.
    package var fileNamePart: String {
        [padded(year, 4), padded(month), padded(day), padded(hour), padded(minute), padded(second)]
            .joined(separator: "-")
    }

    /// The time that `fileNamePart` spells; nil for anything else, such as a 31 June.
    package init?(fileNamePart text: some StringProtocol) {
        let fields = text.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) ?? -1 }
        guard fields.count == 6, (1...12).contains(fields[1]), (1...31).contains(fields[2]) else { return nil }
        self.init(unixSeconds: 0)
        (year, month, day) = (fields[0], fields[1], fields[2])
        (hour, minute, second) = (fields[3], fields[4], fields[5])
        guard (0...9_999).contains(year), (0...23).contains(hour), (0...59).contains(minute),
            (0...59).contains(second), UTCTime(unixSeconds: unixSeconds) == self, fileNamePart == text
        else { return nil }
    }

    private func padded(_ value: Int64, _ width: Int = 2) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Int64 {
    fileprivate func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
