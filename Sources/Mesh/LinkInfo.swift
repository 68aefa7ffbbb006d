// What the transport knows about a link once TLS and HTTP/2 stand: who answers, how it is trusted, who dialled.
//
// The TLS layer has already refused strangers, expired leaves, CA and config-signing certificates. Whether this link
// may live beside the others, under which name and with which grants, is decided by `Node`.
import Routing

/// A link's number. Never reused within a process (30 bits); 0 is never a link.
package typealias LinkID = UInt32

/// How the certificate of the other end is trusted.
package enum LinkTrust: Hashable, Sendable {
    /// The leaf chains to one of our CAs.
    case internalCA
    /// The leaf is one that the configuration pins by SHA-256 of its DER, which is also its `LinkInfo.id`.
    /// `boundName` is the name that the configuration binds to the pin, if it does.
    case externalPin(boundName: String?)
}

/// Which side dialled.
package enum LinkDirection: Hashable, Sendable {
    /// We dialled the configured peer of this name.
    case outbound(configuredPeer: String)
    case inbound
}

/// The facts about a link, fixed for its life.
package struct LinkInfo: Hashable, Sendable {
    /// SHA-256 of the leaf's DER.
    package var id: NodeID
    /// The subject's CommonName; empty if it has none or one that is not a clean name (B4).
    package var name: String
    package var trust: LinkTrust
    package var direction: LinkDirection
    /// The other end as "host:port", for people and for telling two hosts apart (B7).
    package var remoteAddress: String
    /// Unix seconds.
    package var certificateNotAfter: Int64
    /// The dialler's user-agent, as our nodes send it ("vmesh/…"); nil where unknown. On a link that we dialled: the
    /// answer's `server` or user-agent header, if any.
    package var software: String?
    /// Further names of the certificate (DNS subjectAltNames): a configured name may match one of these (B19).
    package var alternativeNames: [String]

    package init(
        id: NodeID, name: String, trust: LinkTrust, direction: LinkDirection, remoteAddress: String,
        certificateNotAfter: Int64, software: String? = nil, alternativeNames: [String] = []
    ) {
        self.id = id
        self.name = name
        self.trust = trust
        self.direction = direction
        self.remoteAddress = remoteAddress
        self.certificateNotAfter = certificateNotAfter
        self.software = software
        self.alternativeNames = alternativeNames
    }

    /// B19: whether the one who answers may bear the name that was dialled: by CommonName, a DNS name of the certificate,
    /// the name that is bound to the pin, or the fingerprint itself.
    package func answers(to dialled: String) -> Bool {
        let wanted = dialled.lowercased()
        var names = alternativeNames + [name, "sha256:\(id)"]
        if case .externalPin(let bound?) = trust { names.append(bound) }
        return names.contains { !$0.isEmpty && $0.lowercased() == wanted }
    }

    /// One of our nodes, as far as its user-agent tells.
    var isOurs: Bool { software?.hasPrefix("vmesh/") ?? false }
}
