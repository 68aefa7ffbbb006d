// Log lines to standard error, one a line, made for journald and for eyes.
//
// Under systemd (JOURNAL_STREAM is set) a line starts with its priority as sd-daemon(3) asks, `<6>`, and carries no
// time, since the journal keeps one. Elsewhere it starts with the time and the level. Metadata follows as `key=value`,
// sorted, so that the same event always gives the same line. Control characters in values are escaped: a peer's name
// never forges a line.
//
// Rate: a full disk is an outage too. At most `LineBudget.perSecond` lines a second leave, after a burst; what was
// held back is counted and said in the next line that passes. Errors always pass.

import Logging
import ManagementAPI
import Platform
import Synchronization

/// Lines a second, with a burst, shared by all loggers of the process (global bound G5 of the fault list).
final class LineBudget: Sendable {
    static let perSecond: Int64 = 10
    static let burst: Int64 = 200

    private struct State {
        var tokens: Int64 = LineBudget.burst * 1_000_000
        var last: Int64
        var suppressed = 0
    }

    private let state: Mutex<State>

    /// `now` is in microseconds of any steady clock.
    init(now: Int64) { state = Mutex(State(last: now)) }

    /// Nil: hold the line back. Otherwise how many were held back before it.
    func admit(now: Int64, always: Bool) -> Int? {
        state.withLock { state in
            let elapsed = max(0, min(now &- state.last, 60_000_000))
            state.last = now
            state.tokens = min(LineBudget.burst * 1_000_000, state.tokens + elapsed * LineBudget.perSecond)
            guard always || state.tokens >= 1_000_000 else {
                state.suppressed += 1
                return nil
            }
            if state.tokens >= 1_000_000 { state.tokens -= 1_000_000 }
            defer { state.suppressed = 0 }
            return state.suppressed
        }
    }
}

/// Standard error and the level, shared by the loggers of all threads: a level that is changed by a reload holds for
/// every copy of the logger, wherever it was handed.
final class LogOutput: Sendable {
    let value = Mutex(ErrorOutput())
    let level: Mutex<Logger.Level>

    init(level: Logger.Level) { self.level = Mutex(level) }
}

/// The process's log handler.
struct StandardErrorLog: LogHandler {
    var logLevel: Logger.Level {
        get { output.level.withLock { $0 } }
        nonmutating set { output.level.withLock { $0 = newValue } }
    }
    var metadata: Logger.Metadata = [:]
    let label: String
    let underJournal: Bool
    let budget: LineBudget
    let output: LogOutput

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard let held = budget.admit(now: SystemClock.now(), always: event.level >= .error) else { return }
        var line =
            underJournal
            ? "<\(event.level.syslogPriority)>"
            : "\(Timestamp(milliseconds: SystemClock.wallMicroseconds() / 1000)) \(event.level.rawValue) "
        line += Self.printable(event.message.description, quoting: false)
        let pairs = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        for (key, value) in pairs { line += " \(key)=\(Self.printable(value.description, quoting: true))" }
        if held > 0 { line += " lines_held_back=\(held)" }
        output.value.withLock { _ = $0.write(Array((line + "\n").utf8)) }
    }

    /// `text` with control characters, line ends, and what is invisible or turns the direction of reading escaped;
    /// quoted where it has a space, an equals sign, a quote or a backslash.
    static func printable(_ text: String, quoting: Bool) -> String {
        var result = ""
        var quoted = text.isEmpty
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0, 0x61C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            case 0x20, 0x3D:
                quoted = true
                result.unicodeScalars.append(scalar)
            case 0x22 where quoting, 0x5C where quoting:
                quoted = true
                result += "\\"
                result.unicodeScalars.append(scalar)
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return quoting && quoted ? "\"\(result)\"" : result
    }
}

extension Logger.Level {
    /// The sd-daemon(3) priority of this level: 7 debug … 2 critical.
    fileprivate var syslogPriority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
