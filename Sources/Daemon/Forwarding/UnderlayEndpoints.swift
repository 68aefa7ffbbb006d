// Tunnel in tunnel (C16): when somebody announces a prefix that holds a peer's underlay address, the kernel may route
// our own connection to that peer into the TUN, and each packet of it would be wrapped into another.
//
// So a packet from an interface that goes to a known endpoint of a peer, by TCP or UDP and without extension headers
// (ours have none), is dropped and counted as `recursion`.

import Platform

/// The peers' endpoints in flat memory, sorted.
final class UnderlayEndpoints: @unchecked Sendable {
    // Unchecked: the memory is written in `init` only.

    fileprivate struct Endpoint: Comparable, BitwiseCopyable {
        let high: UInt64
        let low: UInt64
        let port: UInt16

        @inline(__always)
        static func < (left: Endpoint, right: Endpoint) -> Bool {
            if left.high != right.high { return left.high < right.high }
            return left.low != right.low ? left.low < right.low : left.port < right.port
        }
    }

    /// For workers; valid while the object is held.
    struct View {
        fileprivate let endpoints: UnsafeBufferPointer<Endpoint>

        /// Whether a packet belongs to the underlay. Reads the first 44 bytes, if there are so many.
        @inline(__always)
        func contains(_ packet: UnsafeMutableRawBufferPointer) -> Bool {
            guard endpoints.count > 0, packet.count >= 44 else { return false }
            let nextHeader = packet.load(fromByteOffset: 6, as: UInt8.self)
            guard nextHeader == 6 || nextHeader == 17 else { return false }
            let wanted = Endpoint(
                high: UInt64(bigEndian: packet.loadUnaligned(fromByteOffset: 24, as: UInt64.self)),
                low: UInt64(bigEndian: packet.loadUnaligned(fromByteOffset: 32, as: UInt64.self)),
                port: UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: 42, as: UInt16.self)))
            var (low, high) = (0, endpoints.count)
            while low < high {
                let middle = (low &+ high) / 2
                if endpoints[middle] < wanted { low = middle &+ 1 } else { high = middle }
            }
            return low < endpoints.count && endpoints[low] == wanted
        }
    }

    let view: View
    private let memory: UnsafeMutablePointer<Endpoint>

    /// IPv4 endpoints cannot meet an IPv6 packet and are left out.
    init(_ addresses: [SocketAddress]) {
        let endpoints = addresses.filter(\.isIPv6).map { address in
            Endpoint(
                high: address.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
                low: address.bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }, port: address.port)
        }
        memory = .allocate(capacity: max(1, endpoints.count))
        _ = UnsafeMutableBufferPointer(start: memory, count: endpoints.count).initialize(from: endpoints.sorted())
        view = View(endpoints: UnsafeBufferPointer(start: memory, count: endpoints.count))
    }

    deinit { memory.deallocate() }
}
