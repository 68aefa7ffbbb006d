// What becomes of a packet: the whole of the data plane's judgement, one function, no allocation.
//
//     bytes → IPv6 header → martians → source check → FIB → no return → hop limit → MTU → verdict
//
// The node is a router between its vifs and its peers. The machine's kernel behind a TUN is a neighbour of its own: a
// packet that it hands us has been sent, so passing it on is a forward and costs a hop. Giving a packet to the address
// that it is for is not a forward and costs nothing. Hence a traceroute along a – b – c names a, b and c once each.
//
// The order matters where two rules apply: a packet that may not come from there is nobody's business to answer, so the
// source comes before the destination; and a dying packet is told so before it is told to be smaller.

import Routing
import Wire

/// One worker's forwarder: the judgement, and the rate limit of the errors that it makes.
package struct Forwarder: ~Copyable {
    private var bucket: TokenBucket

    /// - Parameters:
    ///   - errorsPerSecond: ICMPv6 errors in the long run (RFC 4443 section 2.4 (f)).
    ///   - errorBurst: how many may go at once.
    package init(errorsPerSecond: Int = 100, errorBurst: Int = 50) {
        bucket = TokenBucket(perSecond: errorsPerSecond, burst: errorBurst)
    }

    /// Judges the packet that fills `packet`. Lowers its hop limit where the verdict is a forward, and changes nothing
    /// else; reads nothing beyond it.
    package static func decide(
        _ packet: UnsafeMutableRawBufferPointer, from ingress: Ingress, by table: ForwardingTable
    ) -> Verdict {
        let header: IPv6Header
        do throws(PacketDefect) {
            header = try IPv6Header(UnsafeRawBufferPointer(packet))
        } catch {
            switch error {
            case .notIPv6: return .drop(.notIPv6)
            case .short, .lengthMismatch, .jumbogram: return .drop(.malformed)
            }
        }
        let source = header.source
        let destination = header.destination
        guard source.isForwardable && destination.isForwardable else { return .drop(.martian) }
        // A sender that counts hops never lets a 0 out (RFC 8200 section 3), so this one does not: v1 routers hand such
        // packets round for ever. Not even an error, which might fare the same.
        let hopLimit = header.hopLimit
        guard hopLimit > 0 else { return .drop(.hopLimit) }
        if let refusal = refuse(source: source, from: ingress, by: table) { return refusal }

        guard let nextHop = table.fib.lookup(destination) else { return .refuse(.noRoute, .noRoute) }
        let verdict: Verdict
        let mtu: Int
        switch nextHop.kind {
        case .discard: return .refuse(.noRoute, .noRoute)
        case .vif(let index):
            // The kernel gave us a packet for a part of our own prefix that it has no route to but through us.
            if ingress == .vif(index) { return .refuse(.loop, .addressUnreachable) }
            guard let vif = table.facts.vif(index) else { return .refuse(.vifDown, .addressUnreachable) }
            verdict = .deliver(vif: index)
            mtu = vif.mtu
            if table.facts.isOwn(destination, vif: index) {
                return packet.count > mtu ? .refuse(.packetTooBig, .packetTooBig(mtu: mtu)) : verdict
            }
        case .link(let number):
            // Never back to the peer that it came from: a stale table on either side would make a loop of two. There it
            // would circle until its hop limit is used up, so that is what its sender hears, at once.
            if ingress == .link(number) { return .refuse(.loop, .timeExceeded) }
            guard let link = table.facts.link(number) else { return .drop(.channelDown) }
            verdict = .send(link: number)
            mtu = link.mtu
        }
        guard hopLimit > 1 else { return .refuse(.hopLimit, .timeExceeded) }
        guard packet.count <= mtu else { return .refuse(.packetTooBig, .packetTooBig(mtu: mtu)) }
        packet[IPv6Header.hopLimitOffset] = hopLimit &- 1
        return verdict
    }

    /// The verdict on a source that may not come from `ingress`; nil for one that may.
    @inline(__always)
    private static func refuse(
        source: IPv6Address, from ingress: Ingress, by table: ForwardingTable
    ) -> Verdict? {
        let facts = table.facts
        let route = table.fib.lookup(source)
        var isLocalRoute = false
        switch route?.kind {
        case .vif, .discard: isLocalRoute = true
        case .link, nil: break
        }
        switch ingress {
        case .vif:
            // RFC 2827: nothing leaves with a source that is not ours. The route answers nearly always; a peer's longer
            // route inside our prefix, and an address outside of all of them, are looked for.
            guard facts.checksSources && !isLocalRoute else { return nil }
            if facts.contains(source, in: facts.local) || facts.isOwn(source) { return nil }
            return .refuse(.sourceRejected, .sourcePolicy)
        case .link(let number):
            // Our own prefix cannot come from outside, in no mode. No error: it would go to ourselves.
            if isLocalRoute && facts.contains(source, in: facts.owned) { return .drop(.sourceRejected) }
            if facts.isOwn(source) { return .drop(.sourceRejected) }
            // A link that the facts do not know yet might be a strict one.
            guard let link = facts.link(number) else { return .drop(.channelDown) }
            let isPermitted = link.isStrict ? facts.contains(source, in: link.permitted) : route != nil
            return isPermitted ? nil : .drop(.sourceRejected)
        }
    }

    /// Makes the error that a `.refuse` asks for; nil where RFC 4443 section 2.4 (e) forbids it, the rate limit is used
    /// up, we have no address to speak from, or there is no way back.
    /// - Parameters:
    ///   - packet: the packet as it was judged.
    ///   - buffer: at least `ICMPv6Error.largest` bytes, not overlapping `packet`.
    package mutating func answer(
        _ packet: UnsafeRawBufferPointer, with error: ICMPv6Error, from ingress: Ingress, by table: ForwardingTable,
        at now: Instant, into buffer: UnsafeMutableRawBufferPointer
    ) -> Answer? {
        guard error.mayAnswer(packet), let header = try? IPv6Header(packet),
            let egress = Self.wayBack(to: header.source, from: ingress, by: table)
        else { return nil }
        let address: IPv6Address?
        switch ingress {
        case .vif(let index): address = table.facts.vif(index)?.errorSource ?? table.facts.errorSource
        case .link: address = table.facts.errorSource
        }
        // The bucket last, so that what cannot be sent does not cost.
        guard let address, bucket.take(at: now) else { return nil }
        let length = error.write(about: packet, from: address, into: buffer)
        return length > 0 ? Answer(length: length, egress: egress) : nil
    }

    /// Where an error to `source` goes: by the FIB, and here back to the ingress is right. What came from a vif stays
    /// on vifs, so that a forged source draws no error into the mesh.
    private static func wayBack(
        to source: IPv6Address, from ingress: Ingress, by table: ForwardingTable
    ) -> Ingress? {
        let route = table.fib.lookup(source)?.kind
        if case .vif(let from) = ingress {
            if case .vif(let index) = route, table.facts.vif(index) != nil {
                return .vif(index)
            }
            return table.facts.vif(from) == nil ? nil : ingress
        }
        switch route {
        case .vif(let index): return table.facts.vif(index) == nil ? nil : .vif(index)
        case .link(let number): return table.facts.link(number) == nil ? nil : .link(number)
        case .discard, nil: return nil
        }
    }
}
