// What a command runs with: flags before environment before context before the default.

import JSON
import Platform

struct Settings: Equatable {
    var endpoint = Endpoint.standard
    var token: String?
    var timeoutMilliseconds: Int64 = 10_000
    var format = OutputFormat.table
    var isColored = false
    var isQuiet = false
    var isVerbose = false

    /// Bytes of a token file.
    private static let maximumTokenFile = 4096

    /// - Parameter variable: the environment's variables; empty ones are nil.
    init(
        _ options: GlobalOptions, isTerminal: Bool, variable: (String) -> String?,
        contexts: () throws(Failure) -> Contexts
    ) throws(Failure) {
        guard options.caFile == nil, options.clientCert == nil, options.clientKey == nil else {
            throw .usage("--ca-file, --client-cert and --client-key belong to https://, which this version has not")
        }
        // A context that is named by flag goes before the environment, one that is merely in use after it; and then
        // as a whole, so that its token never goes to another router.
        let named = try options.context.map { name throws(Failure) in try contexts().context(name) }
        var fallback: Contexts.Context?
        if named == nil, options.api == nil, variable("VMESH_API") == nil {
            let all = try contexts()
            let name = variable("VMESH_CONTEXT") ?? all.current
            fallback = try name.map { name throws(Failure) in try all.context(name) }
        }
        if let text = options.api ?? named?.api ?? variable("VMESH_API") ?? fallback?.api {
            endpoint = try Endpoint(parsing: text)
        }
        if let file = options.tokenFile ?? named?.tokenFile {
            token = try Self.readToken(file)
        } else if let file = variable("VMESH_TOKEN_FILE") {
            token = try Self.readToken(file)
        } else if let text = variable("VMESH_TOKEN") {
            token = try Self.checkToken(text, "VMESH_TOKEN")
        } else if let file = fallback?.tokenFile {
            token = try Self.readToken(file)
        }
        try Self.checkSecrecy(token, endpoint)
        timeoutMilliseconds = options.timeout.milliseconds
        format = options.json ? .json : options.output ?? .table
        isQuiet = options.quiet
        isVerbose = options.verbose
        isColored =
            isTerminal && !options.noColor && variable("NO_COLOR") == nil && variable("TERM") != "dumb"
            && format != .json
    }

    private static func readToken(_ path: String) throws(Failure) -> String {
        let bytes: [UInt8]
        do throws(PlatformError) { bytes = try Files.readSecret(path, limit: maximumTokenFile) } catch {
            throw .usage("cannot read the token: \(Escaping.line("\(error)"))")
        }
        return try checkToken(String(decoding: bytes, as: UTF8.self), path)
    }

    private static func checkToken(_ text: String, _ source: String) throws(Failure) -> String {
        let token = text.drop(while: \.isWhitespace)
        let end = token.lastIndex { !$0.isWhitespace }.map { token.index(after: $0) } ?? token.startIndex
        let trimmed = token[..<end]
        guard !trimmed.isEmpty, trimmed.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .usage("\(Escaping.line(source)) holds no token")
        }
        return String(trimmed)
    }

    /// A token does not leave this machine in the clear.
    private static func checkSecrecy(_ token: String?, _ endpoint: Endpoint) throws(Failure) {
        guard token != nil, case .http(let place) = endpoint else { return }
        let isLocal = place.numeric?.isLoopback ?? (place.host.lowercased() == "localhost")
        guard isLocal else {
            throw .usage(
                "a token is not sent in the clear to \(Escaping.line("\(place)")): use the Unix socket, or "
                    + "http://127.0.0.1 through an SSH tunnel")
        }
    }
}
