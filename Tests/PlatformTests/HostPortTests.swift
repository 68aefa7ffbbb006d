// Addresses with ports: what is read, and with which words the rest is refused.

import Testing

@testable import Platform

@Suite("HostPort")
struct HostPortTests {
    @Test(
        "accepted spellings",
        arguments: [
            ("192.0.2.1:5120", "192.0.2.1", 5120, "192.0.2.1:5120"),
            ("[2001:db8::1]:5120", "2001:db8::1", 5120, "[2001:db8::1]:5120"),
            ("[::]:1", "::", 1, "[::]:1"),
            ("a.vnet.example.com:65535", "a.vnet.example.com", 65535, "a.vnet.example.com:65535"),
            ("localhost:80", "localhost", 80, "localhost:80"),
            ("under_score.example.:80", "under_score.example.", 80, "under_score.example.:80"),
            ("3com.example:80", "3com.example", 80, "3com.example:80"),
        ] as [(String, String, UInt16, String)])
    func accepted(text: String, host: String, port: UInt16, description: String) throws {
        let parsed = try HostPort(parsing: text)
        #expect(parsed.host == host)
        #expect(parsed.port == port)
        #expect(parsed.description == description)
    }

    @Test(
        "refused, with the reason",
        arguments: [
            ("", "has no port"),
            ("192.0.2.1", "has no port"),
            ("2001:db8::1", "is ambiguous: write an IPv6 address in brackets, [2001:db8::1]:5120"),
            ("2001:db8::1:5120", "is ambiguous: write an IPv6 address in brackets, [2001:db8::1]:5120"),
            ("[2001:db8::1]", "has no port: write [2001:db8::1]:5120"),
            ("[2001:db8::1", "has no closing bracket"),
            ("[192.0.2.1]:80", "has no IPv6 address between its brackets"),
            ("[2001:db8::g]:80", "has no IPv6 address between its brackets"),
            ("[]:80", "has no IPv6 address between its brackets"),
            (":5120", "has no host"),
            ("host:", "has a port that is not a number from 1 to 65535"),
            ("host:0", "has a port that is not a number from 1 to 65535"),
            ("host:65536", "has a port that is not a number from 1 to 65535"),
            ("host:+80", "has a port that is not a number from 1 to 65535"),
            ("host:80 ", "has a port that is not a number from 1 to 65535"),
            ("host:http", "has a port that is not a number from 1 to 65535"),
            ("192.0.2:80", "holds neither an IPv4 address nor a name"),
            ("192.0.2.256:80", "holds neither an IPv4 address nor a name"),
            ("0x7f.1:80", "holds neither an IPv4 address nor a name"),
            ("-a.example:80", "holds a host name that is not valid"),
            ("a..example:80", "holds a host name that is not valid"),
            ("a b:80", "holds a host name that is not valid"),
            ("bücher.example:80", "holds a host name that is not valid"),
            ("http://host:80", "is ambiguous: write an IPv6 address in brackets, [2001:db8::1]:5120"),
            ("a\0b:80", "holds a host name that is not valid"),
        ])
    func refused(text: String, reason: String) {
        #expect(throws: PlatformError.malformed(text: text, reason: reason)) { try HostPort(parsing: text) }
    }

    @Test("a listener may leave the host out and ask for any port")
    func listenerForms() throws {
        #expect(try HostPort(parsing: ":5120", allowsEmptyHost: true).host == "")
        #expect(try HostPort(parsing: "127.0.0.1:0", allowsPortZero: true).port == 0)
    }

    @Test("numbers need no look-up, names do")
    func numeric() throws {
        #expect(try HostPort(parsing: "[2001:db8::1]:1").numeric?.description == "[2001:db8::1]:1")
        #expect(try HostPort(parsing: "example.com:1").numeric == nil)
    }

    @Test("an IPv4-mapped address is the IPv4 address")
    func mapped() throws {
        let mapped = try #require(SocketAddress(numeric: "::ffff:192.0.2.1", port: 7))
        #expect(mapped.description == "192.0.2.1:7")
        #expect(mapped == SocketAddress(numeric: "192.0.2.1", port: 7))
    }

    @Test("A21: sources are limited by /64 and /24")
    func sourceNetworks() throws {
        let networks = [
            "2001:db8::1", "2001:db8::ffff:0:0:1", "2001:db8:0:1::1", "192.0.2.1", "192.0.2.9", "192.0.3.1",
        ]
        .compactMap { SocketAddress(numeric: $0, port: 1)?.sourceNetwork }
        #expect(networks[0] == networks[1])
        #expect(networks[0] != networks[2])
        #expect(networks[3] == networks[4])
        #expect(networks[3] != networks[5])
    }
}
