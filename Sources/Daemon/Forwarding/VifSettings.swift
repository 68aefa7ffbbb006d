// A node's virtual interfaces as they are asked for and as they are: what configuration says, what the API shows.

import Mesh
import Platform

/// One interface of the configuration.
package struct VifSettings: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// A TUN interface of the kernel. Addresses may be given by the administrator instead. `mtu` in bytes, nil for
        /// the kernel's default (1500).
        case tun(interface: String, addresses: [InterfaceAddress], mtu: Int?)
        /// A process that speaks raw IPv6 packets at a Unix datagram socket: the path of its end.
        case service(address: String)
        /// An interface without anything behind it: what is sent to it ends there.
        case dummy
    }

    /// What the FIB calls it: 0..<`ForwardingPlane.vifLimit`.
    package var index: Int
    package var name: String
    package var kind: Kind

    package init(index: Int, name: String, kind: Kind) {
        self.index = index
        self.name = name
        self.kind = kind
    }
}

/// What an interface is like now.
package struct VifStatus: Sendable {
    package let index: Int
    package let name: String
    package let kind: VifSettings.Kind
    /// Packets can be delivered.
    package let isUp: Bool
    /// The kernel's name of a TUN that exists.
    package let device: String?
    /// Bytes; nil where there is no limit.
    package let mtu: Int?
    /// The IPv6 addresses that a TUN has now, whoever gave them.
    package let addresses: [InterfaceAddress]
    /// Addresses of the configuration that it does not have (any more): reported, not put back (C24).
    package let missingAddresses: [InterfaceAddress]
    package let counters: TrafficCounters
    /// Why it is not up, or was not last: text for a user.
    package let lastError: String?
}

/// What went through an interface or a link. Received is into the node, sent is out of it.
package struct TrafficCounters: Hashable, Sendable {
    package struct Drop: Hashable, Sendable {
        package let direction: TrafficDirection
        package let reason: DropReason
        package let packets: UInt64
        package let bytes: UInt64
    }

    package var receivedPackets: UInt64 = 0
    package var receivedBytes: UInt64 = 0
    package var sentPackets: UInt64 = 0
    package var sentBytes: UInt64 = 0
    /// Those that are not 0.
    package var drops: [Drop] = []

    package init() {}
}

/// Which way a packet was going at the interface or link that counts it.
package enum TrafficDirection: String, Hashable, Sendable, CaseIterable {
    case received = "rx"
    case sent = "tx"
}
