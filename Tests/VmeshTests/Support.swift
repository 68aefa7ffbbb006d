// What the tests of the command line share: JSON from text, a fixed now, a style without a terminal.

import JSON
import Testing

@testable import vmesh

/// 2026-11-22T14:10:00.000Z.
let now: Int64 = 1_795_356_600_000
let plain = Style(now: now)

func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }

/// A golden text: the common indent and the line breaks around it are not part of it.
func expectText(_ text: String, _ golden: String, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(text == golden + "\n", sourceLocation: sourceLocation)
}

/// The failure that a body throws; nil if it throws none.
func failure(_ body: () throws -> Void) -> Failure? {
    do { try body() } catch { return error as? Failure }
    return nil
}
