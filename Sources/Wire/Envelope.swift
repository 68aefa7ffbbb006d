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

    /// The most that `writeIPFrameStart` writes: gRPC's five bytes, tag 1, and the payload's key and length.
    package static let longestIPFrameStart = GRPCFrame.headerCount + 12

    /// Writes what stands before an IPv6 packet of `payloadCount` bytes on the stream, gRPC's header included. Costs no
    /// allocation, as it is done for every packet.
    /// - Parameter buffer: of `longestIPFrameStart` bytes or more.
    /// - Returns: how many bytes were written.
    package static func writeIPFrameStart(payloadCount: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var end = GRPCFrame.headerCount
        func put(_ byte: UInt8) {
            buffer[end] = byte
            end += 1
        }
        put(1 << 3)
        put(UInt8(truncatingIfNeeded: PeerMessage.Tag.ip))
        if payloadCount > 0 {
            put(2 << 3 | 2)
            var rest = UInt(bitPattern: payloadCount)
            while rest >= 0x80 {
                put(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            put(UInt8(truncatingIfNeeded: rest))
        }
        buffer[0] = 0
        let count = UInt32(clamping: end - GRPCFrame.headerCount + payloadCount)
        buffer.storeBytes(of: count.bigEndian, toByteOffset: 1, as: UInt32.self)
        return end
    }

    /// A whole message.
    static func message(tag: UInt32, payload: [UInt8]) -> [UInt8] {
        var writer = ProtobufWriter(capacity: payload.count + 16)
        writer.field(1, UInt64(tag))
        writer.field(2, payload)
        return writer.bytes
    }
}
