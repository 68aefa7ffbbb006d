// The few words of gRPC that a peer link speaks: the heads around its one stream, and how the stream ends.
//
// A link is one call, `POST /VnetPeer/Input`, both directions open until the link closes (protocol-v1, Link). The
// client sends its head, the server answers with its own at once, since a Go client waits for it, and both then send
// gRPC frames. The server ends a call with trailers; where it refuses one at the start, the only head it sends is
// head and trailers in one ("Trailers-Only" in gRPC's PROTOCOL-HTTP2).

/// gRPC status codes.
package enum GRPCStatus: Int, Sendable, Equatable {
    case ok = 0, cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
    case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented, `internal`, unavailable, dataLoss
    case unauthenticated
}

/// How a call ended.
package struct GRPCOutcome: Sendable, Equatable {
    /// The status.
    package let status: GRPCStatus
    /// Decoded `grpc-message`, at most 1 KiB; comes from the peer, so it is for logs that escape.
    package let message: String

    /// An outcome.
    package init(_ status: GRPCStatus, _ message: String = "") {
        self.status = status
        self.message = message
    }
}

/// Builds and checks the heads of a peer link's call.
package enum GRPCLink {
    /// The path of the one method.
    package static let path = "/VnetPeer/Input"

    /// The head with which a client opens the call.
    package static func requestHeaders(authority: String, userAgent: String) -> HTTPHeaders {
        [
            ":method": "POST", ":scheme": "https", ":path": path, ":authority": authority,
            "content-type": "application/grpc", "te": "trailers", "user-agent": userAgent,
        ]
    }

    /// The head with which a server accepts it.
    package static var responseHeaders: HTTPHeaders { [":status": "200", "content-type": "application/grpc"] }

    /// The trailers that end an accepted call.
    package static func trailers(_ outcome: GRPCOutcome) -> HTTPHeaders {
        var fields: HTTPHeaders = ["grpc-status": String(outcome.status.rawValue)]
        if !outcome.message.isEmpty { fields.append("grpc-message", encodeMessage(outcome.message)) }
        return fields
    }

    /// The only head of a call that is refused by a gRPC status; it ends the stream.
    package static func trailersOnly(_ outcome: GRPCOutcome) -> HTTPHeaders {
        HTTPHeaders(responseHeaders.fields + trailers(outcome).fields)
    }

    /// Judges a request's head (fault A24). Nil: accept it. Else the head that refuses it, to be sent with
    /// `endsStream`, so without a body.
    ///
    /// What is not gRPC at all gets an HTTP status (gRPC's specification asks for 415 on a foreign content type);
    /// what is gRPC for something else gets UNIMPLEMENTED.
    package static func refusal(of request: HTTPHeaders) -> HTTPHeaders? {
        guard request[":method"] == "POST" else { return [":status": "405", "allow": "POST"] }
        guard isGRPC(request) else { return [":status": "415"] }
        guard request[":path"] == path else {
            return trailersOnly(GRPCOutcome(.unimplemented, "there is only \(path)"))
        }
        // A proxy that cannot carry trailers drops this field; such a path would never tell us how a call ended.
        guard request.listContains("te", token: "trailers") else {
            return trailersOnly(GRPCOutcome(.internal, "te: trailers is missing"))
        }
        if let encoding = request["grpc-encoding"], encoding != "identity" {
            return trailersOnly(GRPCOutcome(.unimplemented, "no compression is supported"))
        }
        return nil
    }

    /// Judges a response's head. Nil: the call was accepted and messages follow. `endsStream`: it is a head and
    /// trailers in one.
    package static func outcome(ofResponse response: HTTPHeaders, endsStream: Bool) -> GRPCOutcome? {
        guard response[":status"] == "200" else {
            let status = response[":status"].flatMap(HTTPSyntax.decimal) ?? 0
            return GRPCOutcome(self.status(forHTTP: status), "HTTP status \(status)")
        }
        guard isGRPC(response) else { return GRPCOutcome(.unknown, "the answer is not gRPC") }
        return endsStream || response["grpc-status"] != nil ? outcome(ofTrailers: response) : nil
    }

    /// Reads how a call ended from its trailers.
    package static func outcome(ofTrailers trailers: HTTPHeaders) -> GRPCOutcome {
        guard let status = trailers["grpc-status"].flatMap(HTTPSyntax.decimal).flatMap(GRPCStatus.init(rawValue:))
        else { return GRPCOutcome(.unknown, "grpc-status is missing or unknown") }
        return GRPCOutcome(status, decodeMessage(trailers["grpc-message"] ?? ""))
    }

    /// Percent-encodes a `grpc-message`: printable ASCII but `%` stays.
    package static func encodeMessage(_ message: String) -> String {
        PercentCoding.encode(message) { $0 >= 0x20 && $0 <= 0x7E && $0 != 0x25 }
    }

    /// Decodes a `grpc-message`. gRPC asks for leniency here: what is no escape stays as it is, and it is cut at
    /// 1 KiB, since it is only ever shown.
    package static func decodeMessage(_ text: String) -> String {
        let source = Array(text.utf8.prefix(3 * 1024))
        var bytes: [UInt8] = []
        var index = 0
        while index < source.count, bytes.count < 1024 {
            if source[index] == 0x25, index + 2 < source.count,
                let first = HTTPSyntax.hexadecimal(source[index + 1]),
                let second = HTTPSyntax.hexadecimal(source[index + 2])
            {
                bytes.append(first << 4 | second)
                index += 3
            } else {
                bytes.append(source[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `application/grpc`, also with a suffix such as `+proto` or parameters.
    private static func isGRPC(_ headers: HTTPHeaders) -> Bool {
        guard let type = MediaType(parsing: headers["content-type"] ?? "") else { return false }
        return type.essence == "application/grpc" || type.essence == "application/grpc+proto"
    }

    /// gRPC's mapping of HTTP statuses (http-grpc-status-mapping.md).
    private static func status(forHTTP status: Int) -> GRPCStatus {
        switch status {
        case 400: .internal
        case 401: .unauthenticated
        case 403: .permissionDenied
        case 404: .unimplemented
        case 429, 502, 503, 504: .unavailable
        default: .unknown
        }
    }
}
