// What this release is called: said by the daemon, by the command line, and on the wire.

/// The names of the build. The version is that of CHANGELOG.md.
package enum Release {
    package static let version = "0.1.0"
    /// The commit that a package was built from, where the build says so.
    package static let commit = "unknown"
    /// As HTTP and gRPC name a program; other nodes of ours know us by the part before the slash.
    package static let userAgent = "vmesh/\(version)"
}
