// Who may do what, and from where: tokens, roles, Host and Origin, paths that try to climb.

import HTTP
import JSON
import ManagementAPI
import Testing

@testable import Daemon

@Suite("API access")
struct APIAccessTests {
    @Test("E1: without a credential TCP answers 401 to everything but the free operations")
    func unauthenticated() throws {
        let bench = APIBench()
        try bench.populate()
        for row in APIOperationTests.requests {
            let type = row.operation.requestBody.mediaTypes.first
            let reply = bench.send(
                row.operation.method.rawValue, row.target, row.body, type: type, from: APIBench.tcp)
            if row.operation.role == nil {
                #expect(reply.status == row.status, "\(row.operation)")
            } else {
                #expect(reply.status == 401 && reply.code == "unauthorized", "\(row.operation)")
                #expect(reply.header("www-authenticate") == "Bearer realm=\"vmesh\"")
                #expect(!reply.text.contains("192.0.2.7") && !reply.text.contains("2001:db8:2::"))
            }
        }
        #expect(bench.router.applied.isEmpty && bench.router.resets.isEmpty)
    }

    @Test("roles: metrics < read < admin", arguments: Operation.allCases)
    func roles(operation: Operation) throws {
        guard let needed = operation.role else { return }
        let bench = APIBench()
        try bench.populate()
        let row = try #require(APIOperationTests.requests.first { $0.operation == operation })
        for connection in [APIBench.scraper, APIBench.reader, APIBench.unix] {
            guard case .unix(let role, _, _) = connection.transport else { continue }
            let type = operation.requestBody.mediaTypes.first
            let reply = bench.send(operation.method.rawValue, row.target, row.body, type: type, from: connection)
            #expect((reply.status == 403) == (role < needed), "\(operation) as \(role): \(reply.status)")
        }
    }

