// The facts as the fast path reads them: plain memory, four questions.

import Routing

/// Pointers into a `ForwardingFacts`, valid while that is held.
struct ForwardingFactsView: @unchecked Sendable {
    // Unchecked: constant memory.

    struct Vif: BitwiseCopyable {
        var mtu: Int
        var isUp: Bool
        var errorSource: IPv6Address?

        static var absent: Vif { Vif(mtu: 0, isUp: false, errorSource: nil) }
    }

    struct Own: BitwiseCopyable {
        var address: IPv6Address
        var vif: Int
    }

    struct Link: BitwiseCopyable {
        var link: UInt32
        var isPresent: Bool
        var mtu: Int
        var isStrict: Bool
        var permitted: Span

        static var absent: Link {
            Link(link: 0, isPresent: false, mtu: 0, isStrict: false, permitted: Span(start: 0, count: 0))
        }
    }

    /// Addresses from the first to the last one.
    struct Range: BitwiseCopyable {
        var first: IPv6Address
        var last: IPv6Address
    }

    /// A part of `ranges`.
    struct Span: BitwiseCopyable {
        var start: Int
        var count: Int
    }

    /// By index.
    let vifs: UnsafeBufferPointer<Vif>
    /// Sorted by address, then vif.
    let own: UnsafeBufferPointer<Own>
    /// An open-addressed table by link number; its count is a power of two.
    let links: UnsafeBufferPointer<Link>
    let ranges: UnsafeBufferPointer<Range>
    /// Everything announced here: what may leave a vif.
    let local: Span
    /// The part of it whose addresses are behind us alone: what may not come from a peer.
    let owned: Span
    let checksSources: Bool
    /// Where errors about a peer's packets come from.
    let errorSource: IPv6Address?

    /// The address's own comparison lives in another module, and a call in the middle of a search is dear.
    @inline(__always)
    private static func isBelow(_ left: IPv6Address, _ right: IPv6Address) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }

    @inline(__always)
    func vif(_ index: Int) -> Vif? {
        guard index >= 0 && index < vifs.count, vifs[index].isUp else { return nil }
        return vifs[index]
    }

    @inline(__always)
    func link(_ number: UInt32) -> Link? {
        let mask = links.count &- 1
        var place = Int(number) & mask
        while links[place].isPresent {
            if links[place].link == number { return links[place] }
            place = (place &+ 1) & mask
        }
        return nil
    }

    /// Whether an interface of ours has the address; with `vif`, whether that one has it.
    @inline(__always)
    func isOwn(_ address: IPv6Address, vif: Int? = nil) -> Bool {
        var low = 0
        var high = own.count
        while low < high {
            let middle = (low &+ high) / 2
            if Self.isBelow(own[middle].address, address) { low = middle &+ 1 } else { high = middle }
        }
        while low < own.count, own[low].address.high == address.high, own[low].address.low == address.low {
            if vif == nil || own[low].vif == vif { return true }
            low &+= 1
        }
        return false
    }

    /// Whether the address lies in one of the ranges of `span`.
    @inline(__always)
    func contains(_ address: IPv6Address, in span: Span) -> Bool {
        var low = span.start
        var high = span.start &+ span.count
        while low < high {
            let middle = (low &+ high) / 2
            if Self.isBelow(ranges[middle].last, address) { low = middle &+ 1 } else { high = middle }
        }
        return low < span.start &+ span.count && !Self.isBelow(address, ranges[low].first)
    }
}
