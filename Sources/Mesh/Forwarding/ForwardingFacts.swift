// What the forwarder must know besides the FIB: interfaces, links, and which addresses are ours.
//
// The control loop describes the node in ordinary values; here they become flat memory that a worker reads without
// touching a reference count. Facts are constant: a change means new facts, published like a FIB snapshot. All lists
// are sorted or hashed, so a node with thirty thousand local prefixes answers as a node with one.

import Routing

/// A local virtual interface as the forwarder sees it.
package struct VifFacts: Sendable {
    /// 0..<`ForwardingFacts.vifLimit`.
    package var index: Int
    /// Bytes of the largest packet; 0 for no limit. A value below 1280 counts as 1280, as IPv6 demands.
    package var mtu: Int
    package var isUp: Bool
    /// The addresses that the interface has, whoever gave them.
    package var addresses: [IPv6Address]

    package init(index: Int, mtu: Int, isUp: Bool = true, addresses: [IPv6Address] = []) {
        self.index = index
        self.mtu = mtu
        self.isUp = isUp
        self.addresses = addresses
    }
}

/// A peer's link as the forwarder sees it.
package struct LinkFacts: Sendable {
    package var link: UInt32
    /// Bytes of the largest packet; 0 for no limit.
    package var mtu: Int
    /// Strict source check: what the peer was granted and has announced. Nil is loose: any source with a route.
    /// External peers are strict by default, internal ones loose, since asymmetric paths are legal among them.
    package var permittedSources: [Prefix]?

    package init(link: UInt32, mtu: Int = 0, permittedSources: [Prefix]? = nil) {
        self.link = link
        self.mtu = mtu
        self.permittedSources = permittedSources
    }
}

/// One state of the node's interfaces, links and addresses.
package final class ForwardingFacts: @unchecked Sendable {
    // Unchecked: the memory is written in `init` only.

    /// Interfaces beyond are ignored; indices are small and dense.
    package static let vifLimit = 1024

    /// Local prefixes shorter than this are ways to elsewhere; their addresses are not ours.
    package static let shortestOwned = 16

    /// For the forwarder; valid while this object is held.
    let view: ForwardingFactsView

    /// - Parameters:
    ///   - localPrefixes: what the node announces itself.
    ///   - checksSources: whether packets from a vif must have a source of ours (RFC 2827).
    package init(vifs: [VifFacts], links: [LinkFacts], localPrefixes: [Prefix], checksSources: Bool = true) {
        var ranges: [ForwardingFactsView.Range] = []
        let local = Self.append(localPrefixes, to: &ranges)
        // A default route says "the rest of the world is this way", not "the rest of the world is mine": two exits of
        // one mesh announce the same, and packets that came in by the other are no forgeries.
        let owned = Self.append(localPrefixes.filter { $0.length >= Self.shortestOwned }, to: &ranges)

        let sources = ErrorSources(vifs: vifs, localPrefixes: localPrefixes)
        let vifCount = vifs.lazy.map(\.index).filter { (0..<Self.vifLimit).contains($0) }.max().map { $0 + 1 } ?? 0
        var vifEntries = [ForwardingFactsView.Vif](repeating: .absent, count: vifCount)
        var own: [ForwardingFactsView.Own] = []
        for vif in vifs where (0..<Self.vifLimit).contains(vif.index) {
            vifEntries[vif.index] = .init(
                mtu: Self.limit(vif.mtu), isUp: vif.isUp, errorSource: sources.address(forVif: vif.index))
            own += vif.addresses.map { .init(address: $0, vif: vif.index) }
        }
        own.sort { $0.address != $1.address ? $0.address < $1.address : $0.vif < $1.vif }

        // Open addressing, at most half full, so that a miss ends soon.
        var capacity = 4
        while capacity < links.count * 2 { capacity *= 2 }
        var linkEntries = [ForwardingFactsView.Link](repeating: .absent, count: capacity)
        for link in links {
            let span = link.permittedSources.map { Self.append($0, to: &ranges) }
            var place = Int(link.link) & (capacity - 1)
            while linkEntries[place].isPresent && linkEntries[place].link != link.link {
                place = (place + 1) & (capacity - 1)
            }
            linkEntries[place] = .init(
                link: link.link, isPresent: true, mtu: Self.limit(link.mtu), isStrict: span != nil,
                permitted: span ?? .init(start: 0, count: 0))
        }
        view = ForwardingFactsView(
            vifs: Self.copy(vifEntries), own: Self.copy(own), links: Self.copy(linkEntries), ranges: Self.copy(ranges),
            local: local, owned: owned, checksSources: checksSources, errorSource: sources.address)
    }

    deinit {
        view.vifs.deallocate()
        view.own.deallocate()
        view.links.deallocate()
        view.ranges.deallocate()
    }

    /// An MTU as the forwarder compares it: no limit is the largest number, and no link carries less than 1280
    /// (RFC 8200 section 5; below it the link's own fragmentation is at work).
    private static func limit(_ mtu: Int) -> Int { mtu <= 0 ? .max : max(mtu, 1280) }

    /// Adds the address ranges of `prefixes`, sorted and apart. Prefixes nest or are disjoint, so dropping the covered
    /// ones is all it takes.
    private static func append(
        _ prefixes: [Prefix], to ranges: inout [ForwardingFactsView.Range]
    ) -> ForwardingFactsView.Span {
        let start = ranges.count
        var last: Prefix?
        for prefix in prefixes.sorted() where last?.covers(prefix) != true {
            ranges.append(.init(first: prefix.address, last: prefix.lastAddress))
            last = prefix
        }
        return .init(start: start, count: ranges.count - start)
    }

    private static func copy<Element: BitwiseCopyable>(_ array: [Element]) -> UnsafeBufferPointer<Element> {
        let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: array.count)
        _ = buffer.initialize(from: array)
        return UnsafeBufferPointer(buffer)
    }
}

/// Which address an error comes from (RFC 4443 section 2.2): one that other nodes have a route to, if there is any.
private struct ErrorSources {
    /// For packets that a peer sent.
    let address: IPv6Address?
    private let byVif: [Int: IPv6Address]

    init(vifs: [VifFacts], localPrefixes: [Prefix]) {
        func isRouted(_ address: IPv6Address) -> Bool { localPrefixes.contains { $0.contains(address) } }
        // Link-local addresses and the like are no use to a router some hops away.
        let usable = vifs.map { vif in (vif.index, vif.addresses.filter(\.isForwardable)) }
        let own = usable.flatMap(\.1)
        address = own.first(where: isRouted) ?? Self.lowest(in: localPrefixes) ?? own.first
        var byVif: [Int: IPv6Address] = [:]
        for (index, addresses) in usable { byVif[index] = addresses.first(where: isRouted) ?? addresses.first }
        self.byVif = byVif
    }

    /// For packets from a vif: its own address, so that a local traceroute names the interface it used.
    func address(forVif index: Int) -> IPv6Address? { byVif[index] ?? address }

    /// A node whose interfaces have no address speaks from the lowest usable one of its prefixes, so that every router
    /// shows in a traceroute. The very first is the subnet-router anycast address (RFC 4291 section 2.6.1), no legal
    /// source; but a /127 (RFC 6164) and a /128 have none.
    private static func lowest(in prefixes: [Prefix]) -> IPv6Address? {
        for prefix in prefixes.sorted() {
            var address = prefix.address
            if prefix.length < 127 { address.low |= 1 }
            if address.isForwardable { return address }
        }
        return nil
    }
}
