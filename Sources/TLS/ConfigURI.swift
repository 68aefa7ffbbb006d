// The one name in a certificate that signs a distributed configuration: `vnet-conf://<SHA-256 of the content, hex>`.

enum ConfigURI {
    static let scheme = "vnet-conf"

    static func text(contentHash: [UInt8]) -> String { "\(scheme)://" + Hex.encode(contentHash) }

    /// Whether a URI has this scheme, whatever follows; schemes are compared without case (RFC 3986 3.1).
    static func hasScheme(_ uri: [UInt8]) -> Bool {
        let prefix = Array("\(scheme):".utf8)
        guard uri.count >= prefix.count else { return false }
        return zip(uri, prefix).allSatisfy { byte, expected in
            let lower = (0x41...0x5A).contains(byte) ? byte + 0x20 : byte
            return lower == expected
        }
    }

    /// The 32 bytes of a well-formed name: exactly 64 hexadecimal digits after `vnet-conf://`, nothing else.
    static func contentHash(_ uri: [UInt8]) -> [UInt8]? {
        let prefix = Array("\(scheme)://".utf8)
        guard hasScheme(uri), uri.count == prefix.count + 64, uri[scheme.utf8.count...].starts(with: prefix[9...])
        else {
            return nil
        }
        return Hex.decode(String(decoding: uri[prefix.count...], as: UTF8.self))
    }
}
