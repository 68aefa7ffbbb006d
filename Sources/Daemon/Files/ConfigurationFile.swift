// The node's configuration file: read whole, checked whole, written back whole.
//
// v1's JSON with our additions (see NodeConfig). A broken file changes nothing: reading ends in one line that names
// the file, the place (line and column, or the member's pointer) and what is wrong. Writing goes by way of a staged
// file, so that a full disk or a power cut leaves the old one or the new one (D4, D6); the document that was replaced
// is kept in the state directory.

import JSON
import ManagementAPI
import Platform
import TLS

/// Why the configuration cannot be used: one line for stderr, or a problem of the API.
struct ConfigurationError: Error, CustomStringConvertible {
    let file: String
    let problem: Problem
    /// `FILE:LINE:COLUMN: text`, or `FILE: /pointer: text`.
    let description: String
}

/// A configuration as it was read.
struct LoadedConfiguration {
    let config: NodeConfig
    /// SHA-256 of the file, lower-case hex.
    let digest: String
    let bytes: [UInt8]
    /// About members that are kept but mean nothing to this version.
    let warnings: [JSONIssue]
}

struct ConfigurationFile {
    /// The most that a configuration may be.
    static let limit = 4 << 20
    let path: String

    func load() throws(ConfigurationError) -> LoadedConfiguration {
        let bytes: [UInt8]
        do { bytes = try Files.read(path, limit: Self.limit) } catch {
            let missing = error.code == .notFound
            throw ConfigurationError(
                file: path, problem: Problem(missing ? .notFound : .persistUnavailable, "\(error)"),
                description: missing
                    ? "\(path): no such file; name the configuration with -config FILE (config.example.json shows one)"
                    : "\(error)")
        }
        return try parse(bytes)
    }

    func parse(_ bytes: [UInt8]) throws(ConfigurationError) -> LoadedConfiguration {
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes, maximumBytes: Self.limit) } catch {
            throw ConfigurationError(
                file: path, problem: Problem(.malformedJSON, "\(path):\(error.line):\(error.column): \(error.message)"),
                description: "\(path):\(error.line):\(error.column): \(error.message)")
        }
        var reader = ConfigReader(source: .file)
        do throws(ConfigFlaws) {
            let config = try reader.nodeConfig(value)
            let missing = Unsupported.issues(of: config)
            guard missing.isEmpty else { throw ConfigFlaws(missing) }
            return LoadedConfiguration(
                config: config, digest: Hex.text(sha256(bytes)), bytes: bytes, warnings: reader.warnings)
        } catch {
            let first = error.issues.first
            let more = error.issues.count > 1 ? " (and \(error.issues.count - 1) more)" : ""
            throw ConfigurationError(
                file: path, problem: .invalid(error.issues),
                description: "\(path): \(first.map { "\($0.pointer): \($0.detail)" } ?? "not valid")\(more)")
        }
    }

    /// The bytes that the file has for this configuration.
    func document(of config: NodeConfig) -> [UInt8] { config.fileJSON.serialized(pretty: true) + [0x0A] }

    /// Puts a document beside the file, ready to take its place.
    func stage(_ config: NodeConfig) throws(PlatformError) -> (file: AtomicFile, bytes: [UInt8], digest: String) {
        let bytes = document(of: config)
        return (try AtomicFile.stage(path, bytes), bytes, Hex.text(sha256(bytes)))
    }

    /// Removes what a killed predecessor had staged. Call it while the state directory is locked.
    func clearLeftovers() {
        let target = (try? Files.resolved(path)) ?? path
        let name = target.split(separator: "/").last.map(String.init) ?? target
        AtomicFile.clearLeftovers(in: Files.directory(of: target), of: name)
    }

    /// The digest of what stands on the disk now; nil if it cannot be read.
    func digestOnDisk() -> String? {
        (try? Files.read(path, limit: Self.limit)).map { Hex.text(sha256($0)) }
    }

    /// Whether a write could succeed with the rights that the process has now.
    var isWritable: Bool { Files.isWritable(directory: Files.directory(of: path)) }
}
