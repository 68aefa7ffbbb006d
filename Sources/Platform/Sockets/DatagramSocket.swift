// A Unix datagram socket for `service` vifs: raw IPv6 packets to and from another process.
//
// Ours is bound in a private directory and connected to the service's address, so that the kernel takes datagrams
// from that one peer only. The service may not be there yet or may go away: sends then fail with ECONNREFUSED or
// ENOENT, and the owner reconnects after a pause (C25).

import CLinux

/// What a receive gave.
package enum DatagramReceive: Hashable, Sendable {
    /// One datagram of so many bytes, 0 included; cut to the buffer.
    case datagram(Int)
    case wouldBlock
    /// The other side went away.
    case disconnected
}

/// What a send did.
package enum DatagramSend: Hashable, Sendable {
    case sent
    /// The service's queue is full: the datagram is lost.
    case full
    /// The datagram is too long for the socket: it is lost.
    case refused
    /// Nobody is there: connect again, after a pause.
    case disconnected
}

package final class DatagramSocket: Sendable {
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

    /// Receives one datagram.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) -> DatagramReceive {
        let count = linux_read(descriptor.raw, buffer.baseAddress, buffer.count)
        if count >= 0 { return .datagram(Int(count)) }
        return count == -Int64(EAGAIN) ? .wouldBlock : .disconnected
    }

    /// Sends one datagram whole or not at all.
    package func send(_ bytes: UnsafeRawBufferPointer) -> DatagramSend {
        let count = linux_send(descriptor.raw, bytes.baseAddress, bytes.count)
        switch -count {
        case ...0: return .sent
        case Int64(EAGAIN), Int64(ENOBUFS), Int64(ENOMEM): return .full
        case Int64(EMSGSIZE): return .refused
        default: return .disconnected
        }
    }
}
