// Reads the configuration document strictly and collects every issue by its pointer.
//
// Two callers, one reader. The file (`.file`) may have v1's spellings, and members that we do not know are kept and
// warned about: a newer or older version may know them. A request (`.request`) must be exactly what openapi.yaml
// says: an unknown member is most likely a misspelling, and taking it silently would be a promise nobody keeps.
// The parts stand in ConfigReaderParts.swift and ConfigReaderAPI.swift.

import JSON
import Routing

/// Where the document comes from.
package enum ConfigSource: Sendable, Equatable {
    case file, request
}

/// The configuration cannot be used: everything that is wrong with it.
package struct ConfigFlaws: Error, Sendable, Equatable, CustomStringConvertible {
    /// Never empty; at most 100.
    package let issues: [JSONIssue]

    package init(_ issues: [JSONIssue]) { self.issues = issues }

    /// One line a flaw.
    package var description: String { issues.map(\.description).joined(separator: "\n") }
}

/// Reads one document; `warnings` fills on the way.
package struct ConfigReader {
    package let source: ConfigSource
    /// Unknown members that were kept, and old spellings that will be written back in the new form.
    package internal(set) var warnings: [JSONIssue] = []
    private var issues: [JSONIssue] = []
    /// The interface that v1's older files name at the top: announcements that are plain strings belong to it.
    var oldVif: String?

    package init(source: ConfigSource) { self.source = source }

    /// The whole document; in a request nothing may be null.
    package mutating func nodeConfig(_ value: JSONValue) throws(ConfigFlaws) -> NodeConfig {
        var reader = open(value, at: .root)
        var config = NodeConfig(
            listenAddress: listener(&reader, "listen_addr") ?? "", ca: path(&reader, "ca", .required) ?? "",
            certificate: path(&reader, "cert", .required) ?? "",
            privateKey: path(&reader, "private_key", .required) ?? "")
        config.serverName = reader.string("server_name", .optional, length: 0...253).flatMap { $0.isEmpty ? nil : $0 }
        config.externalPeerCertificates = paths(&reader, "external_peer_certs")
        config.stateDirectory = path(&reader, "state_dir", .optional)
        config.vifs = vifs(&reader)
        if source == .file { readOldVif(&reader, into: &config) }
        config.announcements = announcements(&reader)
        config.peers = peers(&reader)
        config.blockedPeers = blockedPeers(&reader)
        if var log = reader.reader("log", .optional, unknown: unknownMembers) {
            config.logLevel = log.choice("level", .optional, among: ["error", "warning", "info", "debug"])
            close(&log, keeping: &config.extras, under: "log")
            reader.absorb(log)
        }
        if reader.isPresent("api"), let api = apiConfig(&reader) {
            config.api = api
            config.hasAPIBlock = true
        }
        close(&reader, keeping: &config.extras, under: nil)
        issues += reader.finish()
        issues += config.referenceIssues()
        if !issues.isEmpty { throw ConfigFlaws(Array(issues.prefix(JSONObjectReader.maximumIssues))) }
        return config
    }

    // MARK: Shared by the parts

    var unknownMembers: JSONObjectReader.UnknownMembers { source == .file ? .kept : .refused }

    func open(_ value: JSONValue, at pointer: JSONPointer) -> JSONObjectReader {
        JSONObjectReader(value, at: pointer, unknown: unknownMembers)
    }

    /// An element of a list as an object; anything else is one issue, not one for each member that it lacks.
    func element(
        _ value: JSONValue, at pointer: JSONPointer, of reader: inout JSONObjectReader, isStrict: Bool = false
    ) -> JSONObjectReader? {
        guard let object = value.objectValue else {
            reader.report(pointer, code: "wrong_type", detail: "must be an object, is \(value.typeName)")
            return nil
        }
        return JSONObjectReader(object: object, at: pointer, unknown: isStrict ? .refused : unknownMembers)
    }

    /// Keeps the members nobody asked for (file only) and warns about each.
    mutating func close(_ reader: inout JSONObjectReader, keeping extras: inout JSONObject, under key: String?) {
        guard source == .file else { return }
        var kept = JSONObject()
        for member in reader.unknownMembers {
            kept[member.key] = member.value
            warnings.append(
                JSONIssue(
                    pointer: "\(reader.pointer(to: member.key))", code: "unknown_field",
                    detail: "unknown here: kept, and without effect"))
        }
        guard !kept.isEmpty else { return }
        if let key {
            extras[key] = .object(kept)
        } else {
            for member in kept.members { extras[member.key] = member.value }
        }
    }

    mutating func warn(_ pointer: JSONPointer, code: String, _ detail: String) {
        warnings.append(JSONIssue(pointer: "\(pointer)", code: code, detail: detail))
    }

    /// A path of a file: 1…4096 bytes without NUL or line break.
    func path(_ reader: inout JSONObjectReader, _ key: String, _ need: JSONObjectReader.Need) -> String? {
        guard let text = reader.string(key, need, length: 1...4096) else { return nil }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            reader.report(key, code: "not_a_path", detail: "holds a control character")
            return nil
        }
        return text
    }

    private func paths(_ reader: inout JSONObjectReader, _ key: String) -> [String] {
        guard let texts = reader.strings(key, optional, maximumCount: 4096) else { return [] }
        for (index, text) in texts.enumerated() where text.isEmpty || text.utf8.contains(where: { $0 < 0x20 }) {
            reader.report(
                reader.pointer(to: key).appending(index), code: "not_a_path",
                detail: "is empty or holds a control character")
        }
        return texts
    }

    /// Go writes null for an empty list or map, so v1's files may have it; a request may not.
    var optional: JSONObjectReader.Need { source == .file ? .nullable : .optional }

    private func listener(_ reader: inout JSONObjectReader, _ key: String) -> String? {
        guard let text = reader.string(key, length: 1...300) else { return nil }
        do throws(HostPort.Flaw) {
            return try HostPort(parsing: text, isListener: true).description
        } catch {
            reader.report(key, code: error.code, detail: error.detail)
            return nil
        }
    }
}
