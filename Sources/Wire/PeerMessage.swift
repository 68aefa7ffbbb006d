// What two nodes say to each other on the stream, by protocol v1: seven messages, told apart by a tag.
//
// Rare messages are read by SwiftProtobuf's generated code. Announcements stay bytes here: they are large, and who
// reads them wants to refuse too many routes before there are any (see Announcement). Tags that nobody knows are
// no error, which is the room that the protocol has for growth.

import Routing

/// One message of the peer protocol.
package enum PeerMessage: Sendable, Equatable {
    /// Tag 0: said by nobody, ignored by everybody.
    case invalid
    /// An IPv6 packet, or what a peer takes for one.
    case ip([UInt8])
    /// The payload of an announcement, for `Announcement.decode`.
    case announce([UInt8])
    case ping
    case pong
    case distributedConfig(SignedConfig)
    /// Type 0 is v1's plaintext UDP channel.
    case channelRequest(type: Int32, token: [UInt8])
    case channelResponse(type: Int32, token: [UInt8])
    /// A tag of a protocol newer than this one; its payload is not kept.
    case unknown(tag: UInt32)

    /// The tags of protocol v1.
    package enum Tag {
        package static let invalid: UInt32 = 0
        package static let ip: UInt32 = 1
        package static let announce: UInt32 = 2
        package static let ping: UInt32 = 3
        package static let pong: UInt32 = 4
        package static let distributedConfig: UInt32 = 5
        package static let channelRequest: UInt32 = 6
        package static let channelResponse: UInt32 = 7
    }

    /// Reads a message (a gRPC message's body).
    /// - Throws: `.malformedEnvelope` (session) or `.malformedPayload` (message; tags 5, 6 and 7).
    package static func decode(_ body: UnsafeRawBufferPointer) throws(WireError) -> PeerMessage {
        let (tag, range) = try Envelope.scan(body)
        let payload = UnsafeRawBufferPointer(rebasing: body[range])
        switch tag {
        case Tag.invalid: return .invalid
        case Tag.ip: return .ip(Array(payload))
        case Tag.announce: return .announce(Array(payload))
        // Pings and pongs have no payload; one that has some is answered and counted all the same, as by v1.
        case Tag.ping: return .ping
        case Tag.pong: return .pong
        case Tag.distributedConfig: return .distributedConfig(try SignedConfig(decoding: Array(payload)))
        case Tag.channelRequest:
            guard let request = try? ProtoChannelRequest(serializedBytes: Array(payload)) else {
                throw .malformedPayload(tag: tag)
            }
            return .channelRequest(
                type: Int32(truncatingIfNeeded: request.type.rawValue), token: [UInt8](request.token))
        case Tag.channelResponse:
            guard let response = try? ProtoChannelResponse(serializedBytes: Array(payload)) else {
                throw .malformedPayload(tag: tag)
            }
            return .channelResponse(
                type: Int32(truncatingIfNeeded: response.type.rawValue), token: [UInt8](response.token))
        default: return .unknown(tag: tag)
        }
    }

    /// Reads a message out of an array.
    package static func decode(_ body: [UInt8]) throws(WireError) -> PeerMessage {
        try body.withRawBytes { bytes throws(WireError) in try decode(bytes) }
    }

    /// The message's bytes, without the gRPC prefix.
    package func encoded() -> [UInt8] {
        switch self {
        case .invalid: Envelope.message(tag: Tag.invalid, payload: [])
        case .ip(let packet): Envelope.message(tag: Tag.ip, payload: packet)
        case .announce(let payload): Envelope.message(tag: Tag.announce, payload: payload)
        case .ping: Envelope.message(tag: Tag.ping, payload: [])
        case .pong: Envelope.message(tag: Tag.pong, payload: [])
        case .distributedConfig(let config): Envelope.message(tag: Tag.distributedConfig, payload: config.encoded())
        case .channelRequest(let type, let token):
            Envelope.message(tag: Tag.channelRequest, payload: Self.channel(type, token))
        case .channelResponse(let type, let token):
            Envelope.message(tag: Tag.channelResponse, payload: Self.channel(type, token))
        case .unknown(let tag): Envelope.message(tag: tag, payload: [])
        }
    }

    private static func channel(_ type: Int32, _ token: [UInt8]) -> [UInt8] {
        var writer = ProtobufWriter(capacity: token.count + 16)
        // An enum is an int32: a negative one is written as 64 bits with its sign.
        writer.field(1, UInt64(bitPattern: Int64(type)))
        writer.field(2, token)
        return writer.bytes
    }
}
