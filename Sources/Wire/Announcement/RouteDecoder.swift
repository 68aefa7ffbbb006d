// One encoded route to a value, or to the reason why not.
//
// Numbers are read as proto3 says and as v1 does, a varint wider than the field cut to its low 32 bits; but a latency of
// 2^32+5 is not the 5 that v1 makes of it: it is the highest there is, so that no path gets shorter by it (A7). Sums of latencies are the RIB's business. Consecutive equal ids are one hop: v1's HEAD names
// itself once more for every neighbour that it announced to before (W1); the first of them has the latency to us.
// Fields that nobody knows, whatever is in them, are passed over (A13).

import Routing

struct RouteDecoder {
    private var prefixBytes: UnsafeRawBufferPointer?
    private var prefixLength: UInt32 = 0
    private var isWithdrawal = false
    private var path: [Hop] = []
    /// The first of the path's defects in the order of `RouteDefect`.
    private var hasBadHopID = false
    private var isTooLong = false
    private var hasDuplicate = false

    private init() {}

    static func decode(_ bytes: UnsafeRawBufferPointer) -> DecodedRoute {
        var decoder = RouteDecoder()
        let isTooLarge = bytes.count > AnnouncedRoute.maximumBytes
        do throws(ProtobufDefect) {
            try decoder.read(bytes, withPath: !isTooLarge)
        } catch { return .malformed(reason: .undecodable, prefix: decoder.prefix().prefix) }
        let (prefix, defect) = decoder.prefix()
        if isTooLarge { return .malformed(reason: .routeTooLarge, prefix: prefix) }
        guard let prefix, defect == nil else { return .malformed(reason: defect ?? .badPrefixBytes, prefix: prefix) }
        if let reason = decoder.pathDefect { return .malformed(reason: reason, prefix: prefix) }
        return .route(AnnouncedRoute(prefix: prefix, path: decoder.path, isWithdrawal: decoder.isWithdrawal))
    }

    private mutating func read(_ bytes: UnsafeRawBufferPointer, withPath: Bool) throws(ProtobufDefect) {
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let range)): prefixBytes = UnsafeRawBufferPointer(rebasing: bytes[range])
            case (2, .varint(let value)): prefixLength = UInt32(truncatingIfNeeded: value)
            case (3, .bytes(let range)):
                if withPath { try readHop(UnsafeRawBufferPointer(rebasing: bytes[range])) }
            case (22, .varint(let value)): isWithdrawal = value != 0
            default: break
            }
        }
    }

    private mutating func readHop(_ bytes: UnsafeRawBufferPointer) throws(ProtobufDefect) {
        var reader = ProtobufReader(bytes, groupLimit: ProtobufReader.groupLimit - 1)
        var id = UnsafeRawBufferPointer(start: nil, count: 0)
        var latency: UInt32 = 0
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let range)): id = UnsafeRawBufferPointer(rebasing: bytes[range])
            case (2, .varint(let value)): latency = UInt32(exactly: value) ?? Hop.unknownLatency - 1
            default: break
            }
        }
        // Count first: 5,000 bytes of an id are not walked through to learn that they are not 32.
        guard id.count == 32, let id = NodeID(bytes: id) else {
            hasBadHopID = true
            return
        }
        if path.last?.id == id { return }
        guard path.count < AnnouncedRoute.maximumHops else {
            isTooLong = true
            return
        }
        hasDuplicate = hasDuplicate || path.contains { $0.id == id }
        path.append(Hop(id: id, latency: latency))
    }

    private var pathDefect: RouteDefect? {
        if hasBadHopID { return .badHopID }
        if path.isEmpty { return .emptyPath }
        if isTooLong { return .pathTooLong }
        return hasDuplicate ? .duplicateHop : nil
    }

    /// The prefix, and what is wrong with it.
    private func prefix() -> (prefix: Prefix?, defect: RouteDefect?) {
        guard let bytes = prefixBytes, bytes.count == 16 else { return (nil, .badPrefixBytes) }
        let address = IPv6Address(
            high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        guard let length = Int(exactly: prefixLength), let prefix = Prefix(masking: address, length: length) else {
            return (nil, .prefixLengthOutOfRange)
        }
        return (prefix, prefix.address == address ? nil : .hostBitsSet)
    }
}
