// The small tables of the daemon: who may shake hands, what a link counted, which interface has which number, which lines
// may be logged.

import Logging
import Testing

@testable import Daemon
@testable import Platform

@Suite("A21: HandshakeAdmission")
struct HandshakeAdmissionTests {
    private func network(_ number: Int) -> [UInt8] { [UInt8(number / 256), UInt8(number % 256), 7] }

    @Test("eight from one network, and others still come in")
    func perNetwork() {
        var table = HandshakeAdmission()
        for _ in 0..<8 { #expect(table.admit([10, 0, 0]) == true) }
        #expect(table.admit([10, 0, 0]) == false)
        #expect(table.admit([10, 0, 1]) == true)
        table.release([10, 0, 0])
        #expect(table.admit([10, 0, 0]) == true)
        #expect(table.admit([10, 0, 0]) == false)
        #expect(table.pending == 9)
    }

    @Test("64 over all")
    func total() {
        var table = HandshakeAdmission()
        for number in 0..<64 { #expect(table.admit(network(number)) == true) }
        #expect(table.admit(network(1000)) == false)
        table.release(network(3))
        #expect(table.admit(network(1000)) == true)
        #expect(table.pending == 64)
    }

    @Test("a refusal counts nothing, and a release of nobody nothing either")
    func unknown() {
        var table = HandshakeAdmission()
        table.release([1, 2, 3])
        #expect(table.pending == 0)
        for _ in 0..<20 { _ = table.admit([1, 2, 3]) }
        for _ in 0..<20 { table.release([1, 2, 3]) }
        #expect(table.pending == 0)
        #expect(table.admit([1, 2, 3]) == true)
    }

    @Test("a /64 of IPv6 and a /24 of IPv4 are one network")
    func networks() throws {
        func source(_ host: String) throws -> [UInt8] {
            try #require(SocketAddress(numeric: host, port: 1)).sourceNetwork
        }
        #expect(try source("2001:db8::1") == source("2001:db8::ffff:2"))
        #expect(try source("2001:db8::1") != source("2001:db8:0:1::1"))
        #expect(try source("192.0.2.1") == source("192.0.2.254"))
        #expect(try source("192.0.2.1") != source("192.0.3.1"))
    }
}

@Suite("what links count")
struct LinkCountersTests {
    @Test("an earlier link's numbers are added, drops by reason")
    func sum() {
        var first = LinkCounters()
        first.received(100)
        first.sent(40)
        first.drop(1000, "queue_full")
        var second = LinkCounters()
        second.received(1)
        second.drop(10, "queue_full")
        second.drop(5, "channel_down")
        second.malformedMessages = 2
        first.add(second)
        #expect(first.receivedPackets == 2 && first.receivedBytes == 101)
        #expect(first.sentPackets == 1 && first.sentBytes == 40)
        #expect(first.drops["queue_full"]?.packets == 2 && first.drops["queue_full"]?.bytes == 1010)
        #expect(first.drops["channel_down"]?.packets == 1)
        #expect(first.malformedMessages == 2)
    }
}

@Suite("what the daemon counts")
struct DaemonCountersTests {
    @Test("C24: one line a subject and interval")
    func mayLog() {
        var counters = DaemonCounters()
        #expect(counters.mayLog("a", at: 0, every: 60) == true)
        #expect(counters.mayLog("a", at: 59, every: 60) == false)
        #expect(counters.mayLog("b", at: 59, every: 60) == true)
        #expect(counters.mayLog("a", at: 60, every: 60) == true)
    }

    @Test("256 subjects at most are remembered; then newcomers wait")
    func bounded() {
        var counters = DaemonCounters()
        var passed = 0
        for number in 0..<1000 where counters.mayLog("subject \(number)", at: 1, every: 60_000_000) { passed += 1 }
        #expect(passed == 256)
        #expect(counters.mayLog("another", at: 60_000_001, every: 60_000_000) == true)
    }
}

@Suite("numbers of interfaces")
struct VifTableTests {
    @Test("the lowest free one; a name keeps its number until it is released")
    func numbers() {
        var table = VifTable()
        #expect(["a", "b", "c"].map { table.number(for: $0) } == [0, 1, 2])
        #expect(table.number(for: "b") == 1)
        table.release("b")
        #expect(table.number(of: "b") == nil && table.name(of: 1) == nil)
        #expect(table.number(for: "d") == 1)
        #expect(table.name(of: 1) == "d" && table.count == 3)
        #expect(table.number(for: "b") == 3)
    }
}

@Suite("the log")
struct LogTests {
    @Test("G5: a burst of 200, then ten lines a second; what was held back is said once")
    func budget() {
        let budget = LineBudget(now: 0)
        for _ in 0..<200 { #expect(budget.admit(now: 0, always: false) == 0) }
        for _ in 0..<7 { #expect(budget.admit(now: 50_000, always: false) == nil) }
        #expect(budget.admit(now: 100_000, always: false) == 7)
        #expect(budget.admit(now: 100_000, always: false) == nil)
        var passed = 0
        for tenth in 2...100 where budget.admit(now: Int64(tenth) * 100_000, always: false) != nil { passed += 1 }
        #expect(passed == 99)
        #expect(budget.admit(now: 10_000_001, always: false) == nil)
    }

    @Test("errors always pass, and say what was held back")
    func errors() {
        let budget = LineBudget(now: 0)
        for _ in 0..<200 { _ = budget.admit(now: 0, always: false) }
        #expect(budget.admit(now: 0, always: false) == nil)
        #expect(budget.admit(now: 0, always: true) == 1)
        #expect(budget.admit(now: 0, always: true) == 0)
    }

    @Test("D9, D10: a clock that jumps gives a burst at most")
    func clock() {
        let budget = LineBudget(now: 1_000_000_000)
        for _ in 0..<200 { _ = budget.admit(now: 1_000_000_000, always: false) }
        #expect(budget.admit(now: 0, always: false) == nil)
        var passed = 0
        for _ in 0..<1000 where budget.admit(now: .max, always: false) != nil { passed += 1 }
        #expect(passed == 200)
        #expect(budget.admit(now: .min, always: false) == nil)
    }

    @Test(
        "nothing that a peer says forges a line, a field or a direction of reading",
        arguments: [
            ("plain", "plain"), ("", #""""#), ("two words", #""two words""#), ("a=b", #""a=b""#),
            ("line\nbreak", #"line\u{a}break"#), ("\u{1B}[31m", #"\u{1b}[31m"#), ("nul\0", #"nul\u{0}"#),
            (#"say "hi""#, #""say \"hi\"""#), (#"back\slash"#, #""back\\slash""#), ("\u{202E}x", #"\u{202e}x"#),
            ("\u{2028}", #"\u{2028}"#), ("\u{9B}31m", #"\u{9b}31m"#), ("\u{200B}a", #"\u{200b}a"#),
            ("\u{FEFF}", #"\u{feff}"#), ("żółw", "żółw"),
        ])
    func escaping(_ text: String, _ expected: String) {
        #expect(StandardErrorLog.printable(text, quoting: true) == expected)
        #expect(!StandardErrorLog.printable(text, quoting: false).unicodeScalars.contains { $0.value < 0x20 })
    }

    @Test("the level is one for all copies of the logger, so that a reload reaches them")
    func level() {
        let output = LogOutput(level: .info)
        let first = Logger(label: "x") { _ in
            StandardErrorLog(label: "x", underJournal: false, budget: LineBudget(now: 0), output: output)
        }
        var second = first
        second[metadataKey: "k"] = "v"
        second.logLevel = .debug
        #expect(first.logLevel == .debug)
    }
}
