// Writes to the configuration: idempotent, conditional, one after the other, and never a surprise.

import HTTP
import JSON
import ManagementAPI
import Routing
import Testing

@testable import Daemon

@Suite("API configuration writes")
struct APIConfigTests {
    private let target = "/v1/config/peers/b.vnet"
    private let body = #"{"name":"b.vnet","addrs":["[2001:db8::7]:5120"],"udp":true}"#
    private let patch = "application/merge-patch+json"

    @Test("C38: the same PUT again changes nothing, whatever the order and spelling")
    func idempotentPut() {
        let bench = APIBench()
        let first = bench.send("PUT", target, body)
        #expect(first.status == 201 && first.json["changed"] == true)
        let etag = first.header("etag")
        #expect(etag != nil && bench.send("GET", target).header("etag") == etag)
        let others = [
            body, #"{"udp":true,"addrs":["[2001:DB8:0::7]:5120"],"name":"B.VNET","enabled":true}"#,
            #"{"addrs":["[2001:0db8::0007]:5120"],"udp":true,"insecure_udp":false}"#,
        ]
        for other in others {
            let again = bench.send("PUT", "/v1/config/peers/B.vnet", other)
            #expect(again.status == 200 && again.json["changed"] == false && again.header("etag") == etag)
        }
        #expect(bench.router.applied.count == 1)
        #expect(bench.send("GET", target, headers: ["if-none-match": etag ?? ""]).status == 304)
        #expect(bench.send("GET", target, headers: ["if-none-match": "W/\(etag ?? "")"]).status == 304)
    }

    @Test("C38: DELETE is 200 and then 404; a second POST of a name is 409")
    func idempotentDelete() {
        let bench = APIBench()
        _ = bench.send("PUT", target, body)
        #expect(bench.send("DELETE", target).json["changed"] == true)
        #expect(bench.send("DELETE", target).code == "peer-not-found")
        _ = bench.send("PUT", "/v1/config/announcements/2001:db8:a::/48", "{}")
        #expect(bench.send("DELETE", "/v1/config/announcements/2001:0DB8:a::/48").status == 200)
        #expect(bench.send("DELETE", "/v1/config/announcements/2001:db8:a::/48").status == 404)
        #expect(bench.send("POST", "/v1/tokens", #"{"name":"x","role":"read"}"#).status == 201)
        #expect(bench.send("POST", "/v1/tokens", #"{"name":"x","role":"read"}"#).status == 409)
    }

    @Test("a dry run answers the same and changes nothing")
    func dryRun() {
        let bench = APIBench()
        let dry = bench.send("PUT", target + "?dry_run=true", body)
        #expect(dry.status == 200 && dry.json["dry_run"] == true && dry.json["changed"] == true)
        #expect(bench.router.config.peers.isEmpty)
        let real = bench.send("PUT", target + "?persist=true", body)
        #expect(dry.json["changes"] == real.json["changes"])
        #expect(bench.router.applied.last?.options.persist == true)
        #expect(bench.router.applied.last?.options.actor == "uid 1000")
        #expect(bench.send("DELETE", target + "?dry_run=true").status == 200)
        #expect(bench.router.config.peers.count == 1)
    }

