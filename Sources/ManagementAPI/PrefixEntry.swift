// `PREFIX[,max_prefix_len=N]` of `import` and `export`, read so that no misspelling opens a filter (case C28).

import Routing

extension PrefixEntry {
    /// Why a text is no entry.
    package struct Flaw: Error, Sendable, Equatable {
        /// `not_a_prefix`, `host_bits_set`, `not_an_entry` or `out_of_range`.
        package let code: String
        /// Names the column (from 1) at which the entry goes wrong.
        package let detail: String
    }

    /// Reads one entry; exactly one option is known, and it may stand once.
    package init(parsing text: String) throws(Flaw) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let prefix: Prefix
        do throws(PrefixError) {
            prefix = try Prefix(parsing: parts.first ?? "")
        } catch {
            throw Flaw(code: error.issueCode, detail: "'\(text)', column 1: \(error)")
        }
        guard parts.count > 1 else {
            self.init(prefix: prefix)
            return
        }
        let column = parts[0].utf8.count + 2
        guard parts.count == 2 else {
            let second = column + parts[1].utf8.count + 1
            throw Flaw(
                code: "not_an_entry", detail: "'\(text)', column \(second): only one option may follow the prefix")
        }
        let key = "max_prefix_len="
        guard parts[1].hasPrefix(key) else {
            throw Flaw(
                code: "not_an_entry",
                detail: "'\(text)', column \(column): only 'max_prefix_len=N' may follow the prefix")
        }
        let digits = parts[1].dropFirst(key.count)
        let place = column + key.utf8.count
        guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            digits.utf8.count == 1 || digits.utf8.first != UInt8(ascii: "0"), let length = Int(digits)
        else {
            throw Flaw(
                code: "not_an_entry", detail: "'\(text)', column \(place): max_prefix_len must be a decimal number")
        }
        guard (prefix.length...128).contains(length) else {
            throw Flaw(
                code: "out_of_range",
                detail: "'\(text)', column \(place): max_prefix_len must be \(prefix.length) to 128")
        }
        self.init(prefix: prefix, maximumLength: length)
    }
}