    @Test("a token works with its role until it expires or is revoked, and is kept by digest only")
    func tokens() throws {
        let bench = APIBench()
        let made = bench.send("POST", "/v1/tokens", #"{"name":"prom","role":"read","expires_in_seconds":60}"#)
        let secret = try #require(made.json["token"]?.stringValue)
        #expect(secret.hasPrefix("vmt_") && secret.utf8.count == 47)
        let auth: HTTPHeaders = ["authorization": "bearer \(secret)"]
        let who = bench.send("GET", "/v1/whoami", headers: auth, from: APIBench.tcp)
        #expect(who.json["method"] == "bearer" && who.json["subject"] == "prom" && who.json["role"] == "read")
        #expect(bench.send("GET", "/v1/tokens", headers: auth, from: APIBench.tcp).code == "forbidden")
        #expect(bench.send("POST", "/v1/tokens", #"{"name":"prom","role":"admin"}"#).code == "exists")
        // What was saved can be loaded, and does not hold the token.
        let saved = try #require(bench.savedTokens)
        #expect(!String(decoding: saved, as: UTF8.self).contains(secret))
        let again = TokenTable(random: { _ in [] }, sha256: APIBench.digest) { _ in true }
        try again.load(saved)
        #expect(again.token(digest: APIBench.digest(Array(secret.utf8)), now: bench.now)?.name == "prom")
        #expect(throws: ConfigFlaws.self) { try again.load(Array(#"{"tokens":[{"name":"x"}]}"#.utf8)) }
        bench.now = Timestamp(milliseconds: bench.now.milliseconds + 60_000)
        #expect(bench.send("GET", "/v1/whoami", headers: auth, from: APIBench.tcp).status == 401)
        #expect(bench.send("DELETE", "/v1/tokens/prom").status == 204)
        #expect(bench.send("DELETE", "/v1/tokens/prom").status == 404)
        bench.canSaveTokens = false
        #expect(bench.send("POST", "/v1/tokens", #"{"name":"x","role":"read"}"#).code == "persist-unavailable")
        #expect(bench.send("GET", "/v1/tokens").json["items"]?.arrayValue?.isEmpty == true)
    }

    @Test("a wrong token is 401 ten times a minute and 429 after that; a right one always passes")
    func limiter() {
        let bench = APIBench()
        let good = bench.token()
        let bad: HTTPHeaders = ["authorization": "Bearer vmt_wrong"]
        for _ in 0..<10 {
            #expect(bench.send("GET", "/v1/status", headers: bad, from: APIBench.tcp).status == 401)
        }
        let limited = bench.send("GET", "/v1/status", headers: bad, from: APIBench.tcp)
        #expect(limited.status == 429 && limited.header("retry-after") == "60")
        #expect(bench.send("GET", "/v1/status", headers: good, from: APIBench.tcp).status == 200)
        #expect(bench.send("GET", "/v1/status", from: APIBench.tcp).status == 401)
        bench.milliseconds = 60_000
        #expect(bench.send("GET", "/v1/status", headers: bad, from: APIBench.tcp).status == 401)
    }

    @Test(
        "an Authorization that is not one Bearer token is 401",
        arguments: ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a b", "Bearer a,b", "Bearer \u{e4}"])
    func malformed(field: String) {
        let reply = APIBench().send("GET", "/v1/status", headers: ["authorization": field], from: APIBench.tcp)
        #expect(reply.status == 401)
    }

    @Test("a listed client certificate is somebody, any other is nobody")
    func clientCertificates() {
        let fingerprint = String(repeating: "0c", count: 32)
        let client = APIConfig.Client(fingerprint: fingerprint, name: "prom", role: .metrics)
        let bench = APIBench(settings: APISettings(clients: [client]))
        func connection(_ fingerprint: String) -> APIConnection {
            APIConnection(
                listener: "tcp",
                transport: .tcp(source: "127.0.0.1", local: "127.0.0.1", isTLS: true, clientFingerprint: fingerprint))
        }
        #expect(bench.send("GET", "/metrics", from: connection(fingerprint)).status == 200)
        #expect(bench.send("GET", "/v1/status", from: connection(fingerprint)).status == 403)
        #expect(bench.send("GET", "/metrics", from: connection(String(repeating: "0d", count: 32))).status == 401)
    }

    @Test(
        "C31: the Host must be one of ours on TCP",
        arguments: [
            ("evil.example:8080", false), (nil, false), ("localhost", true), ("localhost:1", true),
            ("127.0.0.1:5121", true), ("[::1]:5121", true), ("LOCALHOST.", true), ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false), ("", false), ("[::1", false), ("::1", false), ("127.0.0.1.", false),
            ("R1.mgmt.example.com:5121", true), ("r1.mgmt.example.com.evil", false), ("192.0.2.1", false),
            ("localhost:x", false), ("localhost:", false), ("localhost:65536", false), ("localhost:65535", true),
            ("127.0.0.1@evil.example", false),
        ] as [(String?, Bool)])
    func host(host: String?, isAllowed: Bool) {
        let bench = APIBench()
        let auth = bench.token()
        for target in ["/v1/status", "/healthz"] {
            let reply = bench.send("GET", target, headers: auth, host: host, from: APIBench.tcp)
            #expect(reply.status == (isAllowed ? 200 : 403))
            if !isAllowed { #expect(reply.code == "host-not-allowed") }
        }
        // Nobody's page reaches a Unix socket.
        #expect(bench.send("GET", "/v1/status", host: host).status == 200)
    }

    @Test(
        "C31, E3: a page of another origin is refused before any work",
        arguments: [
            ("origin", "https://evil.example", 403), ("origin", "null", 403), ("origin", "http://localhost:5121", 200),
            ("origin", "http://localhost:3000", 403), ("origin", "https://localhost:5121", 403), ("origin", "", 403),
            ("sec-fetch-site", "cross-site", 403), ("sec-fetch-site", "same-site", 403),
            ("sec-fetch-site", "none", 200),
            ("sec-fetch-site", "same-origin", 200),
        ])
    func origin(name: String, value: String, status: Int) {
        let bench = APIBench()
        var headers = bench.token()
        headers.append(name, value)
        let reply = bench.send("GET", "/v1/status", headers: headers, from: APIBench.tcp)
        #expect(reply.status == status)
        if status == 403 { #expect(reply.code == "origin-not-allowed") }
        // C31 (g): a preflight gets no permission.
        let preflight = bench.send("OPTIONS", "/v1/config/peers/x", headers: headers, from: APIBench.tcp)
        #expect(preflight.response.headers.fields.allSatisfy { !$0.name.hasPrefix("access-control") })
    }

    @Test(
        "E9: nothing climbs out of the table",
        arguments: [
            "/../etc/passwd", "/v1/../v1/status", "/v1/%2e%2e/v1/status", "/v1%2fstatus", "/v1/status/", "//v1/status",
            "/v1//status", "/v1/status%00", "/%252e%252e/x", "/v1\\status", "/problems/..%2f..%2fetc%2fpasswd",
            "/openapi.yaml/..", "/V1/status", "/v1/peers/%2e%2e/reset/x", "/v1/vifs/..%2f..", "/v1/config/peers/..",
            "/v1/routes/2001:db8::%2F64", "/v1/tokens/", "/ui/../healthz", "/v1/peers/",
        ])
    func traversal(path: String) throws {
        let bench = APIBench()
        try bench.populate()
        #expect(bench.send("GET", path).status == 404, "\(path)")
    }

    @Test("E11: tokens appear in no answer but the one that makes them, and in no log or audit line")
    func secrets() throws {
        let bench = APIBench()
        try bench.populate()
        let auth = bench.token()
        let secret = String(try #require(auth["authorization"]).dropFirst("Bearer ".count))
        for row in APIOperationTests.requests where row.operation != .createToken {
            let type = row.operation.requestBody.mediaTypes.first
            let reply = bench.send(
                row.operation.method.rawValue, row.target, row.body, type: type, headers: auth, from: APIBench.tcp)
            #expect(!reply.text.contains(secret), "\(row.operation)")
        }
        // At the wrong place, too.
        for target in ["/v1/status?access_token=\(secret)", "/v1/config/peers/x?token=\(secret)"] {
            let reply = bench.send("PUT", target, #"{"addrs":["a:1"]}"#, from: APIBench.unix)
            #expect(!reply.text.contains(secret), "\(reply.text)")
        }
        let records = bench.audit.map { String(decoding: $0.json.serialized(), as: UTF8.self) }
        #expect(!records.isEmpty && records.allSatisfy { !$0.contains(secret) })
        #expect(bench.log.allSatisfy { !$0.path.contains(secret) })
    }

    @Test("a refused authentication is audited with its source, a write with who did it")
    func audit() throws {
        let bench = APIBench()
        _ = bench.send("GET", "/v1/status", from: APIBench.tcp)
        let refused = try #require(bench.audit.last)
        #expect(refused.actor == "127.0.0.1" && refused.status == 401 && !refused.isChanged)
        _ = bench.send("PUT", "/v1/config/peers/x?persist=false", #"{"addrs":["a:1"]}"#)
        let write = try #require(bench.audit.last)
        #expect(write.actor == "uid 1000" && write.status == 201 && write.isChanged)
        #expect(write.pointers == ["/peers/x"] && write.query == "persist=false")
        #expect(write.revisionBefore == 1 && write.revisionAfter == 2 && write.bodySHA256?.count == 64)
    }
}