    @Test(
        "C39: what a PATCH means",
        arguments: [
            (#"{"udp":null}"#, 200, nil), (#"{"udp":false}"#, 200, nil), (#"{"addrs":["192.0.2.1:1"]}"#, 200, nil),
            (#"{"unknown":1}"#, 422, "/unknown"), (#"{"udp":"yes"}"#, 422, "/udp"), (#"{"addrs":null}"#, 422, "/addrs"),
            (#"{"addrs":[5120]}"#, 422, "/addrs/0"), (#"{"name":"other"}"#, 422, "/name"), ("[]", 422, ""),
            (#"{"max_prefixes":"5"}"#, 422, "/max_prefixes"),
            (#"{"max_prefixes":9007199254740993}"#, 422, "/max_prefixes"),
        ] as [(String, Int, String?)])
    func patches(document: String, status: Int, pointer: String?) {
        let bench = APIBench()
        _ = bench.send("PUT", target, body)
        let reply = bench.send("PATCH", target, document, type: patch)
        #expect(reply.status == status, "\(reply.text)")
        if let pointer {
            #expect(reply.json["errors"]?[0]?["pointer"]?.stringValue == pointer)
            #expect(bench.router.applied.count == 1)
        } else {
            #expect(reply.json["changed"] == true)
        }
    }

    @Test("C39: null unsets to the default; echoing what GET said is no change; an array's loss is said")
    func patchDetails() {
        let bench = APIBench()
        _ = bench.send("PUT", target, body)
        let echo = bench.send("GET", target).text
        #expect(bench.send("PUT", target, echo).json["changed"] == false)
        #expect(bench.send("PATCH", target, echo, type: patch).json["changed"] == false)
        _ = bench.send("PATCH", target, #"{"udp":null}"#, type: patch)
        #expect(bench.router.config.peers.first?.udp == false)
        let loss = bench.send("PATCH", target, #"{"addrs":["192.0.2.1:1"]}"#, type: patch)
        #expect(loss.json["warnings"]?[0]?.stringValue?.contains("[2001:db8::7]:5120") == true)
        #expect(bench.send("PATCH", "/v1/config/peers/none", "{}", type: patch).code == "peer-not-found")
    }

    @Test(
        "422 names every place",
        arguments: [
            ("/v1/config/peers/b.vnet", #"{"addrs":["192.0.2.1","x:0"],"x":1}"#, ["/addrs/0", "/addrs/1", "/x"]),
            ("/v1/config/peers/b.vnet", #"{}"#, ["/addrs"]), ("/v1/config/peers/b.vnet", "null", [""]),
            ("/v1/config/announcements/2001:db8:a::/48", #"{"vif":"none"}"#, ["/vif"]),
            ("/v1/config/announcements/2001:db8:a::/48", #"{"prefix":"2001:db8:b::/48"}"#, ["/prefix"]),
            ("/v1/config/announcements/ff02::/16", "{}", ["/prefix"]),
            ("/v1/config/announcements/fe80::/64", "{}", ["/prefix"]),
            ("/v1/config/announcements/::ffff:0:0/96", "{}", ["/prefix"]),
            ("/v1/config/announcements/::1/128", "{}", ["/prefix"]),
        ] as [(String, String, [String])])
    func validation(target: String, body: String, pointers: [String]) {
        let reply = APIBench().send("PUT", target, body)
        #expect(reply.status == 422 && reply.code == "validation-failed", "\(reply.text)")
        let found = reply.json["errors"]?.arrayValue?.compactMap { $0["pointer"]?.stringValue } ?? []
        #expect(Array(found.prefix(pointers.count)) == pointers)
    }

    @Test("a peer's name must be one")
    func names() {
        for name in ["..", "a%20b", "-x", "%00", "a%2fb", "x."] {
            let reply = APIBench().send("PUT", "/v1/config/peers/\(name)", #"{"addrs":["a:1"]}"#)
            #expect(reply.status == (name == "%00" ? 404 : 422), "\(name): \(reply.text)")
        }
    }

    @Test(
        "C29: one prefix, many spellings in the path",
        arguments: [
            ("2001:0DB8:0:0:0:0:0:0/32", 200), ("2001:DB8::/32", 200), ("2001:db8::/32", 200), ("2001:db8::1/32", 422),
            ("2001:db8::/032", 400), ("2001:db8::/+32", 400), ("2001:db8::/32/", 404), ("2001:db8::", 404),
            ("%202001:db8::/32", 400), ("[2001:db8::]/32", 400), ("fe80::%25eth0/64", 400), ("::/129", 400),
            ("2001:db8:::/32", 400), ("2001:db8::%2F32", 404), ("10.0.0.0/8", 400), ("2001:db8::/-1", 400),
            ("2001:db8::/3%32", 200),
        ])
    func spellings(text: String, status: Int) throws {
        let bench = APIBench()
        let created = bench.send("PUT", "/v1/config/announcements/2001:db8::/32", "{}")
        #expect(created.status == 201)
        let item = bench.send("GET", "/v1/config/announcements/\(text)")
        #expect(item.status == status, "\(item.text)")
        if status == 200 {
            #expect(item.json["prefix"] == "2001:db8::/32")
            #expect(bench.send("PUT", "/v1/config/announcements/\(text)", "{}").json["changed"] == false)
        }
        if status == 422 { #expect(item.text.contains("did you mean 2001:db8::/32?")) }
        #expect(bench.router.config.announcements.count == 1)
    }

    @Test(
        "E12: If-Match and If-None-Match",
        arguments: [
            ("if-match", "CURRENT", 200), ("if-match", "*", 200), ("if-match", "\"other\", CURRENT", 200),
            ("if-match", "\"other\"", 412), ("if-match", "W/CURRENT", 412), ("if-none-match", "*", 412),
            ("if-none-match", "\"other\"", 200), ("if-none-match", "CURRENT", 412), ("if-match", "other", 400),
            ("if-match", "", 412),
        ])
    func preconditions(name: String, value: String, status: Int) {
        let bench = APIBench()
        let etag = bench.send("PUT", target, body).header("etag") ?? ""
        let headers: HTTPHeaders = [name: value.replacing("CURRENT", with: etag)]
        let reply = bench.send("PUT", target, #"{"addrs":["192.0.2.1:1"]}"#, headers: headers)
        #expect(reply.status == status, "\(reply.text)")
        if status == 412 {
            #expect(reply.code == "precondition-failed" && reply.json["current_etag"]?.stringValue == etag)
            #expect(bench.router.applied.count == 1)
        }
    }

    @Test("If-Match on what is not there is 412; create-only creates once")
    func createOnly() {
        let bench = APIBench()
        #expect(bench.send("PUT", target, body, headers: ["if-match": "*"]).status == 412)
        #expect(bench.send("PUT", target, body, headers: ["if-none-match": "*"]).status == 201)
        #expect(bench.send("PUT", target, body, headers: ["if-none-match": "*"]).status == 412)
        #expect(bench.send("DELETE", target, headers: ["if-match": "\"x\""]).status == 412)
    }

    @Test("E12: of fifty writers with the same If-Match one wins, and no change is lost")
    func concurrent() {
        let bench = APIBench()
        let etag = bench.send("PUT", target, body).header("etag") ?? ""
        bench.router.isSlow = true
        var statuses: [Int] = []
        for index in 0..<50 {
            let patch = #"{"max_prefixes":\#(index + 1)}"#
            bench.begin("PATCH", target, patch, type: self.patch, headers: ["if-match": etag]) {
                statuses.append($0.status)
            }
        }
        // Unconditional writers to other items wait in the same queue.
        for index in 0..<10 {
            bench.begin("PUT", "/v1/config/peers/p\(index)", #"{"addrs":["a:1"]}"#) { statuses.append($0.status) }
        }
        for _ in 0..<100 { bench.router.release() }
        #expect(statuses.count == 60)
        #expect(statuses.count { $0 == 200 } == 1)
        #expect(statuses.count { $0 == 412 } == 49)
        #expect(statuses.count { $0 == 201 } == 10)
        #expect(bench.router.config.peers.count == 11)
        // Linear: each state was made from the one before.
        let revisions = bench.router.applied.map(\.change.baseRevision)
        #expect(revisions == revisions.sorted() && Set(revisions).count == revisions.count)
    }

    @Test("more writes than the queue holds are 429")
    func overload() {
        let bench = APIBench()
        bench.router.isSlow = true
        var statuses: [Int] = []
        for index in 0..<70 {
            bench.begin("PUT", "/v1/config/peers/p\(index)", #"{"addrs":["a:1"]}"#) { statuses.append($0.status) }
        }
        #expect(statuses == [Int](repeating: 429, count: 70 - 1 - WriteQueue.maximumWaiting))
        for _ in 0..<100 { bench.router.release() }
        #expect(statuses.count == 70)
    }

    @Test("a reload by signal between plan and apply: the write is made again from what is there then")
    func staleChange() {
        let bench = APIBench()
        var interruptions = 1
        bench.router.onApply = {
            guard interruptions > 0 else { return }
            interruptions -= 1
            bench.router.config.logLevel = "debug"
            bench.router.revision += 1
        }
        #expect(bench.send("PUT", target, body).status == 201)
        #expect(bench.router.config.logLevel == "debug" && bench.router.config.peers.count == 1)
        interruptions = 100
        bench.router.onApply = { bench.router.revision += 1 }
        #expect(bench.send("DELETE", target).status == 429)
        #expect(bench.router.config.peers.count == 1)
    }

    @Test("the document's ETag changes with every revision and stands in its status")
    func documentETag() {
        let bench = APIBench()
        let first = bench.send("GET", "/v1/config")
        #expect(bench.send("GET", "/v1/config/status").json["etag"]?.stringValue == first.header("etag"))
        #expect(bench.send("GET", "/v1/status").json["config"]?["etag"]?.stringValue == first.header("etag"))
        _ = bench.send("PUT", target, body)
        #expect(bench.send("GET", "/v1/config", headers: ["if-none-match": first.header("etag") ?? ""]).status == 200)
        _ = bench.send("DELETE", target)
        let last = bench.send("GET", "/v1/config")
        #expect(last.text == first.text && last.header("etag") != first.header("etag"))
    }
}
