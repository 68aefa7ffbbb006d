// A TUN interface: packets that the kernel routes to it are read here, and packets written here arrive in the kernel.

import CLinux

/// What happened to a packet that was written to a TUN.
package enum TunWrite: Hashable, Sendable {
    case written
    /// The queue is full: the packet is lost.
    case full
    /// The interface is set down (EIO): the packet is lost.
    case down
    /// The interface was deleted (EBADFD): the device is of no more use (C23).
    case gone
    /// The kernel refuses this packet (EINVAL and the like): it is lost.
    case refused
}

/// What a read from a TUN gave.
package enum TunRead: Hashable, Sendable {
    case packet(Int)
    /// Nothing waits. An interface that is down reads like that too.
    case wouldBlock
    /// The interface was deleted.
    case gone
}

package final class TunDevice: Sendable {
    /// A buffer of this size takes any packet whole: an IPv6 header and the longest payload (C2).
    package static let bufferSize = 65_575

    package let descriptor: Descriptor
    /// The interface's name.
    package let name: String

    private init(_ descriptor: Descriptor, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    /// Creates the interface (or attaches to a persistent one that nobody holds), in the network namespace that the
    /// calling thread is in. It goes when the descriptor is closed. It starts down and without addresses.
    /// - Parameter previous: a device whose interface was deleted. Its descriptor serves for the new one, because after
    ///   privileges were dropped /dev/net/tun may not be opened again; where it cannot serve, a new one is opened.
    package static func open(
        name: String, reusing previous: TunDevice? = nil
    ) throws(PlatformError) -> TunDevice {
        try checkName(name)
        var actual = [CChar](repeating: 0, count: 64)
        if let previous, linux_tun_attach(previous.descriptor.raw, name, &actual, actual.count) == 0 {
            return TunDevice(previous.descriptor, name: text(actual))
        }
        let code = linux_tun_open(name, &actual, actual.count)
        if let error = explain(-code, name) { throw error }
        return TunDevice(Descriptor(code), name: text(actual))
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Interface names are 1 to 15 bytes without slash, white space, colon or '%' (which the kernel would count up).
    package static func checkName(_ name: String) throws(PlatformError) {
        guard (1...15).contains(name.utf8.count), name != ".", name != "..",
            name.utf8.allSatisfy({ (33...126).contains($0) && ![0x2F, 0x3A, 0x25].contains($0) })
        else {
            throw .malformed(
                text: String(name.prefix(60)),
                reason: "is no interface name: 1 to 15 printable characters without '/', ':' and '%'")
        }
    }

    /// Reads one packet. From one thread.
    package func read(into buffer: UnsafeMutableRawBufferPointer) -> TunRead {
        let count = linux_read(descriptor.raw, buffer.baseAddress, buffer.count)
        if count >= 0 { return .packet(Int(count)) }
        return -count == Int64(EBADFD) || -count == Int64(EBADF) || -count == Int64(EFAULT) ? .gone : .wouldBlock
    }

    /// Writes one packet, which must be IPv6: the kernel would take other families too (C21).
    package func write(_ packet: UnsafeRawBufferPointer) -> TunWrite {
        guard let first = packet.first, first >> 4 == 6 else { return .refused }
        let count = linux_write(descriptor.raw, packet.baseAddress, packet.count)
        switch -count {
        case ...0: return .written
        case Int64(EAGAIN), Int64(ENOBUFS), Int64(ENOMEM): return .full
        case Int64(EIO): return .down
        case Int64(EBADFD), Int64(EBADF): return .gone
        default: return .refused
        }
    }

    private static func explain(_ code: Int32, _ name: String) -> PlatformError? {
        switch code {
        case ...0: nil
        case EPERM, EACCES:
            .remedy(
                problem: "creating the TUN interface '\(name)' is not permitted",
                remedy: "run as root or with CAP_NET_ADMIN and access to /dev/net/tun; for a trial: unshare -Urn")
        case EBUSY:
            .remedy(
                problem: "the TUN interface '\(name)' is in use by another program",
                remedy: "stop that program or configure another tun_name (ip -details link show \(name))")
        case ENOENT, ENODEV, ENXIO:
            .remedy(
                problem: "/dev/net/tun is missing",
                remedy: "modprobe tun; in a container, pass the device in (--device /dev/net/tun)")
        case EINVAL:
            .remedy(
                problem: "'\(name)' exists and is no TUN interface", remedy: "configure another tun_name")
        default: .system(call: "TUNSETIFF", subject: name, code: ErrorCode(rawValue: code))
        }
    }
}

/// A network namespace for the calling thread alone; for tests and trials.
package enum NetworkNamespace {
    /// Moves the calling thread into a new namespace.
    package static func unshare() throws(PlatformError) { try check(linux_unshare_network(), "unshare") }
}
