// The last look at what goes to a v1 peer (W18).
//
// A v1 node ends the session over one bad route, and again with the next announcement; so a bad route that somebody
// else made and we handed on kills a healthy session every 30 seconds. Nothing of the kind gets through here, whatever
// the code before it did: the verdict is over the encoded bytes and shares no line with the encoder.

import Routing

/// Why a message must not be sent.
package enum OutboundViolation: String, Error, Sendable, Equatable, CaseIterable {
    /// Not the protobuf `Message`, or not the payload that its tag says.
    case undecodable
    /// An announcement of more than 1 MiB, anything else of more than 4 MiB.
    case tooLarge
    /// A Pong that no Ping asked for; v1 closes the link.
    case unsolicitedPong
    case tooManyRoutes
    case badPrefixBytes
    case prefixLengthOutOfRange
    case hostBitsSet
    case emptyPath
    case badHopID
    /// The path does not begin with us; v1 closes the link.
    case foreignFirstHop
    case repeatedHop
    case pathTooLong
}

/// One session's validator. Not sent means not sent: the caller drops the message, counts it, and keeps the session.
package struct OutboundValidator: Sendable {
    private let sender: NodeID
    /// Pings of the peer that no Pong has answered yet: at most what an Int counts.
    package private(set) var owedPongs = 0

    /// - Parameter sender: our own id.
    package init(sender: NodeID) { self.sender = sender }

    /// Notes a Ping from the peer: one Pong may go out.
    package mutating func notePing() { owedPongs &+= 1 }

    /// Judges one encoded `Message` that is about to be sent. A Pong that passes counts as sent.
    package mutating func check(_ body: UnsafeRawBufferPointer) throws(OutboundViolation) {
        guard body.count <= GRPCFrame.maximumCount else { throw .tooLarge }
        let tag: UInt32
        let payload: Range<Int>
        do throws(WireError) { (tag, payload) = try Envelope.scan(body) } catch { throw .undecodable }
        switch tag {
        case PeerMessage.Tag.announce:
            guard body.count <= AnnouncementEncoder.maximumBytes else { throw .tooLarge }
            try checkAnnouncement(UnsafeRawBufferPointer(rebasing: body[payload]))
        case PeerMessage.Tag.pong:
            guard owedPongs > 0 else { throw .unsolicitedPong }
            owedPongs -= 1
        case PeerMessage.Tag.distributedConfig, PeerMessage.Tag.channelRequest, PeerMessage.Tag.channelResponse:
            do throws(WireError) { _ = try PeerMessage.decode(body) } catch { throw .undecodable }
        default: break
        }
    }

    /// Judges a message in an array.
    package mutating func check(_ body: [UInt8]) throws(OutboundViolation) {
        try body.withRawBytes { bytes throws(OutboundViolation) in try check(bytes) }
    }

    private func checkAnnouncement(_ payload: UnsafeRawBufferPointer) throws(OutboundViolation) {
        var count = 0
        try Self.fields(payload) { number, _ throws(OutboundViolation) in
            if number == 1 { count += 1 }
        }
        guard count <= Announcement.maximumRoutes else { throw .tooManyRoutes }
        try Self.fields(payload) { number, value throws(OutboundViolation) in
            guard number == 1, case .bytes(let range) = value else { return }
            try checkRoute(UnsafeRawBufferPointer(rebasing: payload[range]))
        }
    }

    private func checkRoute(_ bytes: UnsafeRawBufferPointer) throws(OutboundViolation) {
        var prefix = UnsafeRawBufferPointer(start: nil, count: 0)
        var length: UInt64 = 0
        var path: [NodeID] = []
        try Self.fields(bytes) { number, value throws(OutboundViolation) in
            switch (number, value) {
            case (1, .bytes(let range)): prefix = UnsafeRawBufferPointer(rebasing: bytes[range])
            // Not cut to 32 bits: what has to be cut is not what we write.
            case (2, .varint(let value)): length = value
            case (3, .bytes(let range)):
                path.append(try hopID(UnsafeRawBufferPointer(rebasing: bytes[range])))
                guard path.count <= AnnouncedRoute.maximumHops else { throw .pathTooLong }
            default: break
            }
        }
        guard prefix.count == 16 else { throw .badPrefixBytes }
        guard length <= 128 else { throw .prefixLengthOutOfRange }
        let bits = Int(truncatingIfNeeded: length)
        for index in bits..<128 where prefix[index / 8] & (0x80 >> UInt8(index % 8)) != 0 { throw .hostBitsSet }
        guard let first = path.first else { throw .emptyPath }
        guard first == sender else { throw .foreignFirstHop }
        guard Set(path).count == path.count else { throw .repeatedHop }
    }

    private func hopID(_ bytes: UnsafeRawBufferPointer) throws(OutboundViolation) -> NodeID {
        var id: NodeID?
        try Self.fields(bytes) { number, value throws(OutboundViolation) in
            guard number == 1, case .bytes(let range) = value else { return }
            id = NodeID(bytes: bytes[range])
        }
        guard let id else { throw .badHopID }
        return id
    }

    private static func fields(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (UInt32, ProtobufReader.Value) throws(OutboundViolation) -> Void
    ) throws(OutboundViolation) {
        var reader = ProtobufReader(bytes)
        while true {
            let field: (number: UInt32, value: ProtobufReader.Value)?
            do throws(ProtobufDefect) { field = try reader.next() } catch { throw .undecodable }
            guard let field else { return }
            try body(field.number, field.value)
        }
    }
}
