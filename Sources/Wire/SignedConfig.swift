// The distributed config as it travels and as it lies on disk: what the signing tool writes into its .bin file.
//
// The signature is in the certificate, whose only name is the hash of the content. Whether it holds is decided
// elsewhere; here are only the bytes, and they are the same that Go's protobuf makes.

/// A policy with the certificate that vouches for it.
package struct SignedConfig: Sendable, Equatable, Hashable {
    /// 1 in protocol v1. Others can be read but mean nothing yet.
    package var version: UInt32
    /// DER of the leaf that signs.
    package var certificate: [UInt8]
    /// The JSON that was signed, byte for byte.
    package var content: [UInt8]

    package init(version: UInt32 = 1, certificate: [UInt8], content: [UInt8]) {
        self.version = version
        self.certificate = certificate
        self.content = content
    }

    /// Reads the protobuf `DistributedConfig`.
    /// - Throws: `.malformedPayload`: the message dies, the session does not.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        guard let config = try? ProtoDistributedConfig(serializedBytes: bytes) else {
            throw .malformedPayload(tag: PeerMessage.Tag.distributedConfig)
        }
        self.init(
            version: config.version, certificate: [UInt8](config.certificate), content: [UInt8](config.content))
    }

    /// The protobuf `DistributedConfig`. Fields of it that this version does not know were not kept.
    package func encoded() -> [UInt8] {
        var writer = ProtobufWriter(capacity: certificate.count + content.count + 16)
        writer.field(1, UInt64(version))
        writer.field(2, certificate)
        writer.field(3, content)
        return writer.bytes
    }
}
