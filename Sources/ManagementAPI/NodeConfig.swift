// The router's configuration document: v1's file plus `api`, `log`, `state_dir` and `blocked_peers`.
//
// One value, two forms of JSON. The API form (`json`) is what GET /v1/config answers and PUT takes: every default is
// said and a peer has one entry. The file form (`fileJSON`) is what a v1 daemon reads too: one entry per address,
// defaults left out, and whatever the file held that we do not know kept where it stood. Reading is in
// ConfigReading*.swift, differences in ConfigDifference.swift, single edits in ConfigEdit.swift.

import JSON
import Routing

/// The whole configuration of a node. Paths are as they stand in the file; a key or certificate is never inside.
package struct NodeConfig: Sendable, Equatable {
    /// `[HOST]:PORT` for peers; the host may be empty.
    package var listenAddress: String
    /// Path of a file with one or more CA certificates.
    package var ca: String
    package var certificate: String
    package var privateKey: String
    package var serverName: String?
    /// Paths of pinned certificates.
    package var externalPeerCertificates: [String] = []
    package var announcements: [AnnouncementConfig] = []
    /// Unique by name, compared without case.
    package var peers: [PeerConfig] = []
    package var blockedPeers: [BlockedPeerConfig] = []
    /// In the file's order, unique by name.
    package var vifs: [VifConfig] = []
    /// `error`, `warning`, `info` or `debug`; nil: the command line decides.
    package var logLevel: String?
    /// Nil: /var/lib/vmesh, or where systemd says.
    package var stateDirectory: String?
    package var api = APIConfig()
    /// True if the document has an `api` block; without one the defaults hold and none is written.
    package var hasAPIBlock = false
    /// Members of the file that this version does not know, kept for writing back.
    package var extras = JSONObject()

    package init(listenAddress: String, ca: String, certificate: String, privateKey: String) {
        self.listenAddress = listenAddress
        self.ca = ca
        self.certificate = certificate
        self.privateKey = privateKey
    }

    /// The peer of that name, case ignored.
    package func peer(named name: String) -> PeerConfig? { peers.first { Name.areEqual($0.name, name) } }

    /// The virtual interface of exactly that name.
    package func vif(named name: String) -> VifConfig? { vifs.first { $0.name == name } }

    /// The announcement of exactly that prefix.
    package func announcement(of prefix: Prefix) -> AnnouncementConfig? { announcements.first { $0.prefix == prefix } }
}

/// A neighbour to dial, or to expect.
package struct PeerConfig: Sendable, Equatable {
    /// The name that must answer: a CommonName, or a name bound to a pinned certificate by `fingerprint`.
    package var name: String
    /// `HOST:PORT` or `[V6]:PORT` in canonical form, 1…16 of them, tried in this order.
    package var addresses: [String]
    package var udp = false
    package var insecureUDP = false
    package var isEnabled = true
    /// External peers: what they may announce; nil: nothing (RFC 8212), unless the distributed config grants it.
    package var importEntries: [PrefixEntry]?
    /// External peers: what is announced to them; nil: our own prefixes only.
    package var exportEntries: [PrefixEntry]?
    /// 1…65,536; nil: 10,000.
    package var maximumPrefixes: Int?
    /// SHA-256 of the one certificate that this name belongs to, 64 lower-case hex digits; external peers.
    package var fingerprint: String?
    /// Members of the file that this version does not know.
    package var extras = JSONObject()

    package init(name: String, addresses: [String]) {
        self.name = name
        self.addresses = addresses
    }
}

/// `PREFIX[,max_prefix_len=N]`, as the distributed config's lists have it.
package struct PrefixEntry: Sendable, Hashable, CustomStringConvertible {
    package var prefix: Prefix
    /// prefix.length…128; v1's default is 128.
    package var maximumLength: Int

    package init(prefix: Prefix, maximumLength: Int = 128) {
        self.prefix = prefix
        self.maximumLength = maximumLength
    }

    /// Canonical text; a maximum of 128 is the default and is not said.
    package var description: String {
        maximumLength == 128 ? prefix.description : "\(prefix.description),max_prefix_len=\(maximumLength)"
    }
}

