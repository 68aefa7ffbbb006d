// gRPC's frame around each message on the HTTP/2 stream: one byte that says whether the message is compressed, four
// bytes of length in network order, the message.

/// The frame's prefix.
package enum GRPCFrame {
    /// Bytes of a message at most, both ways: what Go peers take.
    package static let maximumCount = 4 << 20
    /// Bytes before each message.
    package static let headerCount = 5

    /// The five bytes before a message of `count` bytes that is not compressed.
    package static func header(count: Int) -> [UInt8] {
        let count = UInt32(clamping: count)
        return [0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * UInt32($0))) }
    }
}
