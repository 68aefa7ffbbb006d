// Where the API is: `unix:///run/vmesh/vmeshd.sock` or `http://127.0.0.1:5121`.

import Platform

enum Endpoint: Equatable {
    /// An absolute path.
    case unix(String)
    case http(HostPort)

    static let standard = Endpoint.unix("/run/vmesh/vmeshd.sock")
    private static let standardPort: UInt16 = 5121

    /// Reads a URL; a bare absolute path is a socket too.
    init(parsing text: String) throws(Failure) {
        if text.hasPrefix("/") {
            self = .unix(text)
        } else if text.hasPrefix("unix:") {
            let rest = text.dropFirst("unix:".count)
            let path = rest.hasPrefix("//") ? rest.dropFirst(2) : rest
            guard path.hasPrefix("/") else { throw .usage("--api '\(text)': write unix:///run/vmesh/vmeshd.sock") }
            self = .unix(String(path))
        } else if text.hasPrefix("http://") {
            var place = text.dropFirst("http://".count)
            if place.hasSuffix("/") { place = place.dropLast() }
            // The part after the last colon is a port, unless that colon stands inside brackets.
            let hasPort = place.lastIndex(of: ":").map { !place[$0...].contains("]") } ?? false
            do throws(PlatformError) {
                self = .http(try HostPort(parsing: hasPort ? String(place) : "\(place):\(Self.standardPort)"))
            } catch {
                throw .usage("--api: \(error)")
            }
        } else if text.hasPrefix("https://") {
            throw .usage(
                "--api '\(text)': https:// is not available in this version; use the Unix socket, or http:// through "
                    + "`ssh -L 5121:127.0.0.1:5121`")
        } else {
            throw .usage("--api '\(text)': write unix:///PATH or http://HOST:PORT")
        }
    }

    /// What Host says; nothing on a socket, where it means nothing.
    var authority: String? {
        if case .http(let place) = self { "\(place)" } else { nil }
    }
}

extension Endpoint: CustomStringConvertible {
    var description: String {
        switch self {
        case .unix(let path): Escaping.line(path)
        case .http(let place): Escaping.line("\(place)")
        }
    }
}
