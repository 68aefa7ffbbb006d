// A connected byte stream, TCP or Unix: nonblocking reads and writes, and how a TCP connection comes about.
//
// A dial is: `connect` → register for `.writable` → on readiness `finishConnecting`. Nothing here blocks.

import CLinux

/// Who is at the other end of a Unix socket (SO_PEERCRED), for the audit line.
package struct PeerCredentials: Hashable, Sendable {
    package let uid: UInt32
    package let gid: UInt32
    package let pid: Int32
}

/// The other end of a stream.
package enum StreamPeer: Hashable, Sendable {
    case internet(SocketAddress)
    case unix(PeerCredentials)
}

/// What a TCP socket is made with. Keepalive stays off: liveness is the protocol's own affair.
package struct TCPOptions: Hashable, Sendable {
    /// Milliseconds that sent data may stay unacknowledged until the kernel gives the connection up; 0: its default.
    package var userTimeout: UInt32 = 20_000
    /// SO_MARK, so that a routing rule keeps the underlay out of the tunnel (C16); 0: none. Needs CAP_NET_ADMIN.
    package var mark: UInt32 = 0
    /// Bytes the kernel may hold unsent before the socket stops being writable, so that what is urgent does not queue
    /// behind what is not; 0: the kernel's default.
    package var notSentLowWater: UInt32 = 0

    package init() {}
}

package final class StreamSocket {
    package let descriptor: Descriptor
    package let peer: StreamPeer

    init(_ descriptor: Descriptor, peer: StreamPeer) {
        self.descriptor = descriptor
        self.peer = peer
    }

    /// Begins a connection. It is made, or has failed, once the socket is writable.
    package static func connect(
        to address: SocketAddress, options: TCPOptions = TCPOptions()
    ) throws(PlatformError) -> StreamSocket {
        let subject = "\(address)"
        let descriptor = Descriptor(try check(linux_tcp_socket(address.isIPv6 ? 6 : 4), "socket", subject))
        try apply(options, to: descriptor)
        var kernel = address.kernel
        let code = linux_connect(descriptor.raw, &kernel)
        if code != -EINPROGRESS { try check(code, "connect", subject) }
        return StreamSocket(descriptor, peer: .internet(address))
    }

    /// Connects to a Unix socket; done when this returns (a full backlog is an error, EAGAIN).
    package static func connect(toUnixPath path: String) throws(PlatformError) -> StreamSocket {
        let descriptor = Descriptor(try check(linux_unix_stream(), "socket", path))
        try check(linux_unix_connect(descriptor.raw, path), "connect", path)
        return StreamSocket(descriptor, peer: .unix(try credentials(of: descriptor, path)))
    }

    /// How the connection that `connect` began has ended; call it when the socket is writable or in error.
    package func finishConnecting() throws(PlatformError) {
        var subject = ""
        if case .internet(let address) = peer { subject = "\(address)" }
        let code = try check(linux_socket_error(descriptor.raw), "getsockopt", subject)
        try check(-code, "connect", subject)
    }

    /// Reads what is there, up to the buffer's size (which must not be 0).
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(PlatformError) -> ReadResult {
        let count = linux_read(descriptor.raw, buffer.baseAddress, buffer.count)
        if count == -Int64(EAGAIN) { return .wouldBlock }
        try check(count, "read")
        return count == 0 ? .end : .bytes(Int(count))
    }

    /// Writes as much as the kernel takes at once.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(PlatformError) -> WriteResult {
        guard bytes.count > 0 else { return .bytes(0) }
        let count = linux_send(descriptor.raw, bytes.baseAddress, bytes.count)
        if count == -Int64(EAGAIN) { return .wouldBlock }
        return .bytes(Int(try check(count, "send")))
    }

    /// Sends our FIN; reading goes on.
    package func finishWriting() { _ = linux_shutdown_write(descriptor.raw) }

    /// Closes at once.
    package func close() { descriptor.close() }

    /// The address of this end; nil for a Unix socket.
    package var localAddress: SocketAddress? {
        var address = linux_address()
        return linux_local_address(descriptor.raw, &address) == 0 ? SocketAddress(address) : nil
    }

    /// Waits until the socket can be read or `milliseconds` have passed; for clients without a reactor.
    package func waitReadable(milliseconds: Int32) -> Bool {
        linux_poll_readable(descriptor.raw, milliseconds) == 1
    }

    /// As `waitReadable`, for writing.
    package func waitWritable(milliseconds: Int32) -> Bool {
        linux_poll_writable(descriptor.raw, milliseconds) == 1
    }

    static func apply(_ options: TCPOptions, to descriptor: Descriptor) throws(PlatformError) {
        // Failing options are reported: a connection without its mark could run into the tunnel that it carries.
        try check(linux_set_nodelay(descriptor.raw, 1), "TCP_NODELAY")
        try check(linux_set_keepalive(descriptor.raw, 0), "SO_KEEPALIVE")
        if options.userTimeout > 0 {
            try check(linux_set_user_timeout(descriptor.raw, options.userTimeout), "TCP_USER_TIMEOUT")
        }
        if options.mark > 0 { try check(linux_set_mark(descriptor.raw, options.mark), "SO_MARK") }
        if options.notSentLowWater > 0 {
            try check(linux_set_not_sent_low_water(descriptor.raw, options.notSentLowWater), "TCP_NOTSENT_LOWAT")
        }
    }

    static func credentials(
        of descriptor: Descriptor, _ subject: String
    ) throws(PlatformError) -> PeerCredentials {
        var (uid, gid, pid): (UInt32, UInt32, Int32) = (0, 0, 0)
        try check(linux_peer_credentials(descriptor.raw, &uid, &gid, &pid), "SO_PEERCRED", subject)
        return PeerCredentials(uid: uid, gid: gid, pid: pid)
    }
}
