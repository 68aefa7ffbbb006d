// Names, hosts with ports and filter entries: what is read, what is refused, and what the refusal says.

import Routing
import Testing

@testable import ManagementAPI

@Suite("Syntax of names and addresses")
struct SyntaxTests {
    @Test(
        "host and port in canonical form",
        arguments: [
            ("192.0.2.7:5120", "192.0.2.7:5120"), ("B.Example.COM:1", "b.example.com:1"),
            ("[2001:0DB8:0:0::1]:5120", "[2001:db8::1]:5120"), ("[fe80::1%eth0]:5120", "[fe80::1%eth0]:5120"),
            ("a_b-c.example:65535", "a_b-c.example:65535"),
        ])
    func hostPort(text: String, canonical: String) throws {
        #expect(try HostPort(parsing: text).description == canonical)
    }

    @Test(
        "no host and port",
        arguments: [
            "", ":", ":5120", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:+5",
            "192.0.2.1:5 ",
            "192.0.2.256:1", "192.0.2:1", "192.0.2.01:1", "2001:db8::1:5120", "[2001:db8::1]", "[2001:db8::1:5120",
            "[2001:db8::g]:1", "[::1%]:1", "[::1%a/b]:1", "-a.example:1", "a..example:1", "a.example.:1", "a b:1",
            "a/b:1", "@:1", "[]:1", "exa\u{e4}mple:1", String(repeating: "a", count: 400) + ":1",
        ])
    func noHostPort(text: String) {
        #expect(throws: HostPort.Flaw.self) { try HostPort(parsing: text) }
    }

    @Test("a listener may leave out its host and have port 0")
    func listener() throws {
        #expect(try HostPort(parsing: ":5120", isListener: true).description == ":5120")
        #expect(try HostPort(parsing: "[::]:0", isListener: true).description == "[::]:0")
    }

    @Test(
        "loopback is told from the rest",
        arguments: [
            ("127.0.0.1:1", true), ("127.9.9.9:1", true), ("[::1]:1", true), ("localhost:1", true), ("[::]:1", false),
            ("0.0.0.0:1", false), (":1", false), ("127.example:1", false), ("192.0.2.1:1", false),
        ])
    func loopback(text: String, isLoopback: Bool) throws {
        #expect(try HostPort(parsing: text, isListener: true).isLoopback == isLoopback)
    }

    @Test(
        "E9: what could climb or hide is no name",
        arguments: ["", ".", "..", "../x", "a/b", "a\\b", "a%2fb", "a\0", "-a", "a.", "a b", "\u{e4}", "a\n", "a\"b"])
    func noName(text: String) {
        #expect(Name.flaw(inPeer: text) != nil)
        #expect(Name.flaw(inVif: text) != nil)
        #expect(Name.flaw(inDevice: text) != nil)
    }

    @Test("a peer's name may be a CommonName or a fingerprint")
    func names() {
        #expect(Name.flaw(inPeer: "a.vnet.example.com") == nil)
        #expect(Name.flaw(inPeer: "sha256:" + String(repeating: "0a", count: 32)) == nil)
        #expect(Name.flaw(inPeer: String(repeating: "a", count: 254)) != nil)
        #expect(Name.flaw(inDevice: "abcdefghijklmno") == nil)
        #expect(Name.flaw(inDevice: "abcdefghijklmnop") != nil)
        #expect(Name.flaw(inDevice: "vm%d") != nil)
        #expect(Name.flaw(inToken: "Prom") != nil)
        #expect(Name.flaw(inToken: "prom-1.x_y") == nil)
        #expect(Name.areEqual("A.vnet.Example.com", "a.VNET.example.com"))
        #expect(!Name.areEqual("a.vnet", "a.vnet."))
    }

    @Test(
        "C28: a filter entry that is not exactly one names its column",
        arguments: [
            ("2001:db8::/32,max_prefix_len=abc", 30), ("2001:db8::/32,max_prefix_len=129", 30),
            ("2001:db8::/32,max_prefix_len=-1", 30), ("2001:db8::/32,max_prefix_len=", 30),
            ("2001:db8::/32,max_prefix_len=064", 30), ("2001:db8::/32,max_prefix_len=16", 30),
            ("2001:db8::/32,max_prefix_len=64,max_prefix_len=48", 33), ("2001:db8::/32,maxlen=64", 15),
            ("2001:db8::/32, max_prefix_len=64", 15), ("2001:db8::/32,", 15), ("10.0.0.0/8", 1), ("2001:db8::/129", 1),
            ("", 1), ("2001:db8::1/32", 1), (",max_prefix_len=64", 1),
        ])
    func noEntry(text: String, column: Int) {
        do throws(PrefixEntry.Flaw) {
            let entry = try PrefixEntry(parsing: text)
            Issue.record("'\(text)' was read as \(entry)")
        } catch {
            #expect(error.detail.contains("'\(text)', column \(column):"), "\(error.detail)")
        }
    }

    @Test("C28: entries that are right, in canonical form")
    func entries() throws {
        #expect(
            try PrefixEntry(parsing: "2001:DB8::/32,max_prefix_len=64").description == "2001:db8::/32,max_prefix_len=64"
        )
        #expect(try PrefixEntry(parsing: "2001:db8::/32,max_prefix_len=128").description == "2001:db8::/32")
        #expect(try PrefixEntry(parsing: "::/0,max_prefix_len=0").maximumLength == 0)
    }
}
