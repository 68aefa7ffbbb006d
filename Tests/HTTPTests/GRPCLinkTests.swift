// The heads and the end of a peer link's call (fault A24), alone and over two sessions.
import Testing

@testable import HTTP

@Suite struct GRPCLinkTests {
    static let good = GRPCLink.requestHeaders(authority: "r1:5120", userAgent: "vmesh/1")

    static func changed(_ name: String, _ value: String?) -> HTTPHeaders {
        var headers = good
        headers[name] = value
        return headers
    }

    @Test("the request's head is that of protocol v1, pseudo fields first")
    func head() {
        #expect(
            Self.good.fields.map { "\($0.name): \($0.value)" } == [
                ":method: POST", ":scheme: https", ":path: /VnetPeer/Input", ":authority: r1:5120",
                "content-type: application/grpc", "te: trailers", "user-agent: vmesh/1",
            ])
    }

    @Test(
        "A24: what is not our call is refused by the right status",
        arguments: [
            ("as it should be", good, nil, nil),
            ("with +proto", changed("content-type", "application/grpc+proto"), nil, nil),
            ("scheme http", changed(":scheme", "http"), nil, nil),
            ("GET", changed(":method", "GET"), "405", nil),
            ("another path", changed(":path", "/VnetPeer/Output"), "200", "12"),
            ("path with a query", changed(":path", "/VnetPeer/Input?x"), "200", "12"),
            ("JSON", changed("content-type", "application/json"), "415", nil),
            ("no content type", changed("content-type", nil), "415", nil),
            ("gRPC-Web", changed("content-type", "application/grpc-web"), "415", nil),
            ("no te", changed("te", nil), "200", "13"),
            ("gzip", changed("grpc-encoding", "gzip"), "200", "12"),
            ("identity", changed("grpc-encoding", "identity"), nil, nil),
        ] as [(String, HTTPHeaders, String?, String?)])
    func refusals(_ rule: String, _ request: HTTPHeaders, _ status: String?, _ grpc: String?) {
        let refusal = GRPCLink.refusal(of: request)
        #expect(refusal?[":status"] == status && refusal?["grpc-status"] == grpc, "\(rule)")
        #expect(refusal?.fields.first?.name == (status == nil ? nil : ":status"))
    }

    @Test(
        "messages are percent-encoded, and decoded with lenience",
        arguments: [
            ("plain text", "plain text"), ("50 %", "50 %25"), ("ä\n", "%C3%A4%0A"), ("", ""),
        ])
    func messages(_ plain: String, _ coded: String) {
        #expect(GRPCLink.encodeMessage(plain) == coded && GRPCLink.decodeMessage(coded) == plain)
    }

    @Test("a message of the peer's is cut, whatever it is")
    func hostileMessages() {
        #expect(GRPCLink.decodeMessage("%zz%") == "%zz%")
        #expect(GRPCLink.decodeMessage(String(repeating: "a", count: 100_000)).utf8.count == 1024)
        #expect(GRPCLink.decodeMessage(String(repeating: "%41", count: 100_000)).utf8.count == 1024)
    }

    @Test(
        "how a call ended",
        arguments: [
            (["grpc-status": "0"], .ok, ""),
            (["grpc-status": "8", "grpc-message": "too%20big"], .resourceExhausted, "too big"),
            ([:], .unknown, "grpc-status is missing or unknown"),
            (["grpc-status": "17"], .unknown, "grpc-status is missing or unknown"),
            (["grpc-status": "-1"], .unknown, "grpc-status is missing or unknown"),
        ] as [(HTTPHeaders, GRPCStatus, String)])
    func outcomes(_ trailers: HTTPHeaders, _ status: GRPCStatus, _ message: String) {
        #expect(GRPCLink.outcome(ofTrailers: trailers) == GRPCOutcome(status, message))
    }

    @Test("a response's head tells whether the call stands")
    func responses() {
        #expect(GRPCLink.outcome(ofResponse: GRPCLink.responseHeaders, endsStream: false) == nil)
        let refusal = GRPCLink.trailersOnly(GRPCOutcome(.unimplemented, "no"))
        #expect(GRPCLink.outcome(ofResponse: refusal, endsStream: true) == GRPCOutcome(.unimplemented, "no"))
        #expect(GRPCLink.outcome(ofResponse: [":status": "503"], endsStream: true)?.status == .unavailable)
        #expect(
            GRPCLink.outcome(ofResponse: [":status": "200", "content-type": "text/html"], endsStream: false)?.status
                == .unknown)
    }

    @Test(
        "a link over two sessions: both heads at once, messages both ways, trailers at the end",
        arguments: [Int.max, 1])
    func link(slice: Int) throws {
        let pair = try SessionPair(clientLimits: .peerLink, serverLimits: .peerLink, slice: slice)
        let up = MemorySource([], isEnded: false)
        let stream = try pair.client.submitRequest(Self.good, body: up)
        try pair.pump()
        guard case .headers(stream, let head, false)? = pair.server.drainEvents().last else {
            Issue.record("no head")
            return
        }
        #expect(GRPCLink.refusal(of: head) == nil)
        let down = MemorySource([], isEnded: false)
        try pair.server.submitResponse(stream, GRPCLink.responseHeaders, body: down)
        try pair.pump()
        #expect(pair.client.drainEvents().contains(.headers(stream, GRPCLink.responseHeaders, endsStream: false)))
        up.bytes = Array(repeating: 1, count: 300_000)
        down.bytes = Array(repeating: 2, count: 300_000)
        pair.client.resume(stream)
        pair.server.resume(stream)
        try pair.pump()
        #expect(pair.server.drainEvents().body(stream).count == 300_000)
        #expect(pair.client.drainEvents().body(stream).count == 300_000)
        down.trailers = GRPCLink.trailers(GRPCOutcome(.unavailable, "bye ä"))
        down.isEnded = true
        up.isEnded = true
        pair.client.resume(stream)
        pair.server.resume(stream)
        try pair.pump()
        let trailers = pair.client.drainEvents().compactMap {
            if case .trailers(_, let fields) = $0 { fields } else { nil }
        }
        #expect(trailers.first.map(GRPCLink.outcome(ofTrailers:)) == GRPCOutcome(.unavailable, "bye ä"))
    }
}
