// A Unix datagram socket for `service` vifs: raw IPv6 packets to and from another process.
//
// Ours is bound in a private directory and connected to the service's address, so that the kernel takes datagrams
// from that one peer only. The service may not be there yet or may go away: sends then fail with ECONNREFUSED or
// ENOENT, and the owner reconnects after a pause (C25).

import CLinux

package final class DatagramSocket {
    package let descriptor: Descriptor
    /// The path of our own end.
    package let path: String
    package let peerPath: String

    private init(_ descriptor: Descriptor, path: String, peerPath: String) {
        self.descriptor = descriptor
        self.path = path
        self.peerPath = peerPath
    }

    deinit { _ = linux_unlink(path) }

    /// Binds `path` (replacing a file that an earlier run left there) with mode 0600.
    /// - Parameter path: in a directory that only this process's user may enter.
    package static func bind(path: String, peerPath: String) throws(PlatformError) -> DatagramSocket {
        for each in [path, peerPath] where each.isEmpty || each.utf8.count > 107 || each.utf8.contains(0) {
            throw .malformed(text: each, reason: "is no socket path of 1 to 107 bytes")
        }
        let descriptor = Descriptor(try check(linux_unix_datagram(), "socket", path))
        try check(linux_fchmod(descriptor.raw, 0o600), "fchmod", path)
        _ = linux_unlink(path)
        try check(linux_unix_bind(descriptor.raw, path), "bind", path)
        return DatagramSocket(descriptor, path: path, peerPath: peerPath)
    }

    /// Points the socket at the service; fails with `.notFound` or `.refused` while nobody is bound there. May be
    /// repeated.
    package func connect() throws(PlatformError) {
        try check(linux_unix_connect(descriptor.raw, peerPath), "connect", peerPath)
    }

    /// Receives one datagram, cut to the buffer; a count of 0 is an empty datagram.
    /// - Returns: bytes, or nil when none waits.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) throws(PlatformError) -> Int? {
        let count = linux_read(descriptor.raw, buffer.baseAddress, buffer.count)
        if count == -Int64(EAGAIN) { return nil }
        return Int(try check(count, "recv", path))
    }

    /// Sends one datagram whole; false when the service's queue is full (the datagram is then dropped).
    package func send(_ bytes: UnsafeRawBufferPointer) throws(PlatformError) -> Bool {
        let count = linux_send(descriptor.raw, bytes.baseAddress, bytes.count)
        if count == -Int64(EAGAIN) || count == -Int64(ENOBUFS) { return false }
        try check(count, "send", peerPath)
        return true
    }
}
