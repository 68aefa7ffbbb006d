// `-v`: what goes to the router and what comes back, on standard error, without its secrets.

import HTTP

enum Trace {
    /// Bytes of a body that are shown.
    private static let maximumBody = 4096

    static func text(_ request: HTTPRequest) -> String {
        var text = "> \(request.method) \(request.target)\n"
        for field in request.headers.fields { text += "> \(field.name): \(masked(field))\n" }
        return text + body(request.body, request.headers, "> ")
    }

    static func text(_ response: HTTPResponse) -> String {
        var text = "< \(response.status)\n"
        for field in response.headers.fields { text += "< \(field.name): \(masked(field))\n" }
        return text + body(response.body, response.headers, "< ")
    }

    private static func masked(_ field: HTTPHeaders.Field) -> String {
        ["authorization", "cookie", "set-cookie", "proxy-authorization"].contains(field.name)
            ? "***" : Escaping.line(withoutTokens(field.value))
    }

    private static func body(_ bytes: [UInt8], _ headers: HTTPHeaders, _ prefix: String) -> String {
        guard !bytes.isEmpty else { return "" }
        let type = headers["content-type"] ?? ""
        guard !type.contains("octet-stream") else { return "\(prefix)(\(bytes.count) bytes)\n" }
        // Masked before it is cut, so that no half of a token is left.
        let text = withoutTokens(String(decoding: bytes, as: UTF8.self))
        let shown = Escaping.block(String(text.prefix(maximumBody)))
        let lines = shown.split(separator: "\n", omittingEmptySubsequences: false).map { "\(prefix)\($0)\n" }
        return lines.joined() + (text.count > maximumBody ? "\(prefix)…\n" : "")
    }

    /// `vmt_…` is how the router's tokens begin.
    static func withoutTokens(_ text: String) -> String {
        let mark = Array("vmt_".utf8)
        let bytes = Array(text.utf8)
        guard bytes.count >= mark.count else { return text }
        var kept: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index...].starts(with: mark) else {
                kept.append(bytes[index])
                index += 1
                continue
            }
            kept += Array("vmt_***".utf8)
            index += mark.count
            while index < bytes.count, isTokenByte(bytes[index]) { index += 1 }
        }
        return String(decoding: kept, as: UTF8.self)
    }

    /// base64url.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
