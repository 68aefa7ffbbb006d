// The `api` block of the configuration document: listeners, clients, hosts.

import JSON

extension ConfigReader {
    mutating func apiConfig(_ reader: inout JSONObjectReader) -> APIConfig? {
        // Listeners decide who may command the router, so nothing unknown passes here, from files neither.
        guard var block = reader.reader("api") else { return nil }
        var api = APIConfig()
        if let array = block.array("listen", .optional, maximumCount: 16) {
            api.listeners = []
            for (index, value) in array.enumerated() {
                let place = block.pointer(to: "listen").appending(index)
                guard var entry = element(value, at: place, of: &block, isStrict: true) else { continue }
                if let listener = listener(&entry) { api.listeners.append(listener) }
                block.absorb(entry)
            }
        }
        for (index, value) in (block.array("clients", .optional, maximumCount: 256) ?? []).enumerated() {
            let place = block.pointer(to: "clients").appending(index)
            guard var entry = element(value, at: place, of: &block, isStrict: true) else { continue }
            if let client = client(&entry) { api.clients.append(client) }
            block.absorb(entry)
        }
        for (index, text) in (block.strings("allowed_hosts", .optional, maximumCount: 64) ?? []).enumerated() {
            guard HostPort.isHostName(text) else {
                block.report(
                    block.pointer(to: "allowed_hosts").appending(index), code: "not_a_host",
                    detail: "'\(text)' is not a host name without a port")
                continue
            }
            api.allowedHosts.append(Name.folded(text))
        }
        let words = APIConfig.Persistence.allCases.map(\.rawValue)
        api.persistence = block.choice("persist", .optional, among: words).flatMap(APIConfig.Persistence.init) ?? .auto
        api.isMetricsPublic = block.bool("metrics_public", .optional) ?? false
        api.hasConsole = block.bool("console", .optional) ?? true
        api.authFailuresPerMinute =
            block.int("auth_failures_per_minute", .optional, in: 1...1_000_000).map { Int($0) } ?? 10
        reader.absorb(block)
        return api
    }

    private func listener(_ reader: inout JSONObjectReader) -> APIConfig.Listener? {
        if reader.isPresent("unix") {
            let path = self.path(&reader, "unix", .required)
            // sun_path holds 108 bytes with its NUL (unix(7)).
            if let path, path.utf8.count > 100 {
                reader.report("unix", code: "too_long", detail: "a socket's path must have at most 100 bytes")
            }
            let mode = fileMode(&reader)
            let group = reader.string("group", .optional, length: 1...32)
            let role = self.role(&reader, default: .admin)
            return path.map { .unix(path: $0, mode: mode, group: group, role: role) }
        }
        guard let text = reader.string("tcp", length: 1...300) else {
            reader.ignore("tls")
            return nil
        }
        let place: HostPort
        do throws(HostPort.Flaw) {
            place = try HostPort(parsing: text, isListener: true)
        } catch {
            reader.report("tcp", code: error.code, detail: error.detail)
            reader.ignore("tls")
            return nil
        }
        var files: APIConfig.TLSFiles?
        if var tls = reader.reader("tls", .optional) {
            let certificate = path(&tls, "cert", .required)
            let key = path(&tls, "key", .required)
            let clientCA = path(&tls, "client_ca", .optional)
            if let certificate, let key {
                files = APIConfig.TLSFiles(certificate: certificate, key: key, clientCA: clientCA)
            }
            reader.absorb(tls)
        } else if !place.isLoopback {
            reader.report(
                "tcp", code: "plain_text", detail: "plain text is for loopback only: '\(text)' needs tls")
        }
        return .tcp(address: place.description, tls: files)
    }

    private func client(_ reader: inout JSONObjectReader) -> APIConfig.Client? {
        let fingerprint = reader.string("fingerprint_sha256", length: 64...64)
        if let fingerprint, !Name.isFingerprint(fingerprint) {
            reader.report("fingerprint_sha256", code: "not_a_fingerprint", detail: "must be 64 lower-case hex digits")
        }
        let name = reader.string("name", length: 1...63)
        if let name, let flaw = Name.flaw(inToken: name) { reader.report("name", code: "not_a_name", detail: flaw) }
        let role = self.role(&reader, default: .read)
        guard let fingerprint, let name else { return nil }
        return APIConfig.Client(fingerprint: fingerprint, name: name, role: role)
    }

    private func role(_ reader: inout JSONObjectReader, default role: Role) -> Role {
        reader.choice("role", .optional, among: Role.allCases.map(\.rawValue)).flatMap(Role.init) ?? role
    }

    /// `"0660"`: four octal digits, the first 0.
    private func fileMode(_ reader: inout JSONObjectReader) -> UInt16 {
        guard let text = reader.string("mode", .optional, length: 0...16) else { return 0o660 }
        guard text.utf8.count == 4, text.utf8.first == UInt8(ascii: "0"),
            text.utf8.allSatisfy({ (0x30...0x37).contains($0) }), let mode = UInt16(text, radix: 8)
        else {
            reader.report("mode", code: "not_a_mode", detail: "must be four octal digits such as \"0660\"")
            return 0o600
        }
        return mode
    }
}
