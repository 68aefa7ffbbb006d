// The text of one whitelist entry: `PREFIX` or `PREFIX,max_prefix_len=N`.
//
// No spaces, no other option, none twice. v1 read `max_prefix_len=999` as 128 and skipped an IPv4 entry, so that a slip
// of the pen opened a filter or closed it altogether (W8, C28); here it refuses the whole policy, with the column.

import Routing

/// What is wrong with an entry's text, and where.
struct PolicyEntryDefect: Error, Equatable {
    /// From 1, in characters.
    let column: Int
    let message: String
}

extension PolicyEntry {
    private static let option = "max_prefix_len="

    /// Reads an entry.
    init(parsing text: String) throws(PolicyEntryDefect) {
        guard !text.isEmpty else { throw PolicyEntryDefect(column: 1, message: "the entry is empty") }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let address = parts[0]
        let prefix: Prefix
        do throws(PrefixError) { prefix = try Prefix(parsing: address) } catch {
            throw PolicyEntryDefect(column: Self.column(of: error, in: address), message: "\(error)")
        }
        guard parts.count > 1 else {
            self.init(prefix: prefix)
            return
        }
        let column = address.count + 2
        guard parts[1].hasPrefix(Self.option) else {
            throw PolicyEntryDefect(
                column: column, message: "only '\(Self.option)N' may follow the comma, without spaces")
        }
        let digits = parts[1].dropFirst(Self.option.count)
        let maximum = try Self.maximum(digits, column: column + Self.option.count)
        guard maximum >= prefix.length else {
            throw PolicyEntryDefect(
                column: column + Self.option.count,
                message: "max_prefix_len is less than the prefix's own length \(prefix.length): it allows nothing")
        }
        guard parts.count == 2 else {
            throw PolicyEntryDefect(
                column: column + parts[1].count, message: "nothing may follow max_prefix_len")
        }
        self.init(prefix: prefix, maximumLength: maximum)
    }

    private static func maximum(_ digits: Substring, column: Int) throws(PolicyEntryDefect) -> Int {
        let isPlain = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isPlain, digits == "0" || digits.utf8.first != 0x30 else {
            throw PolicyEntryDefect(column: column, message: "max_prefix_len must be a plain decimal number")
        }
        // Longer than any Int is beyond 128 too.
        guard let maximum = Int(digits), maximum <= 128 else {
            throw PolicyEntryDefect(column: column, message: "max_prefix_len must be 0 to 128")
        }
        return maximum
    }

    /// Errors about the length stand behind the slash, a wrong character at its place, others at the start.
    private static func column(of error: PrefixError, in text: Substring) -> Int {
        let bytes = Array(text.utf8)
        let slash = bytes.firstIndex(of: UInt8(ascii: "/")) ?? bytes.count
        switch error {
        case .emptyLength, .lengthNotDecimal, .lengthLeadingZero, .lengthOutOfRange: return slash + 2
        case .missingLength: return bytes.count + 1
        case .extraSlash: return (bytes[min(slash + 1, bytes.count)...].firstIndex(of: UInt8(ascii: "/")) ?? slash) + 1
        case .whiteSpace, .address(.whiteSpace):
            return (bytes.firstIndex { $0 == 0x20 || (0x09...0x0D).contains($0) } ?? 0) + 1
        case .address(.character(let byte)): return (bytes.firstIndex(of: byte) ?? 0) + 1
        case .address, .hostBitsSet: return 1
        }
    }
}
