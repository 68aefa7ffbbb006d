// The configuration document: v1's spellings, strictness, and every flaw at its place.

import JSON
import Routing
import Testing

@testable import ManagementAPI

/// A document around the members that a row is about.
private func document(_ members: String) -> String {
    #"{"listen_addr":":5120","ca":"ca.crt","cert":"a.crt","private_key":"a.key""#
        + (members.isEmpty ? "" : ",\(members)") + "}"
}

private func read(_ text: String, _ source: ConfigSource = .file) throws -> (config: NodeConfig, warnings: [JSONIssue])
{
    var reader = ConfigReader(source: source)
    let config = try reader.nodeConfig(try JSONValue(parsing: Array(text.utf8), maximumBytes: 1 << 20))
    return (config, reader.warnings)
}

private func issues(_ text: String, _ source: ConfigSource) throws -> [String] {
    do {
        _ = try read(text, source)
        return []
    } catch let error as ConfigFlaws {
        return error.issues.map { "\($0.pointer) \($0.code)" }
    }
}

@Suite("Configuration document")
struct ConfigReaderTests {
    @Test("v1's file: repeated peers become one with several addresses, and are written back as entries")
    func repeatedPeers() throws {
        let text = document(
            #"""
            "peers":[{"addr":"192.0.2.7:5120","name":"b.vnet"},{"addr":"192.0.2.8:5120","name":"c.vnet","udp":true},
            {"addr":"[2001:DB8::7]:5120","name":"B.vnet"}],"local_announcements":[{"prefix":"2001:db8:a::/48"}]
            """#)
        let (config, warnings) = try read(text)
        #expect(warnings.isEmpty)
        #expect(config.peers.map(\.name) == ["b.vnet", "c.vnet"])
        #expect(config.peers[0].addresses == ["192.0.2.7:5120", "[2001:db8::7]:5120"])
        #expect(config.peers[1].udp)
        let entries = config.fileJSON["peers"]?.arrayValue ?? []
        #expect(entries.map { $0["addr"]?.stringValue } == ["192.0.2.7:5120", "[2001:db8::7]:5120", "192.0.2.8:5120"])
        #expect(entries.map { $0["name"]?.stringValue } == ["b.vnet", "b.vnet", "c.vnet"])
        #expect(entries[0]["udp"] == nil)
    }

    @Test("v1's older file: plain announcements and one interface at the top")
    func oldSpellings() throws {
        let (config, warnings) = try read(
            document(#""vif_type":"tun","vif_name":"vm0","local_announcements":["2001:db8:a::/48"]"#))
        #expect(config.vif(named: "default")?.tunName == "vm0")
        #expect(
            config.announcements == [AnnouncementConfig(prefix: try Prefix(parsing: "2001:db8:a::/48"), vif: "default")]
        )
        #expect(warnings.map(\.code) == ["old_spelling"])
        let file = config.fileJSON
        #expect(file["vif_type"] == nil)
        #expect(file["vifs"]?["default"]?["type"]?.stringValue == "tun")
        #expect(file["local_announcements"]?[0]?["vif"]?.stringValue == "default")
    }

    @Test("Go's null for an empty list is read from a file and refused in a request")
    func goNull() throws {
        let text = document(#""peers":null,"vifs":null,"local_announcements":null,"external_peer_certs":null"#)
        #expect(try read(text).config.peers.isEmpty)
        #expect(try issues(text, .request).count == 4)
    }

    @Test("unknown members of a file are kept where they stood, and warned about; a request is refused")
    func unknownMembers() throws {
        let text = document(
            #"""
            "future":{"a":[1]},"log":{"level":"info","colour":true},"peers":[{"addr":"192.0.2.7:5120","name":"b","x":1}],
            "vifs":{"v":{"type":"dummy","y":2}},"local_announcements":[{"prefix":"2001:db8::/48","z":3}]
            """#)
        let (config, warnings) = try read(text)
        #expect(
            Set(warnings.map(\.pointer)) == [
                "/future", "/log/colour", "/peers/0/x", "/vifs/v/y", "/local_announcements/0/z",
            ])
        let file = config.fileJSON
        #expect(file["future"]?["a"]?[0]?.integerValue == 1)
        #expect(file["log"]?["colour"]?.boolValue == true && file["log"]?["level"]?.stringValue == "info")
        #expect(file["peers"]?[0]?["x"]?.integerValue == 1)
        #expect(file["vifs"]?["v"]?["y"]?.integerValue == 2)
        #expect(file["local_announcements"]?[0]?["z"]?.integerValue == 3)
        #expect(config.json["future"] == nil)
        let found = try issues(text, .request)
        #expect(found.filter { $0.hasSuffix("unknown_field") }.count == 6, "\(found)")
    }

    @Test("both forms are read back as the same value")
    func roundTrip() throws {
        let text = document(
            #"""
            "server_name":"x","state_dir":"/var/lib/vmesh","external_peer_certs":["x.crt"],
            "peers":[{"addrs":["192.0.2.7:5120","b.example:1"],"name":"b","insecure_udp":true,"udp":true,"enabled":false,
            "import":["2001:db8::/32,max_prefix_len=48"],"export":[],"max_prefixes":5,"fingerprint_sha256":"\#(String(repeating: "0a", count: 32))"}],
            "vifs":{"lan":{"type":"tun","tun_name":"vm0","addresses":["2001:db8:a::1/64"],"mtu_bytes":1420},
            "svc":{"type":"service","service_name":"s","service_network":"unixgram","service_address":"/run/s"},"d":{"type":"dummy"}},
            "local_announcements":[{"prefix":"2001:db8:a::/48","vif":"lan"},{"prefix":"2001:db8:b::/48"}],
            "blocked_peers":[{"id":"\#(String(repeating: "0b", count: 32))","reason":"lost key"}],"log":{"level":"debug"},
            "api":{"listen":[{"unix":"/run/v.sock","mode":"0600","group":"g","role":"read"},
            {"tcp":"[2001:db8::1]:5122","tls":{"cert":"c","key":"k","client_ca":"a"}}],
            "clients":[{"fingerprint_sha256":"\#(String(repeating: "0c", count: 32))","name":"prom","role":"metrics"}],
            "allowed_hosts":["R1.example"],"persist":"never","metrics_public":true,"console":false}
            """#)
        let (config, warnings) = try read(text)
        #expect(warnings.isEmpty, "\(warnings)")
        for (form, source) in [(config.json, ConfigSource.request), (config.fileJSON, .file)] {
            var reader = ConfigReader(source: source)
            let again = try reader.nodeConfig(form)
            #expect(again == config)
            #expect(config.differences(to: again).isEmpty)
        }
    }

    @Test(
        "every flaw is named by its pointer",
        arguments: [
            (#""peers":[{"name":"b","addrs":["192.0.2.1"]}]"#, ["/peers/0/addrs/0 not_host_port"]),
            (
                #""peers":[{"name":"b","addr":"192.0.2.1"}]"#,
                ["/peers/0/addrs required", "/peers/0/addr unknown_field"]
            ),
            (#""peers":[{"name":"../b","addrs":["192.0.2.1:1"]}]"#, ["/peers/0/name not_a_name"]),
            (
                #""peers":[{"name":"b","addrs":["b:1"]},{"name":"B","addrs":["b:2"]}]"#, ["/peers/1/name duplicate"]
            ),
            (#""peers":[{"name":"b","addrs":[]}]"#, ["/peers/0/addrs too_short"]),
            (#""peers":[{"name":"b","addrs":["b:1","B:1"]}]"#, ["/peers/0/addrs/1 duplicate"]),
            (
                #""peers":[{"name":"b","addrs":["b:1"],"udp":"yes","max_prefixes":0}]"#,
                [
                    "/peers/0/udp wrong_type", "/peers/0/max_prefixes out_of_range",
                ]
            ),
            (#""peers":[{"name":"b","addrs":["b:1"],"import":["10.0.0.0/8"]}]"#, ["/peers/0/import/0 not_a_prefix"]),
            (#""local_announcements":["2001:db8::/48"]"#, ["/local_announcements/0 wrong_type"]),
            (#""local_announcements":[{"prefix":"2001:db8::1/48"}]"#, ["/local_announcements/0/prefix host_bits_set"]),
            (
                #""local_announcements":[{"prefix":"2001:db8::/48","vif":"x"}]"#,
                ["/local_announcements/0/vif unknown_vif"]
            ),
            (
                #""local_announcements":[{"prefix":"2001:db8::/48"},{"prefix":"2001:0DB8::/48"}]"#,
                ["/local_announcements/1 duplicate"]
            ),
            (#""vifs":{"a":{"type":"tap"}}"#, ["/vifs/a/type not_allowed"]),
            (#""vifs":{"a/b":{"type":"dummy"}}"#, ["/vifs/a~1b not_a_name"]),
            (#""vifs":{"a":{"type":"tun","tun_name":"0123456789abcdef"}}"#, ["/vifs/a/tun_name not_a_device"]),
            (#""vifs":{"a":{"type":"tun","mtu_bytes":1279}}"#, ["/vifs/a/mtu_bytes out_of_range"]),
            (#""vifs":{"a":{"type":"tun","mtu_bytes":65536}}"#, ["/vifs/a/mtu_bytes out_of_range"]),
            (#""vifs":{"a":{"type":"tun","mtu":1279}}"#, ["/vifs/a/mtu out_of_range"]),
            (#""vifs":{"a":{"type":"tun","mtu":1400,"mtu_bytes":1400}}"#, ["/vifs/a/mtu said_twice"]),
            (
                #""vifs":{"a":{"type":"tun","addresses":["2001:db8::1"]}}"#,
                ["/vifs/a/addresses/0 not_an_interface_address"]
            ),
            (
                #""vifs":{"a":{"type":"tun","addresses":["ff02::1/64"]}}"#,
                ["/vifs/a/addresses/0 not_an_interface_address"]
            ),
            (#""vifs":{"a":{"type":"dummy","tun_name":"x"}}"#, ["/vifs/a/tun_name no_effect"]),
            (#""vifs":{"a":{"type":"service"}}"#, ["/vifs/a/service_address required"]),
            (
                #""vifs":{"a":{"type":"tun","tun_name":"x"},"b":{"type":"tun","tun_name":"x"}}"#,
                ["/vifs/b/tun_name duplicate"]
            ),
            (#""blocked_peers":[{"id":"AB"}]"#, ["/blocked_peers/0/id too_short"]),
            (#""log":{"level":"loud"}"#, ["/log/level not_allowed"]),
            (#""api":{"listen":[{"tcp":"192.0.2.1:5121"}]}"#, ["/api/listen/0/tcp plain_text"]),
            (#""api":{"listen":[{"unix":"/s","mode":"660"}]}"#, ["/api/listen/0/mode not_a_mode"]),
            (#""api":{"allowed_hosts":["a:1"]}"#, ["/api/allowed_hosts/0 not_a_host"]),
            (#""api":{"tokens":[]}"#, ["/api/tokens unknown_field"]),
            (#""ca":"""#, ["/ca too_short"]),
        ] as [(String, [String])])
    func flaws(members: String, expected: [String]) throws {
        let text =
            members.hasPrefix(#""ca""#)
            ? #"{"listen_addr":":1","cert":"c","private_key":"k",\#(members)}"# : document(members)
        #expect(try issues(text, .request) == expected)
    }

    @Test(
        "C29: spellings of a prefix in the configuration",
        arguments: [
            ("2001:0DB8:0:0:0:0:0:0/32", "2001:db8::/32"), ("2001:DB8::/32", "2001:db8::/32"),
            ("2001:db8::1/48", nil), ("2001:db8::/032", nil), ("2001:db8::/+48", nil), ("2001:db8::/48/", nil),
            ("2001:db8::", nil), (" 2001:db8::/48", nil), ("[2001:db8::]/48", nil), ("fe80::%eth0/64", nil),
            ("64:ff9b::/96", "64:ff9b::/96"), ("::/0", "::/0"), ("::/129", nil), ("2001:db8:::/48", nil),
        ] as [(String, String?)])
    func spellings(text: String, canonical: String?) throws {
        let document = document(#""local_announcements":[{"prefix":"\#(text)"}]"#)
        guard let canonical else {
            #expect(try issues(document, .file).count == 1)
            return
        }
        #expect(try read(document).config.json["local_announcements"]?[0]?["prefix"]?.stringValue == canonical)
    }

    @Test("an edit made twice changes nothing the second time; extras survive it")
    func edits() throws {
        let config = try read(document(#""peers":[{"addr":"192.0.2.7:5120","name":"b","x":1}]"#)).config
        var peer = PeerConfig(name: "b", addresses: ["192.0.2.9:5120"])
        peer.udp = true
        let once = config.applying(.putPeer(peer))
        #expect(
            config.differences(to: once).map { "\($0.operation.rawValue) \($0.pointer)" }
                == ["replace /peers/b/addrs", "replace /peers/b/udp"])
        #expect(once.differences(to: once.applying(.putPeer(peer))).isEmpty)
        #expect(once.peers[0].extras["x"]?.integerValue == 1)
        let removed = once.applying(.removePeer("B"))
        #expect(once.differences(to: removed).map(\.pointer) == ["/peers/b"])
        #expect(removed == removed.applying(.removePeer("b")))
    }
}
