// Keeps web pages away from the API on TCP (case C31, fault E3), before anything else is looked at.
//
// A page of a foreign site can make the operator's browser send requests here, and by DNS rebinding even under a name
// that the page chose. Such a name never equals one of ours, so the Host must; a page that does reach us under our
// own address says its Origin, so that must be ours too. A Unix socket is out of any page's reach: exempt.

import HTTP
import ManagementAPI

enum OriginCheck {
    /// Nil, or why the request is refused.
    static func flaw(_ request: HTTPRequest, from connection: APIConnection, settings: APISettings) -> Problem? {
        guard case .tcp(_, let local, let isTLS, _) = connection.transport else { return nil }
        guard let authority = request.authority.flatMap(Authority.init), authority.isOurs(local: local, settings) else {
            return Problem(
                .hostNotAllowed, "the Host header names none of this router's addresses; see api.allowed_hosts")
        }
        let sites = request.headers.all("sec-fetch-site")
        guard sites.allSatisfy({ $0 == "same-origin" || $0 == "none" }), sites.count <= 1 else {
            return Problem(.originNotAllowed, "Sec-Fetch-Site says that the request comes from another site")
        }
        let origins = request.headers.all("origin")
        guard let origin = origins.first else { return nil }
        let scheme = isTLS ? "https://" : "http://"
        guard origins.count == 1, HTTPHeaders.lowercased(origin).hasPrefix(scheme),
            let page = Authority(String(origin.dropFirst(scheme.utf8.count))),
            page.equals(authority, defaultPort: isTLS ? "443" : "80")
        else {
            return Problem(.originNotAllowed, "the Origin is not this router's own")
        }
        return nil
    }

    /// A host and a port as `Host`, `:authority` and `Origin` have them.
    private struct Authority {
        /// Folded; IPv6 in canonical form with brackets.
        let host: String
        let port: String?

        init?(_ text: String) {
            var hostText = text
            var port: String?
            if let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")), text.utf8.last != UInt8(ascii: "]") {
                let digits = String(text[text.utf8.index(after: colon)...])
                guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), UInt16(digits) != nil else { return nil }
                port = digits
                hostText = String(text[..<colon])
            }
            // RFC 3986 lets a name end with the root's dot.
            if hostText.utf8.last == UInt8(ascii: "."), !HostPort.isIPv4(String(hostText.dropLast())) {
                hostText = String(hostText.dropLast())
            }
            guard let place = try? HostPort(parsing: "\(hostText):1") else { return nil }
            host = place.hostDescription
            self.port = port
        }

        /// Any port: one that was forwarded (ssh -L) is still us, and the port is no part of the attack.
        func isOurs(local: String, _ settings: APISettings) -> Bool {
            if settings.allowedHosts.contains(host) { return true }
            if host == local || host == "[\(local)]" { return true }
            return (try? HostPort(parsing: "\(host):1"))?.isLoopback ?? false
        }

        func equals(_ other: Authority, defaultPort: String) -> Bool {
            host == other.host && (port ?? defaultPort) == (other.port ?? defaultPort)
        }
    }
}
