// Why a text is not JSON, and where: what an operator needs to find the place in an editor.

/// A text that was refused. It never quotes values, which could be secrets.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// Against the grammar of RFC 8259.
        case syntax
        /// Two members of one object have the same name.
        case duplicateKey
        /// Nested deeper than the caller allows.
        case tooDeep
        /// More bytes than the caller allows; nothing of the text was read.
        case tooLarge
        /// A string with bytes that are not UTF-8 or an escape that is half a surrogate pair.
        case notUTF8
    }

    package let kind: Kind
    /// From 1.
    package let line: Int
    /// From 1, in Unicode scalars: the cursor column of an editor for all but combining characters.
    package let column: Int
    /// From 0, in bytes.
    package let offset: Int
    /// What is wrong, without the place.
    package let message: String

    package var description: String { "line \(line), column \(column): \(message)" }

    package init(kind: Kind, line: Int, column: Int, offset: Int, message: String) {
        self.kind = kind
        self.line = line
        self.column = column
        self.offset = offset
        self.message = message
    }

    /// Finds line and column of `offset` in `bytes`.
    init(_ kind: Kind, at offset: Int, in bytes: [UInt8], _ message: String) {
        var line = 1
        var column = 1
        for byte in bytes.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        self.init(kind: kind, line: line, column: column, offset: offset, message: message)
    }
}
