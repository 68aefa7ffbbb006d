// Every operation once as it is meant, and the rules that all of them share.

import HTTP
import JSON
import ManagementAPI
import Testing

@testable import Daemon

@Suite("API operations")
struct APIOperationTests {
    /// A request for each operation that succeeds on a populated bench, and the status it answers.
    static let requests: [(operation: Operation, target: String, body: String?, status: Int)] = [
        (.getLiveness, "/healthz", nil, 200), (.getReadiness, "/readyz", nil, 200), (.getMetrics, "/metrics", nil, 200),
        (.getOpenapi, "/openapi.yaml", nil, 200), (.getProblemDoc, "/problems/not-found", nil, 200),
        (.getStatus, "/v1/status", nil, 200), (.getWhoami, "/v1/whoami", nil, 200), (.listPeers, "/v1/peers", nil, 200),
        (.getPeer, "/v1/peers/B.vnet", nil, 200),
        (.resetPeer, "/v1/peers/b.vnet/reset", #"{"mode":"soft","reason":"x"}"#, 202),
        (.listRoutes, "/v1/routes?within=2001:db8::/32&selected_only=true", nil, 200),
        (.lookupRoute, "/v1/routes/lookup?address=2001:db8::1", nil, 200),
        (.getRoute, "/v1/routes/2001:db8:1::/48", nil, 200), (.listFib, "/v1/fib", nil, 200),
        (.listVifs, "/v1/vifs", nil, 200), (.getVif, "/v1/vifs/lan", nil, 200),
        (.getConfig, "/v1/config?source=file", nil, 200), (.getConfigStatus, "/v1/config/status", nil, 200),
        (.reloadConfig, "/v1/config/reload?dry_run=true", nil, 200),
        (.putPeerConfig, "/v1/config/peers/d.vnet", #"{"addrs":["192.0.2.9:5120"]}"#, 201),
        (.getPeerConfig, "/v1/config/peers/d.vnet", nil, 200), (.listPeerConfigs, "/v1/config/peers", nil, 200),
        (.patchPeerConfig, "/v1/config/peers/d.vnet", #"{"enabled":false}"#, 200),
        (.deletePeerConfig, "/v1/config/peers/d.vnet", nil, 200),
        (.putAnnouncement, "/v1/config/announcements/2001:db8:a::/48", #"{"vif":"lan"}"#, 201),
        (.getAnnouncement, "/v1/config/announcements/2001:db8:a::/48", nil, 200),
        (.listAnnouncements, "/v1/config/announcements", nil, 200),
        (.deleteAnnouncement, "/v1/config/announcements/2001:db8:a::/48", nil, 200),
        (.listCertificates, "/v1/certificates?role=node&expires_within_seconds=60", nil, 200),
        (.getCertificate, "/v1/certificates/" + String(repeating: "aa", count: 32), nil, 200),
        (.addExternalPeerCertificate, "/v1/certificates/external-peers", #"{"certificate_pem":"-----BEGIN X"}"#, 201),
        (
            .removeExternalPeerCertificate,
            "/v1/certificates/external-peers/" + String(repeating: "77", count: 32) + "?force=true", nil, 200
        ),
        (.getDistributedConfig, "/v1/distributed-config", nil, 200),
        (.downloadDistributedConfig, "/v1/distributed-config/blob", nil, 200),
        (.listDistributedConfigPeers, "/v1/distributed-config/peers", nil, 200),
        (.checkPolicy, "/v1/distributed-config/check?node=b.vnet&prefix=2001:db8::/48", nil, 200),
        (.uploadDistributedConfig, "/v1/distributed-config", "\u{8}\u{1}", 200),
        (.createToken, "/v1/tokens", #"{"name":"t","role":"read","expires_in_seconds":60}"#, 201),
        (.listTokens, "/v1/tokens", nil, 200), (.deleteToken, "/v1/tokens/t", nil, 204),
    ]

    @Test("every operation does what it is for, and answers what openapi.yaml says")
    func happyPaths() throws {
        let bench = APIBench()
        try bench.populate()
        let document = try OpenAPISchema.load()
        #expect(Set(Self.requests.map(\.operation)) == Set(Operation.allCases))
        for row in Self.requests {
            let method = row.operation.method.rawValue
            let reply = bench.send(method, row.target, row.body, type: row.operation.requestBody.mediaTypes.first)
            #expect(reply.status == row.status, "\(row.operation): \(reply.text)")
            let type = reply.header("content-type").map { String($0.prefix { $0 != ";" }) }
            #expect(type == row.operation.responseTypes.first, "\(row.operation)")
            #expect(reply.header("cache-control") == "no-store")
            #expect(reply.header("x-content-type-options") == "nosniff")
            #expect(reply.header("x-request-id")?.utf8.count == 26)
            if type == "application/json" {
                let flaws = document.flaws(of: reply.json, answering: row.operation.rawValue, status: row.status)
                #expect(flaws.isEmpty, "\(row.operation): \(flaws)")
            }
        }
        // Each request was logged once, each write audited once.
        #expect(bench.log.count == Self.requests.count)
        #expect(bench.audit.count == Self.requests.count { $0.operation.isWrite })
    }

    @Test("C39: a node with no peer, policy or route answers by the same schemas")
    func emptyNode() throws {
        let bench = APIBench()
        let document = try OpenAPISchema.load()
        for operation in Operation.allCases where operation.method == .get && !operation.path.contains("{") {
            let query = ["lookupRoute": "?address=::1", "checkPolicy": "?node=b&prefix=::/0"][operation.rawValue] ?? ""
            let reply = bench.send("GET", operation.path + query)
            guard reply.header("content-type") == "application/json" else { continue }
            let flaws = document.flaws(of: reply.json, answering: operation.rawValue, status: reply.status)
            #expect(flaws.isEmpty, "\(operation): \(flaws)")
        }
        #expect(bench.send("GET", "/v1/distributed-config").code == "no-distributed-config")
    }

    @Test("the daemon serves openapi.yaml as it stands in the repository")
    func openapi() throws {
        let bench = APIBench()
        let first = bench.send("GET", "/openapi.yaml")
        #expect(first.text == (try OpenAPISchema.text()), "run scripts/embed-openapi")
        let again = bench.send("GET", "/openapi.yaml", headers: ["if-none-match": first.header("etag") ?? ""])
        #expect(again.status == 304 && again.response.body.isEmpty)
    }

    @Test("HEAD works for every GET; OPTIONS and 405 answer Allow")
    func methods() throws {
        let bench = APIBench()
        try bench.populate()
        for row in Self.requests where row.operation.method == .get && row.status == 200 {
            let get = bench.send("GET", row.target)
            guard get.status == 200 else { continue }
            #expect(bench.send("HEAD", row.target).status == 200, "\(row.operation)")
        }
        let options = bench.send("OPTIONS", "/v1/config/peers/x")
        #expect(options.status == 204)
        #expect(options.header("allow") == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
        for (method, target) in [
            ("POST", "/v1/status"), ("TRACE", "/v1/peers"), ("get", "/healthz"), ("PUT", "/v1/tokens"),
        ] {
            let reply = bench.send(method, target)
            #expect(reply.status == 405 && reply.header("allow")?.hasSuffix("OPTIONS") == true, "\(method) \(target)")
        }
    }

    @Test(
        "what is malformed is 400, what cannot be answered or read is 406 or 415",
        arguments: [
            ("GET", "/v1/peers?limit=0", nil, nil, "bad-request"),
            ("GET", "/v1/peers?limit=1001", nil, nil, "bad-request"),
            ("GET", "/v1/peers?limit=05", nil, nil, "bad-request"),
            ("GET", "/v1/peers?limit=+5", nil, nil, "bad-request"),
            ("GET", "/v1/peers?limit=9223372036854775808", nil, nil, "bad-request"),
            ("GET", "/v1/peers?limit", nil, nil, "bad-request"), ("GET", "/v1/peers?cursor=x", nil, nil, "bad-request"),
            ("GET", "/v1/peers?status=sideways", nil, nil, "bad-request"),
            ("GET", "/v1/peers?limit=5&limit=5", nil, nil, "unknown-parameter"),
            ("GET", "/v1/peers?confirm_seconds=60", nil, nil, "unknown-parameter"),
            ("GET", "/v1/status?callback=x", nil, nil, "unknown-parameter"),
            ("GET", "/healthz?x=1", nil, nil, "unknown-parameter"), ("GET", "/v1/peers?q=%zz", nil, nil, "bad-request"),
            ("GET", "/v1/peers?q=%ff", nil, nil, "bad-request"), ("GET", "/v1/peers/%zz", nil, nil, "bad-request"),
            ("GET", "/v1/routes?selected_only=1", nil, nil, "bad-request"),
            ("GET", "/v1/routes/lookup", nil, nil, "bad-request"),
            ("GET", "/v1/routes?peer=..", nil, nil, "bad-request"),
            ("GET", "/v1/distributed-config/check?node=a%20b&prefix=::/0", nil, nil, "bad-request"),
            ("GET", "/v1/distributed-config/check?node=a", nil, nil, "bad-request"),
            ("GET", "/v1/routes/lookup?address=fe80::1%25eth0", nil, nil, "bad-request"),
            (
                "PUT", "/v1/config/peers/x?confirm_seconds=60", #"{"addrs":["a:1"]}"#, "application/json",
                "unknown-parameter"
            ),
            ("PUT", "/v1/config/peers/x", #"{"addrs":["a:1"]}"#, "text/plain", "unsupported-media-type"),
            ("PUT", "/v1/config/peers/x", #"{"addrs":["a:1"]}"#, nil, "unsupported-media-type"),
            ("PUT", "/v1/config/peers/x", "{}", "application/json; charset=latin1", "unsupported-media-type"),
            ("PATCH", "/v1/config/peers/x", "{}", "application/json", "unsupported-media-type"),
            ("PUT", "/v1/config/peers/x", "{", "application/json", "malformed-json"),
            ("PUT", "/v1/config/peers/x", "", "application/json", "malformed-json"),
            ("PUT", "/v1/config/peers/x", #"{"addrs":["a:1"],"addrs":["a:1"]}"#, "application/json", "malformed-json"),
            ("PUT", "/v1/config/peers/x", "\(String(repeating: "[", count: 40))", "application/json", "malformed-json"),
            ("POST", "/v1/config/reload", "{}", "application/json", "bad-request"),
            ("PUT", "/v1/distributed-config", "\u{9}", "application/octet-stream", "distributed-config-invalid"),
            ("DELETE", "/v1/tokens/none", nil, nil, "not-found"),
        ] as [(String, String, String?, String?, String)])
    func refused(method: String, target: String, body: String?, type: String?, code: String) {
        let reply = APIBench().send(method, target, body, type: type)
        #expect(reply.code == code, "\(reply.text)")
        #expect(reply.header("content-type") == "application/problem+json")
        #expect(reply.json["status"]?.integerValue == Int64(reply.status))
        #expect(reply.json["type"]?.stringValue == "/problems/\(code)")
        #expect(reply.json["request_id"]?.stringValue == reply.header("x-request-id"))
    }

    @Test(
        "Accept chooses, or excludes",
        arguments: [
            ("*/*", 200, "application/json"), ("application/*;q=0.5", 200, "application/json"),
            ("", 200, "application/json"),
            ("application/x-pem-file", 200, "application/x-pem-file"),
            ("application/json;q=0.1, application/x-pem-file", 200, "application/x-pem-file"),
            ("text/html, application/x-pem-file;q=0.2, */*;q=0.1", 200, "application/x-pem-file"),
            ("text/html", 406, "application/problem+json"), ("application/json;q=0", 406, "application/problem+json"),
            ("application/problem+json", 200, "application/json"),
        ])
    func accept(field: String, status: Int, type: String) throws {
        let bench = APIBench()
        try bench.populate()
        let target = "/v1/certificates/" + String(repeating: "aa", count: 32)
        let reply = bench.send("GET", target, headers: ["accept": field])
        #expect(reply.status == status)
        #expect(reply.header("content-type") == type)
    }

    @Test("E4: a body beyond the operation's bound is 413, and the transport knows the bound from the head")
    func tooLarge() {
        let bench = APIBench()
        let large = String(repeating: " ", count: (1 << 20) + 1)
        #expect(bench.send("PUT", "/v1/config/peers/x", large).code == "payload-too-large")
        let pem = String(repeating: "x", count: (64 << 10) + 1)
        let reply = bench.send("POST", "/v1/certificates/external-peers", pem, type: "application/x-pem-file")
        #expect(reply.status == 413)
        func limit(_ method: String, _ path: String) -> Int {
            bench.service.bodyLimit(for: HTTPRequest(method: method, path: path))
        }
        #expect(limit("PUT", "/v1/config/peers/x") == 1 << 20)
        #expect(limit("PUT", "/v1/distributed-config") == (4 << 20) - (64 << 10))
        #expect(limit("GET", "/v1/peers") == 64 << 10)
        #expect(limit("PUT", "/nowhere") == 64 << 10)
    }

    @Test("stopping: reads still answer, writes are 503; a dead loop and a router that is not ready say so")
    func stopping() {
        let bench = APIBench()
        bench.router.isStopping = true
        bench.router.health = HealthBody(checks: [HealthBody.Check(name: "stopping", status: .fail)])
        #expect(bench.send("GET", "/v1/status").status == 200)
        #expect(bench.send("POST", "/v1/config/reload").code == "stopping")
        #expect(bench.send("GET", "/readyz").status == 503)
        #expect(bench.send("GET", "/healthz").status == 200)
        bench.router.isAlive = false
        #expect(bench.send("GET", "/healthz").status == 503)
    }
}