/// A virtual interface.
package struct VifConfig: Sendable, Equatable {
    /// What carries the packets: a kernel device, another process, nothing.
    package enum Kind: String, CaseIterable, Sendable { case tun, service, dummy }

    /// The member's name under `vifs`.
    package var name: String
    package var kind: Kind
    /// `tun`: the kernel's device name, 1…15 bytes.
    package var tunName: String?
    package var serviceName: String?
    /// `service`: always `unixgram`.
    package var serviceNetwork: String?
    package var serviceAddress: String?
    /// `tun`: set by us at start; empty: the administrator does it, as with v1.
    package var addresses: [InterfaceAddress] = []
    /// 1280…65,535; nil: left alone.
    package var mtu: Int?
    package var extras = JSONObject()

    package init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }
}

/// An address with the length of its on-link prefix; host bits are the point of it.
package struct InterfaceAddress: Sendable, Hashable, CustomStringConvertible {
    package var address: IPv6Address
    /// 0…128.
    package var length: Int

    package init(address: IPv6Address, length: Int) {
        self.address = address
        self.length = length
    }

    package var description: String { "\(address)/\(length)" }
}

/// A prefix that this node announces.
package struct AnnouncementConfig: Sendable, Equatable {
    package var prefix: Prefix
    /// Nil: a discard route.
    package var vif: String?
    package var extras = JSONObject()

    package init(prefix: Prefix, vif: String?) {
        self.prefix = prefix
        self.vif = vif
    }

    /// Why packets for this prefix would never be forwarded (RFC 4291 sections 2.4 and 2.5.5.2), or nil.
    package static func flaw(in prefix: Prefix) -> String? {
        let address = prefix.address
        if prefix.length >= 8, address.isMulticast { return "multicast is not routed here" }
        if prefix.length >= 10, address.isLinkLocal { return "link-local addresses are not routed" }
        if prefix.length >= 96, address.isV4Mapped { return "IPv4-mapped addresses never stand in packets" }
        if prefix.length == 128, address.isLoopback || address.isUnspecified {
            return "this address never leaves a host"
        }
        return nil
    }
}

/// An id that is refused and disconnected.
package struct BlockedPeerConfig: Sendable, Equatable {
    package var id: NodeID
    package var reason: String?

    package init(id: NodeID, reason: String?) {
        self.id = id
        self.reason = reason
    }
}

/// The `api` block.
package struct APIConfig: Sendable, Equatable {
    /// Whether changes by the API are written to the file: where possible, always (else 409), never.
    package enum Persistence: String, CaseIterable, Sendable { case auto, always, never }

    /// Where the API listens.
    package enum Listener: Sendable, Equatable {
        /// `mode` 0…0o777, `group` nil: the daemon's.
        case unix(path: String, mode: UInt16, group: String?, role: Role)
        /// `HOST:PORT`; plain text only on loopback.
        case tcp(address: String, tls: TLSFiles?)
    }

    /// Paths of PEM files; `clientCA` nil: no client certificates are asked for.
    package struct TLSFiles: Sendable, Equatable {
        package var certificate: String
        package var key: String
        package var clientCA: String?

        package init(certificate: String, key: String, clientCA: String?) {
            self.certificate = certificate
            self.key = key
            self.clientCA = clientCA
        }
    }

    /// A client certificate that is let in.
    package struct Client: Sendable, Equatable {
        package var fingerprint: String
        package var name: String
        package var role: Role

        package init(fingerprint: String, name: String, role: Role) {
            self.fingerprint = fingerprint
            self.name = name
            self.role = role
        }
    }

    package var listeners: [Listener] = Self.defaultListeners
    package var clients: [Client] = []
    /// Host names that a TCP client may ask for, beside loopback and the listeners' own.
    package var allowedHosts: [String] = []
    package var persistence = Persistence.auto
    package var isMetricsPublic = false
    package var hasConsole = true
    /// Wrong tokens from one source that are answered 401 within a minute; more are 429. 1…1,000,000.
    package var authFailuresPerMinute = 10

    /// Without an `api` block: the administrator's socket and loopback TCP.
    package static let defaultListeners: [Listener] = [
        .unix(path: "/run/vmesh/vmeshd.sock", mode: 0o660, group: "vmesh", role: .admin),
        .tcp(address: "127.0.0.1:5121", tls: nil),
    ]

    package init() {}
}
