// A listening socket, TCP or Unix, and what becomes of one that runs out of descriptors.
//
// A level-triggered listener whose accept fails with EMFILE stays readable, and a loop that tries again at once burns
// the machine (D7). So a spare descriptor is held: it is given up to take the connection off the queue and close it —
// the client learns at once instead of hanging — and the caller is told to pause.

import CLinux

/// What an accept gave.
package enum AcceptResult {
    case connection(StreamSocket)
    /// Nobody waits.
    case none
    /// No descriptor or no memory: stop accepting for `StreamListener.pause`.
    case exhausted(ErrorCode)
}

package final class StreamListener {
    /// How long to leave a listener alone after `.exhausted`: 100 ms in microseconds.
    package static let pause: Int64 = 100_000

    package let descriptor: Descriptor
    /// Where it listens: the address with the port that was bound, nil for Unix.
    package let address: SocketAddress?
    /// The Unix path, else nil.
    package let path: String?
    private let options: TCPOptions
    private var spare: Descriptor?

    init(_ descriptor: Descriptor, address: SocketAddress?, path: String?, options: TCPOptions) {
        self.descriptor = descriptor
        self.address = address
        self.path = path
        self.options = options
        refillSpare()
    }

    /// Listens on one address. IPv6 sockets are IPv6 only: `::` and `0.0.0.0` are two listeners.
    package static func tcp(
        _ address: SocketAddress, backlog: Int32 = 128, options: TCPOptions = TCPOptions()
    ) throws(PlatformError) -> StreamListener {
        let subject = "\(address)"
        let descriptor = Descriptor(try check(linux_tcp_socket(address.isIPv6 ? 6 : 4), "socket", subject))
        try check(linux_set_reuse_address(descriptor.raw), "SO_REUSEADDR", subject)
        if address.isIPv6 { try check(linux_set_v6only(descriptor.raw), "IPV6_V6ONLY", subject) }
        var kernel = address.kernel
        let code = linux_bind(descriptor.raw, &kernel)
        if code == -EADDRINUSE {
            throw .remedy(
                problem: "cannot listen on \(subject), the port is in use",
                remedy: "stop the other program (ss -ltnp shows it) or configure another port")
        }
        try check(code, "bind", subject)
        try check(linux_listen(descriptor.raw, backlog), "listen", subject)
        var bound = linux_address()
        try check(linux_local_address(descriptor.raw, &bound), "getsockname", subject)
        return StreamListener(descriptor, address: SocketAddress(bound) ?? address, path: nil, options: options)
    }

    /// Listens on every address of both families that the kernel has; IPv6 missing in the kernel leaves IPv4.
    package static func tcpEverywhere(
        port: UInt16, backlog: Int32 = 128, options: TCPOptions = TCPOptions()
    ) throws(PlatformError) -> [StreamListener] {
        var listeners: [StreamListener] = []
        var port = port
        do {
            let v6 = try tcp(.any(isIPv6: true, port: port), backlog: backlog, options: options)
            // Port 0 was a wish for any port: the second family gets the same one.
            port = v6.address?.port ?? port
            listeners.append(v6)
        } catch  where error.code?.rawValue == EAFNOSUPPORT || error.code?.rawValue == EADDRNOTAVAIL {}
        listeners.append(try tcp(.any(isIPv6: false, port: port), backlog: backlog, options: options))
        return listeners
    }

    /// Takes one waiting connection. Connections that died in the queue are passed over, 16 at most.
    package func accept() -> AcceptResult {
        for _ in 0..<16 {
            var from = linux_address()
            let code = path == nil ? linux_accept(descriptor.raw, &from) : linux_unix_accept(descriptor.raw)
            switch -code {
            case EAGAIN: return .none
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                shedOne()
                return .exhausted(ErrorCode(rawValue: -code))
            case 1...: continue
            default: break
            }
            if let connection = wrap(Descriptor(code), from: from) { return .connection(connection) }
        }
        return .none
    }

    private func wrap(_ accepted: Descriptor, from: linux_address) -> StreamSocket? {
        do {
            if let path { return StreamSocket(accepted, peer: .unix(try StreamSocket.credentials(of: accepted, path))) }
            guard let address = SocketAddress(from) else { return nil }
            try StreamSocket.apply(options, to: accepted)
            return StreamSocket(accepted, peer: .internet(address))
        } catch {
            return nil
        }
    }

    private func shedOne() {
        guard let held = spare else { return refillSpare() }
        held.close()
        var from = linux_address()
        let code = path == nil ? linux_accept(descriptor.raw, &from) : linux_unix_accept(descriptor.raw)
        if code >= 0 { _ = linux_close(code) }
        spare = nil
        refillSpare()
    }

    private func refillSpare() {
        let code = linux_eventfd()
        spare = code >= 0 ? Descriptor(code) : nil
    }
}
