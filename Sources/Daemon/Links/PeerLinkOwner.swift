// The border of a peer link: what it tells its owner, how it ends, and the buffers that links share.

import Mesh
import Platform
import Wire

/// What a link tells its owner. Called on the control loop's thread, never after `linkEnded`.
protocol PeerLinkOwner: AnyObject {
    /// The TCP connection of a dial stands.
    func linkConnected(_ link: PeerLink)
    /// TLS, HTTP/2 and the stream stand.
    func linkEstablished(_ link: PeerLink, _ info: LinkInfo)
    func link(_ link: PeerLink, received message: PeerMessage)
    /// A raw IPv6 packet of tag 1; the bytes are valid during the call.
    func link(_ link: PeerLink, receivedPacket packet: UnsafeRawBufferPointer)
    /// Bytes came; at most once a second.
    func linkActive(_ link: PeerLink)
    /// The peer broke the protocol so that the session must end.
    func link(_ link: PeerLink, broke rule: String)
    /// Whether the control queue takes more.
    func link(_ link: PeerLink, isWritable: Bool)
    /// Something waits to be flushed at the end of the turn.
    func linkNeedsFlush(_ link: PeerLink)
    /// The name that the configuration binds to an external peer's certificate, by its fingerprint.
    func boundName(ofExternal fingerprint: [UInt8]) -> String?
    /// The link is gone; the owner drops it.
    func linkEnded(_ link: PeerLink, _ end: PeerLinkEnd)
}

/// Buffers that all links of a loop read into, one at a time; nothing stays in them between calls.
final class LinkScratch {
    let ciphertext = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    /// A TLS record's worth.
    let plaintext = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
    /// What stands before a packet on the stream.
    let frameStart = UnsafeMutableRawBufferPointer.allocate(byteCount: Envelope.longestIPFrameStart, alignment: 16)
    /// HTTP/2 frames on their way to TLS: emptied for each use, so that framing does not allocate.
    var framed: [UInt8] = []

    deinit {
        ciphertext.deallocate()
        plaintext.deallocate()
        frameStart.deallocate()
    }
}

/// How a link ended.
enum PeerLinkEnd {
    /// Before it was established; for a dial this becomes `dialFailed`.
    case failedToOpen(DialFailure)
    case ended(LinkEnd)
}
