// Lists in pages while the world changes, filters, and the text of the metrics.

import JSON
import ManagementAPI
import Routing
import Testing

@testable import Daemon

@Suite("API reads")
struct APIReadTests {
    private func names(_ reply: Reply) -> [String] {
        reply.json["items"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
    }

    private func peer(_ name: String) -> PeerBody {
        PeerBody(name: name, id: nil, origin: "configured", status: .idle, statusSince: FakeRouter.time)
    }

    @Test("pages survive churn: what stays is said exactly once")
    func churn() {
        let bench = APIBench()
        let stable = (10..<40).map { "p\($0)" }
        bench.router.peerList = stable.map(peer)
        var seen: [String] = []
        var cursor = ""
        var turn = 0
        while true {
            let reply = bench.send("GET", "/v1/peers?limit=7" + (cursor.isEmpty ? "" : "&cursor=\(cursor)"))
            #expect(reply.status == 200 && names(reply).count <= 7)
            seen += names(reply)
            guard let next = reply.json["next_cursor"]?.stringValue else { break }
            cursor = next
            // Somebody comes at the front, somebody at the cursor, and the cursor's own peer goes.
            turn += 1
            bench.router.peerList.append(peer("a\(turn)"))
            if let last = seen.last { bench.router.peerList.removeAll { $0.name == last } }
            bench.router.peerList.reverse()
        }
        #expect(seen.filter(stable.contains) == stable)
        #expect(Set(seen).count == seen.count)
    }

    @Test("routes are paged in prefix order; a cursor is a position or malformed")
    func routes() throws {
        let bench = APIBench()
        try bench.populate()
        let first = bench.send("GET", "/v1/routes?limit=2")
        #expect(first.json["items"]?.arrayValue?.count == 2)
        let cursor = try #require(first.json["next_cursor"]?.stringValue)
        let second = bench.send("GET", "/v1/routes?limit=2&cursor=\(cursor)")
        #expect(second.json["items"]?[0]?["prefix"] == "2001:db8:2::/48")
        #expect(second.json["next_cursor"] == .null)
        for bad in ["x", "abc", "abcde", "ab%3D%3D", "ab+/", ""] {
            #expect(bench.send("GET", "/v1/routes?cursor=\(bad)").status == 400, "\(bad)")
        }
        // Any other is a position: before everything, in between, behind everything.
        #expect(bench.send("GET", "/v1/routes?cursor=AAAA").json["items"]?.arrayValue?.count == 3)
        #expect(bench.send("GET", "/v1/routes?cursor=____").json["items"]?.arrayValue?.isEmpty == true)
        #expect(bench.send("GET", "/v1/routes?covers=2001:db8:1::5").json["items"]?.arrayValue?.count == 1)
        #expect(bench.send("GET", "/v1/routes?within=2001:db8::1/32").status == 422)
        #expect(bench.send("GET", "/v1/routes/2001:db8:9::/48").code == "route-not-found")
    }

    @Test("peers are filtered by state and text, and found by name or id")
    func peers() throws {
        let bench = APIBench()
        try bench.populate()
        #expect(names(bench.send("GET", "/v1/peers")) == ["b.vnet", "c.vnet"])
        #expect(names(bench.send("GET", "/v1/peers?status=up")) == ["b.vnet"])
        #expect(names(bench.send("GET", "/v1/peers?status=down")) == ["c.vnet"])
        #expect(names(bench.send("GET", "/v1/peers?q=192.0.2.7")) == ["b.vnet"])
        #expect(names(bench.send("GET", "/v1/peers?q=VNET")).count == 2)
        #expect(bench.send("GET", "/v1/peers/" + String(repeating: "bb", count: 32)).json["name"] == "b.vnet")
        #expect(bench.send("GET", "/v1/peers/none").code == "peer-not-found")
        #expect(bench.send("POST", "/v1/peers/none/reset", "{}").code == "peer-not-found")
        #expect(bench.send("POST", "/v1/peers/b.vnet/reset", #"{"mode":"medium"}"#).status == 422)
        #expect(bench.send("POST", "/v1/peers/b.vnet/reset", "{}").status == 202)
        #expect(bench.router.resets.count == 1 && bench.router.resets.first?.1 == .hard)
    }

    @Test("metrics: one HELP and TYPE a family, counters end in _total, labels are escaped, no sample twice")
    func metrics() throws {
        let bench = APIBench()
        try bench.populate()
        bench.router.peerList[0].name = "we\"ird\\na\nme"
        bench.router.peerList[1].latency.mean = 12.5
        var extra = MetricsSnapshot.Peer(name: "b.vnet")
        extra.connectAttempts = ["ok": 2, "timeout": 1]
        bench.router.snapshot.peers = [extra]
        _ = bench.send("GET", "/v1/status")
        let text = bench.send("GET", "/metrics").text
        var types: [String: String] = [:]
        var samples: Set<String> = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE ") {
                #expect(types.updateValue(String(words[3]), forKey: String(words[2])) == nil, "\(line)")
            } else if !line.hasPrefix("#") {
                let series = String(line[..<(line.lastIndex(of: " ") ?? line.endIndex)])
                #expect(samples.insert(series).inserted, "\(series)")
                var name = String(series.prefix { $0 != "{" })
                if types[name] == nil {
                    for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
                        name.removeLast(suffix.count)
                    }
                }
                let type = try #require(types[name], "\(line)")
                #expect((type == "counter") == name.hasSuffix("_total"), "\(line)")
            }
        }
        #expect(text.contains(#"vmesh_peer_up{peer="we\"ird\\na\nme"} 0"#))
        #expect(text.contains("vmesh_peer_rtt_seconds{peer=\"b.vnet\"} 0.0125"))
        #expect(text.contains("vmesh_peer_connect_attempts_total{peer=\"b.vnet\",result=\"timeout\"} 1"))
        #expect(text.contains(#"vmesh_api_requests_total{operation="getStatus",code="200"} 1"#))
        #expect(text.contains(#"vmesh_api_request_duration_seconds_bucket{operation="getStatus",le="+Inf"} 1"#))
        #expect(!text.contains("2001:db8:1::/48"))
    }

    @Test("base64url and hex: there and back, and nothing else")
    func encodings() {
        for count in 0..<40 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
            #expect(Hex.bytes(Hex.text(bytes)) == bytes)
        }
        #expect(Base64URL.encode([0xff, 0xfe, 0xfd]) == "__79")
        for text in ["A", "A=", "AB", "A+/=", "AAAA\n", "\u{e4}AAA"] {
            #expect(Base64URL.decode(text) == nil, "\(text)")
        }
        for text in ["0", "0g", "\u{e4}a"] { #expect(Hex.bytes(text) == nil) }
    }
}
