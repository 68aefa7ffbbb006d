// What can be wrong with bytes from a peer, and what dies of it.

/// Why a peer's bytes were refused.
package enum WireError: Error, Sendable, Equatable {
    /// What came is not the protobuf `Message`.
    case malformedEnvelope
    /// The payload of a message with this tag is not what the tag says.
    case malformedPayload(tag: UInt32)
    /// An announcement names more routes than `Announcement.maximumRoutes`.
    case tooManyRoutes
    /// A gRPC message is compressed; nobody asked for that. UNIMPLEMENTED.
    case compressedMessage
    /// A gRPC message's first byte is neither 0 nor 1. INTERNAL.
    case badFrameFlag(UInt8)
    /// A gRPC message has more bytes than `GRPCFrame.maximumCount`. RESOURCE_EXHAUSTED.
    case messageTooLarge(count: UInt32)

    package enum Scope: Sendable, Equatable {
        /// The message is dropped and counted; the session goes on.
        case message
        /// The session with this peer ends; no other does.
        case session
    }

    /// What dies of it. A distributed config or a channel request that cannot be read harms nobody; an envelope or an
    /// announcement that cannot be read means that both sides disagree about where things stand.
    package var scope: Scope {
        switch self {
        case .malformedPayload(let tag): tag == PeerMessage.Tag.announce ? .session : .message
        default: .session
        }
    }

    /// The gRPC status code to end the stream with where the session dies.
    package var grpcStatus: Int {
        switch self {
        case .compressedMessage: 12
        case .messageTooLarge: 8
        case .badFrameFlag: 13
        // INVALID_ARGUMENT.
        case .malformedEnvelope, .malformedPayload, .tooManyRoutes: 3
        }
    }
}
