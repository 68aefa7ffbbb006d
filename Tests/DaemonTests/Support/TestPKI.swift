// Certificates for the daemon's tests, made by the openssl command in the shapes that v1's scripts make, and signed
// configurations made by the product.

import Foundation
import Testing

@testable import Daemon
@testable import Mesh
@testable import Platform
@testable import TLS
@testable import Wire

/// A CA and what it signs, as files of one directory.
final class TestPKI {
    let directory: ScratchDirectory
    let name: String
    let authority: Certificate
    let key: PrivateKey

    var authorityPath: String { "\(directory.path)/\(name).crt" }

    /// - Parameter name: of the CA's files.
    init(in directory: ScratchDirectory, name: String = "ca") throws {
        self.directory = directory
        self.name = name
        try Self.openssl(["genpkey", "-algorithm", "ed25519", "-out", "\(name).key"], in: directory)
        try Self.openssl(
            ["req", "-new", "-x509", "-key", "\(name).key", "-subj", "/CN=\(name).example", "-days", "3650"]
                + ["-out", "\(name).crt"], in: directory)
        authority = try Certificate(pem: Files.read("\(directory.path)/\(name).crt", limit: 1 << 16))
        key = try PrivateKey(pem: Files.read("\(directory.path)/\(name).key", limit: 1 << 16))
    }

    /// Makes `file.crt` and `file.key` for a node of that name.
    @discardableResult
    func node(_ common: String, file: String) throws -> Certificate {
        try Self.openssl(["genpkey", "-algorithm", "ed25519", "-out", "\(file).key"], in: directory)
        try Files.restrict("\(directory.path)/\(file).key")
        try Self.openssl(
            ["req", "-new", "-key", "\(file).key", "-subj", "/CN=\(common)", "-out", "\(file).csr"], in: directory)
        try Self.openssl(
            ["x509", "-req", "-in", "\(file).csr", "-CA", "\(name).crt", "-CAkey", "\(name).key", "-CAcreateserial"]
                + ["-days", "365", "-out", "\(file).crt"], in: directory)
        return try Certificate(pem: Files.read("\(directory.path)/\(file).crt", limit: 1 << 16))
    }

    func context(_ file: String, pins: Set<[UInt8]> = []) throws -> TLSContext {
        let identity = try Identity(
            certificatePEM: Files.read("\(directory.path)/\(file).crt", limit: 1 << 16),
            keyPEM: Files.read("\(directory.path)/\(file).key", limit: 1 << 16))
        return try TLSContext(identity: identity, trust: TrustPolicy(authorities: [authority], pins: pins))
    }

    /// A signed configuration with this content.
    func signed(_ content: String, at issued: Int64 = SystemClock.wallSeconds() - 60) throws -> SignedConfig {
        let bytes = Array(content.utf8)
        return SignedConfig(
            certificate: try ConfigSignature.sign(content: bytes, authority: authority, key: key, notBefore: issued),
            content: bytes)
    }

    static func openssl(_ arguments: [String], in directory: ScratchDirectory) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments.joined(separator: " "))")
    }
}

extension Files {
    /// Mode 0600, as a key must have it.
    static func restrict(_ path: String) throws { try setMode(path, 0o600) }

    static func setMode(_ path: String, _ mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }
}
