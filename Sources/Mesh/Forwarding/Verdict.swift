// Where a packet comes from and what becomes of it: the words between the forwarder and the worker that moves bytes.

import Wire

/// Where a packet entered the node.
package enum Ingress: Hashable, Sendable {
    /// A local virtual interface, by index.
    case vif(Int)
    /// A peer's link, by number.
    case link(UInt32)
}

/// What becomes of a packet. For the first two its hop limit is lowered already, where it had to be.
package enum Verdict: Hashable, Sendable {
    /// Write it to the vif.
    case deliver(vif: Int)
    /// Hand it to the peer's link.
    case send(link: UInt32)
    /// Drop it and count it.
    case drop(DropReason)
    /// Drop it, count it, and let `Forwarder.answer` make the error.
    case refuse(DropReason, ICMPv6Error)
}

/// An ICMPv6 error, ready to leave.
package struct Answer: Hashable, Sendable {
    /// Bytes of the packet that was written to the caller's buffer.
    package let length: Int
    /// Where it goes: as a packet's ingress, this time the way out.
    package let egress: Ingress
}
