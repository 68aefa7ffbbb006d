// vmeshd's command line against v1's: Go's flag package, one dash or two, with or without "=".

import Testing

@testable import Daemon
@testable import vmeshd

@Suite("the command line of vmeshd")
struct CommandLineReaderTests {
    private func options(_ line: String) -> Options? {
        if case .run(let options) = CommandLineReader.read(line.split(separator: " ").map(String.init)) {
            options
        } else {
            nil
        }
    }

    private func complaint(_ arguments: [String]) -> String? {
        if case .wrong(let text) = CommandLineReader.read(arguments) { text } else { nil }
    }

    @Test("nothing said is v1's default")
    func defaults() throws {
        let read = try #require(options(""))
        #expect(read.config == "config.json")
        #expect(!read.debug && !read.dropPermissions && !read.checkOnly)
        #expect(read.table == nil && read.initialConfig == nil)
    }

    @Test(
        "a value follows or stands behind '=', after one dash or two",
        arguments: ["-config /x/c.json", "--config /x/c.json", "-config=/x/c.json", "--config=/x/c.json"])
    func spellings(_ line: String) throws {
        #expect(try #require(options(line)).config == "/x/c.json")
    }

    @Test("all flags of v1 in one line, as unit files have it")
    func everything() throws {
        let read = try #require(
            options("-config c.json -debug -table t.txt --drop-permissions -initial-dc dc=1.bin -check"))
        #expect(read.config == "c.json" && read.debug && read.dropPermissions && read.checkOnly)
        #expect(read.table == "t.txt")
        #expect(read.initialConfig == "dc=1.bin")
    }

    @Test(
        "a flag that is on or off takes Go's words",
        arguments: [
            ("-debug", true), ("-debug=1", true), ("-debug=t", true), ("-debug=TRUE", true), ("-debug=True", true),
            ("-debug=false", false), ("-debug=0", false), ("--debug=F", false),
        ])
    func booleans(_ line: String, _ expected: Bool) throws {
        #expect(try #require(options(line)).debug == expected)
    }

    @Test("the last of two wins")
    func repeated() throws {
        let read = try #require(options("-config a -config b -debug -debug=false"))
        #expect(read.config == "b" && !read.debug)
    }

    @Test(
        "what is not understood is one line that names it",
        arguments: [
            (["-bogus"], "unknown flag '-bogus'"), (["---config", "x"], "unknown flag '---config'"),
            (["config.json"], "unexpected argument 'config.json'"), (["-"], "unexpected argument '-'"),
            (["--", "x"], "unexpected argument '--'"), (["-config"], "-config needs a file"),
            (["-config="], "-config needs a file"), (["-table", ""], "-table needs a file"),
            (["-debug=maybe"], "-debug takes true or false, not 'maybe'"), (["-debug="], "not ''"),
            (["-=x"], "unknown flag '-=x'"), (["-Config", "x"], "unknown flag '-Config'"),
            // In Go a boolean takes no separate value, so this is an argument that nobody asked for.
            (["-debug", "false"], "unexpected argument 'false'"),
        ])
    func wrong(_ arguments: [String], _ expected: String) throws {
        let text = try #require(complaint(arguments))
        #expect(text.contains(expected))
        #expect(!text.contains("\n"))
    }

    @Test("'--' ends the flags")
    func terminator() throws {
        #expect(try #require(options("-debug --")).debug)
    }

    @Test("help and version are answers, not errors, and help names every flag")
    func shown() throws {
        for flag in ["-h", "-help", "--help"] {
            guard case .show(let text) = CommandLineReader.read([flag]) else {
                Issue.record("\(flag) shows nothing")
                continue
            }
            for name in ["-config", "-debug", "-table", "-drop-permissions", "-initial-dc", "-check", "-version"] {
                #expect(text.contains("\n  \(name)"))
            }
        }
        guard case .show(let version) = CommandLineReader.read(["--version"]) else {
            Issue.record("no version")
            return
        }
        #expect(version == "vmeshd \(Router.version)\n")
    }
}
