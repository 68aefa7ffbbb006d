// The protobuf `Message` around everything that peers say: a tag and a payload.
//
// Packets come in it by the hundred thousand, so tag and payload are found without copying. Of a field that comes
// twice the last one counts, and a tag wider than 32 bits is cut, as proto3 says; both a v1 node does too.

/// A scan of one `Message`.
package struct Envelope {
    private init() {}

    /// Finds tag and payload of a message (a gRPC message's body).
    /// - Returns: the tag, 0 if there is none, and the payload's place in `body`, empty if there is none.
    /// - Throws: `WireError.malformedEnvelope`: the session dies.
    package static func scan(
        _ body: UnsafeRawBufferPointer
    ) throws(WireError) -> (tag: UInt32, payload: Range<Int>) {
        var tag: UInt32 = 0
        var payload = 0..<0
        var reader = ProtobufReader(body)
        do throws(ProtobufDefect) {
            while let field = try reader.next() {
                switch (field.number, field.value) {
                case (1, .varint(let value)): tag = UInt32(truncatingIfNeeded: value)
                case (2, .bytes(let range)): payload = range
                default: break
                }
            }
        } catch { throw .malformedEnvelope }
        return (tag, payload)
    }

    /// What stands before an IPv6 packet of `payloadCount` bytes in a message of tag 1: at most 12 bytes.
    package static func ipFrameHeader(payloadCount: Int) -> [UInt8] {
        var writer = ProtobufWriter(capacity: 12)
        writer.field(1, UInt64(PeerMessage.Tag.ip))
        if payloadCount > 0 { writer.header(2, count: payloadCount) }
        return writer.bytes
    }

    /// A whole message.
    static func message(tag: UInt32, payload: [UInt8]) -> [UInt8] {
        var writer = ProtobufWriter(capacity: payload.count + 16)
        writer.field(1, UInt64(tag))
        writer.field(2, payload)
        return writer.bytes
    }
}
