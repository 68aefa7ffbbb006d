// Everything but peers as text, against golden tables.

import JSON
import Testing

@testable import vmesh

@Suite("Views")
struct ViewTests {
    private func statusBody(_ config: String) throws -> JSONValue {
        try json(
            """
            {"api_version":"1.0","version":"0.1.0","node":{"id":"3f9a1c075b5b","name":"a.vnet.example.com","domain":"vnet.example.com"},
             "uptime_seconds":273600,"peers":{"configured":4,"up":3,"down":1,"inbound":1},
             "routes":{"prefixes":128,"candidates":212,"selected":120,"rejected":6,"local":2},
             "distributed_config":{"hash":"8c1f02d4e6e6","issued_at":"2026-11-20T09:00:00.000Z"},"config":\(config),
             "health":{"status":"degraded","checks":[{"name":"node_certificate","status":"warn","detail":"expires in 12 days"},
              {"name":"vifs","status":"ok","detail":null}]}}
            """)
    }

    @Test("status in five lines")
    func status() throws {
        let sync = try json(#"[{"sync":{"status":"in_sync"}},{"sync":{"status":"behind"}}]"#).arrayValue
        let config =
            #"{"revision":43,"running_matches_file":false,"file_changed_on_disk":false,"file":"/f","pending":null}"#
        expectText(
            StatusView.status(try statusBody(config), sync: sync, plain),
            """
            router       a.vnet.example.com  3f9a1c07    up 3d 4h  version 0.1.0, API 1.0
            health       degraded: node certificate expires in 12 days
            peers        3 of 4 up, 1 inbound            routes    120 selected of 128, 6 rejected, 2 local
            config       revision 43, NOT SAVED: lost at the next start
            policy       8c1f02d4, issued 2026-11-20 09:00 UTC    1 of 2 peers in sync
            """)
    }

    @Test("without a policy, and with a file that somebody edited")
    func statusBare() throws {
        let config = #"{"revision":1,"running_matches_file":false,"file_changed_on_disk":true,"file":"/f"}"#
        let body = try statusBody(config).merging([
            "distributed_config": nil, "health": ["status": "ok", "checks": []],
        ])
        let text = StatusView.status(body, sync: nil, plain)
        #expect(text.contains("health       ok\n"))
        #expect(text.contains("config       revision 1, FILE CHANGED: `vmesh config reload` takes it\n"))
        #expect(text.hasSuffix("policy       none\n"))
    }

    private func candidate(_ peer: String, _ more: String) throws -> JSONValue {
        try json(
            """
            {"source":"learned","peer":{"id":"9c41aa20","name":"\(peer)"},"vif":null,"latency_ms":32,"status":"selected",
             "path":[{"id":"9c41","name":"\(peer)","latency_ms":12}],"reason":{"code":"only_candidate","detail":""},
             "updated_at":"2026-11-22T14:09:49.000Z"}
            """
        ).merging(try json(more))
    }

    @Test("a route with every candidate and its reason")
    func route() throws {
        let candidates = [
            try candidate(
                "b.vnet.example.com",
                """
                {"path":[{"id":"9c41","name":"b","latency_ms":12},{"id":"ab","name":null,"latency_ms":20}],
                 "reason":{"code":"hysteresis","detail":"c offers 27 ms, needs 22 ms or less to replace it"}}
                """),
            try candidate(
                "c.vnet.example.com",
                #"{"latency_ms":27,"status":"alternate","reason":{"code":"within_hysteresis","detail":""}}"#),
            try candidate(
                "x.other.example",
                """
                {"latency_ms":null,"status":"rejected",
                 "reason":{"code":"not_whitelisted","detail":"may announce 2001:db8:9::/48 up to /56"}}
                """),
        ]
        let body: JSONValue = [
            "prefix": "2001:db8:2::/48", "selected": candidates[0], "candidates": .array(candidates),
        ]
        expectText(
            RouteView.one(body, plain),
            """
            2001:db8:2::/48
            * b.vnet.example.com  32 ms  2 hops  11s ago  hysteresis: c offers 27 ms, needs 22 ms or less to replace it
              c.vnet.example.com  27 ms  1 hop   11s ago  alternate: within_hysteresis
            x x.other.example     -      1 hop   11s ago  rejected: not_whitelisted (may announce 2001:db8:9::/48 up to /56)
            """)
        let unused: JSONValue = ["prefix": "2001:db8:3::/48", "selected": nil, "candidates": .array([candidates[2]])]
        expectText(
            RouteView.list([body, unused], plain),
            """
              PREFIX           VIA                 LATENCY  HOPS    UPDATED  OTHERS  REASON
            ● 2001:db8:2::/48  b.vnet.example.com  32 ms    2 hops  11s ago  2       hysteresis
            ○ 2001:db8:3::/48  -                   -        -       -        1       not whitelisted
            """)
    }

    @Test("a look-up with what was considered")
    func lookup() throws {
        let body = try json(
            """
            {"address":"2001:db8:2::5","match":{"prefix":"2001:db8::/32","action":"deliver","peer":null,"vif":"lan"},
             "considered":[{"prefix":"2001:db8:2::/48","used":false,"reason":{"code":"not_whitelisted","detail":"no entry"}},
              {"prefix":"2001:db8::/32","used":true,"reason":{"code":"local_announcement","detail":""}}]}
            """)
        expectText(
            RouteView.lookup(body, plain),
            """
            2001:db8:2::5  to vif lan  by 2001:db8::/32
              2001:db8:2::/48  not_whitelisted: no entry
            * 2001:db8::/32    local_announcement
            """)
        let none: JSONValue = ["address": "2001:db8::1", "match": nil, "considered": []]
        expectText(RouteView.lookup(none, plain), "2001:db8::1  no route")
    }

    @Test("certificates with the days they have")
    func certificates() throws {
        let items = try json(
            """
            [{"id":"3f9a1c075b5b","role":"node","common_name":"a.vnet.example.com","subject":"CN=a","key_algorithm":"ed25519",
              "not_after":"2026-12-05T14:10:00.000Z","expires_in_seconds":1123200,"warnings":[]},
             {"id":"aa01bb22cccc","role":"ca","common_name":"Example mesh CA","subject":"","key_algorithm":"ed25519",
              "not_after":"2034-01-01T00:00:00.000Z","expires_in_seconds":224000000,"warnings":[]},
             {"id":"77aa10feaaaa","role":"external_peer","common_name":null,"subject":"CN=x","key_algorithm":"rsa",
              "not_after":"2026-11-21T14:10:00.000Z","expires_in_seconds":-86400,"warnings":["expired"]}]
            """)
        expectText(
            CertificateView.list(items.arrayValue ?? [], plain),
            """
              ROLE      NAME                ID        EXPIRES         KEY      NOTE
            ! node      a.vnet.example.com  3f9a1c07  in 13d (12-05)  ed25519
              ca        Example mesh CA     aa01bb22  in 7y           ed25519
            ! external  CN=x                77aa10fe  expired 1d ago  rsa      expired
            """)
    }

    @Test("what a change changed, and what it would change")
    func change() throws {
        let body = try json(
            """
            {"changed":true,"dry_run":true,"revision":43,"persisted":false,"changes":[
              {"op":"add","pointer":"/peers/d.example","to":{"addrs":["203.0.113.9:5120"]}},
              {"op":"replace","pointer":"/peers/b.example/udp","from":false,"to":true},
              {"op":"remove","pointer":"/peers/old.example","from":{}}],
             "effects":[{"kind":"session_reset","subject":"b.example"}],"warnings":["no backup"],"pending":null}
            """)
        expectText(
            ChangeView.text(body, plain),
            """
            dry run: this would change
            + peers/d.example      {"addrs":["203.0.113.9:5120"]}
            ~ peers/b.example/udp  false -> true
            - peers/old.example
            effects: session reset (b.example)
            ! no backup
            """)
        #expect(
            ChangeView.text(["changed": false, "changes": [], "effects": [], "warnings": []], plain)
                == "nothing to change\n")
        let real = body.merging(["dry_run": false])
        #expect(ChangeView.text(real, plain).hasPrefix("revision 43, NOT SAVED: lost at the next start\n"))
    }

    @Test("the plan of an upload")
    func plan() throws {
        let body = try json(
            """
            {"changed":true,"dry_run":true,"valid":true,"newer":true,"added":["b 2001:db8:2::/48"],"removed":[],
             "candidate":{"hash":"8c1f","issued_at":"2026-11-20T09:00:00.000Z","expires_at":"2027-11-20T09:00:00.000Z",
              "signer":{"id":"9c41","subject":"CN=Mesh CA"},"size_bytes":812},
             "routes_newly_rejected":["2001:db8:7::/48"],"routes_newly_accepted":[],"self_affected":true}
            """)
        expectText(
            PolicyView.plan(body, plain),
            """
            hash     8c1f
            issued   2026-11-20 09:00 UTC
            expires  2027-11-20 09:00 UTC, in 362d
            signer   CN=Mesh CA
            size     812 B
            would be put in force
            + b 2001:db8:2::/48
            x 2001:db8:7::/48  route would be rejected
            ! what this router itself may announce changes
            """)
    }

    @Test("interfaces")
    func vifs() throws {
        let items = try json(
            """
            [{"name":"lan","config":{"type":"tun","addresses":["2001:db8:1::1/64"]},"up":true,"device":"vm0","mtu_bytes":1420,
              "counters":{"rx_bytes":10,"tx_bytes":0,"drops":[{"packets":3},{"packets":4}]},"last_error":null},
             {"name":"svc","config":{"type":"service"},"up":false,"device":null,"mtu_bytes":null,
              "counters":{"rx_bytes":0,"tx_bytes":0,"drops":[]},"last_error":{"code":"x","detail":"no socket"}}]
            """)
        expectText(
            VifView.list(items.arrayValue ?? [], plain),
            """
              NAME  TYPE     DEVICE  MTU   ADDRESSES         RX    TX   DROPPED  NOTE
            ● lan   tun      vm0     1420  2001:db8:1::1/64  10 B  0 B  7
            ! svc   service  -       -     -                 0 B   0 B  0        no socket
            """)
    }

    @Test("an answer without any member is still a text, whichever view it meets")
    func empty() {
        let views: [(JSONValue, Style) -> String] = [
            { StatusView.status($0, sync: nil, $1) }, StatusView.whoami, StatusView.health, PeerView.one, RouteView.one,
            RouteView.lookup, VifView.one, AnnounceView.one, CertificateView.one, PolicyView.one, PolicyView.plan,
            PolicyView.check, ConfigView.status, ChangeView.text, PeerView.configuration,
        ]
        for view in views { #expect(!view([:], plain).contains("Optional")) }
        let lists: [([JSONValue], Style) -> String] = [
            PeerView.list, PeerView.configurations, RouteView.list, RouteView.fib, VifView.list, AnnounceView.list,
            CertificateView.list, PolicyView.peers, TokenView.list,
        ]
        for list in lists { #expect(list([nil, [:], "x"], plain).split(separator: "\n").count == 4) }
    }
}
