// Peers as text, against golden tables.

import JSON
import Testing

@testable import vmesh

/// A peer; `more` replaces members.
private func peer(_ name: String, _ more: String) throws -> JSONValue {
    let usual = """
        {"id":"9c41aa207d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d","origin":"configured","config":null,
         "status":"up","status_since":"2026-11-19T10:10:00.000Z","direction":"outbound","remote_addr":"192.0.2.7:5120",
         "trust":"internal_ca","certificate_not_after":"2027-01-05T00:00:00.000Z","protocol_version":1,"attempts":1,
         "retry_at":null,"last_error":null,
         "latency":{"last_ms":12.1,"mean_ms":12.4,"min_ms":11.8,"max_ms":19.0,"jitter_ms":0.6,"loss_ratio":0.0,"samples":10},
         "data_channel":{"kind":"udp","encrypted":true,"status":"active","remote_addr":null,"mtu_bytes":1420,"since":null},
         "prefixes":{"received":12,"accepted":10,"rejected":2,"advertised":9,"limit":65536},
         "counters":{"rx_bytes":1288490188,"rx_packets":1023410,"tx_bytes":880803840,"tx_packets":700120,
          "drops":[{"direction":"tx","reason":"queue_full","packets":3,"bytes":4200}]},
         "config_sync":{"status":"in_sync","hash":"8c1f02d4","issued_at":null,"last_sent_at":null,"last_received_at":null},
         "warnings":[]}
        """
    var value = try json(usual).merging(try json(more))
    value = value.merging(["name": .string(name)])
    return value
}

@Suite("Peers")
struct PeerViewTests {
    static func mesh() throws -> [JSONValue] {
        [
            try peer("b.vnet.example.com", "{}"),
            try peer(
                "c.vnet.example.com",
                """
                {"status_since":"2026-11-22T12:00:00.000Z","latency":{"mean_ms":48.0,"loss_ratio":0.012},
                 "data_channel":{"kind":"stream","status":"fallback"},"prefixes":{"accepted":4,"rejected":0},
                 "counters":{"rx_bytes":83886080,"tx_bytes":95420416},"warnings":["udp silent since 10:02"]}
                """),
            try peer(
                "d.vnet.example.com",
                """
                {"status":"backoff","status_since":"2026-11-22T14:06:00.000Z","retry_at":"2026-11-22T14:10:08.000Z",
                 "last_error":{"time":"2026-11-22T14:06:00.000Z","code":"expired","detail":"certificate expired"}}
                """),
            try peer(
                "x.other.example",
                """
                {"origin":"inbound","trust":"external_cert","status_since":"2026-11-21T12:10:00.000Z",
                 "latency":{"mean_ms":20.1},"prefixes":{"accepted":1,"rejected":0},
                 "counters":{"rx_bytes":9437184,"tx_bytes":7340032}}
                """),
        ]
    }

    @Test("the list: state by shape and word, spans, bytes, notes")
    func list() throws {
        expectText(
            PeerView.list(try Self.mesh(), plain),
            """
              NAME                STATE    FOR     RTT      LOSS  DATA          RX       TX       PREFIXES         NOTE
            ● b.vnet.example.com  up       3d 4h   12.4 ms  0 %   udp           1.2 GiB  840 MiB  10 (2 rejected)
            ! c.vnet.example.com  up       2h 10m  48.0 ms  1 %   tcp fallback  80 MiB   91 MiB   4                udp silent since 10:02
            ○ d.vnet.example.com  backoff  4m      -        -     -             -        -        -                certificate expired; retry in 8s
            ● x.other.example     up       1d 2h   20.1 ms  0 %   udp           9 MiB    7 MiB    1                inbound, external
            """)
    }

    @Test("a terminal cuts the last column, then the first, and colours only the mark")
    func narrow() throws {
        let style = Style(width: 116, isColored: true, now: now)
        let lines = PeerView.list(try Self.mesh(), style).split(separator: "\n")
        #expect(lines[1].hasPrefix("\u{1B}[32m●\u{1B}[0m b.vnet"))
        #expect(lines[3].hasSuffix("certificate …"))
        let narrower = PeerView.list(try Self.mesh(), Style(width: 40, now: now)).split(separator: "\n")
        #expect(narrower[1].hasPrefix("● b.vnet.exam…  up"))
    }

    @Test("wide adds id, address, direction, trust and protocol version")
    func wide() throws {
        let text = PeerView.list([try peer("b", "{}")], Style(isWide: true, now: now))
        #expect(text.contains("9c41aa20  192.0.2.7:5120  outbound   internal  1"))
    }

    @Test("one peer as a sheet")
    func one() throws {
        expectText(
            PeerView.one(try peer("b.vnet.example.com", #"{"warnings":["certificate name differs"]}"#), plain),
            """
            name         b.vnet.example.com
            id           9c41aa207d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d
            state        up for 3d 4h
            origin       configured
            session      outbound, 192.0.2.7:5120, internal, protocol 1
            certificate  expires in 43d
            latency      12.1 ms, mean 12.4 ms, 11.8 ms to 19.0 ms, jitter 0.60 ms, loss 0 % of 10
            data         udp, encrypted, MTU 1420
            prefixes     12 received (10 accepted, 2 rejected; limit 65536), 9 advertised
            policy       in sync, 8c1f02d4
            traffic      rx 1.2 GiB (1M packets), tx 840 MiB (700k packets)
            drops        tx queue_full: 3 packets, 4.1 KiB
            warnings     certificate name differs
            """)
    }

    @Test("a name that would move the cursor or turn the line round is shown, not obeyed")
    func hostileName() throws {
        let text = PeerView.list([try peer("e\u{1B}[2Jvil\u{202E}\n", "{}")], plain)
        #expect(text.contains(#"e\u{1b}[2Jvil\u{202e}\u{a}"#))
        #expect(!text.unicodeScalars.contains("\u{1B}") && !text.unicodeScalars.contains("\u{202E}"))
    }

    @Test("configured peers")
    func configured() throws {
        let items = try json(
            """
            [{"name":"b","addrs":["192.0.2.7:5120","[2001:db8::7]:5120"],"udp":true,"insecure_udp":false,"enabled":true},
             {"name":"x","addrs":["x.example:5120"],"udp":false,"insecure_udp":false,"enabled":false,
              "import":["2001:db8:9::/48"],"export":[],"max_prefixes":5}]
            """)
        expectText(
            PeerView.configurations(items.arrayValue ?? [], plain),
            """
            NAME  ENABLED  UDP  ADDRESSES                          LIMITS
            b     yes      yes  192.0.2.7:5120 [2001:db8::7]:5120
            x     no       no   x.example:5120                     import 1, export 0, max 5
            """)
    }
}
