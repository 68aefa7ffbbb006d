// Who may start a handshake with us: the bound on what a stranger costs (fault A21).
//
// A connection counts from accept until its certificate is verified and its stream is open, or until it is closed. At
// most 64 count at a time, and 8 from one network (a /64 of IPv6, a /24 of IPv4), so that one neighbourhood cannot
// keep the others out. Established peers do not count: they are never pushed out by strangers.

/// The table of pending handshakes. Pure; the listener asks before it keeps an accepted socket.
struct HandshakeAdmission {
    /// Handshakes pending at a time, over all.
    static let total = 64
    /// Handshakes pending at a time from one network.
    static let perNetwork = 8

    private(set) var pending = 0
    /// By the first bytes of the remote address, as `SocketAddress.sourceNetwork` cuts it.
    private var byNetwork: [[UInt8]: Int] = [:]

    /// Whether one more from `network` may start; if so, it is counted.
    mutating func admit(_ network: [UInt8]) -> Bool {
        guard pending < Self.total, byNetwork[network, default: 0] < Self.perNetwork else { return false }
        pending += 1
        byNetwork[network, default: 0] += 1
        return true
    }

    /// One that was admitted is over, or has become a peer.
    mutating func release(_ network: [UInt8]) {
        guard let count = byNetwork[network] else { return }
        pending -= 1
        byNetwork[network] = count > 1 ? count - 1 : nil
    }
}
