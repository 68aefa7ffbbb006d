// Hex, seeds and random routes for the tests of this module.

import Routing

@testable import Wire

/// Bytes spelled in hex; spaces do not matter. A test with a typo in it gets an empty array and fails.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.map { $0.hexDigitValue ?? -1 }
    guard digits.count.isMultiple(of: 2), !digits.contains(-1) else { return [] }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

func text(_ bytes: [UInt8]) -> String {
    bytes.map { String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
}

func address(_ high: UInt64, _ low: UInt64 = 0) -> IPv6Address { IPv6Address(high: high, low: low) }

/// The id of 32 equal bytes.
func id(_ byte: UInt8) -> NodeID { id(Array(repeating: byte, count: 32)) }

/// The id of 32 bytes; the tests have no others.
func id(_ bytes: [UInt8]) -> NodeID {
    guard let id = NodeID(bytes: bytes) else { preconditionFailure("an id has 32 bytes") }
    return id
}

/// The routes of a payload, in order.
func routes(_ payload: [UInt8]) throws -> [DecodedRoute] {
    var routes: [DecodedRoute] = []
    _ = try Announcement.decode(payload) { routes.append($0) }
    return routes
}

/// A payload with these encoded routes.
func payload(_ routes: [[UInt8]]) -> [UInt8] {
    var writer = ProtobufWriter()
    for route in routes {
        writer.header(1, count: route.count)
        writer.append(route)
    }
    return writer.bytes
}

/// An encoded hop.
func hop(_ id: [UInt8], _ latency: UInt64) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.field(1, id)
    writer.field(2, latency)
    return writer.bytes
}

/// An encoded route, right or wrong.
func route(
    prefix: [UInt8] = hex("20010db8000a0000 0000000000000000"), length: UInt64 = 48, hops: [[UInt8]], more: [UInt8] = []
) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.field(1, prefix)
    writer.field(2, length)
    for hop in hops {
        writer.header(3, count: hop.count)
        writer.append(hop)
    }
    writer.append(more)
    return writer.bytes
}

/// SplitMix64: small, and the same numbers everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: (next() >> 33) % UInt64(max(1, bound))) }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let word = next()
            for shift in stride(from: UInt64(0), to: 64, by: 8) where bytes.count < count {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return bytes
    }

    mutating func nodeID() -> NodeID { id(bytes(32)) }

    /// A route that a node of ours would announce.
    mutating func announcedRoute(from sender: NodeID, hops: Int? = nil) -> AnnouncedRoute? {
        let latencies: [UInt32] = [0, 1, 127, 128, 300, 70_000, .max]
        let count = hops ?? 1 + below(below(8) == 0 ? 64 : 5)
        let path = (0..<count).map { Hop(id: $0 == 0 ? sender : nodeID(), latency: latencies[below(latencies.count)]) }
        return Prefix(masking: IPv6Address(high: next(), low: next()), length: below(129)).map {
            AnnouncedRoute(prefix: $0, path: path, isWithdrawal: below(4) == 0)
        }
    }

    /// Bytes that look like protobuf: fields with small numbers, all wire types, groups, and now and then rubbish.
    mutating func protobuf(depth: Int = 3) -> [UInt8] {
        var writer = ProtobufWriter()
        for _ in 0..<below(5) {
            let number = UInt32([1, 2, 3, 16, 22, 1 + below(40)][below(6)])
            switch below(12) {
            case 0...2:
                writer.varint(UInt64(number << 3))
                writer.varint(next() >> UInt64(below(64)))
            case 3...6:
                let body = depth > 0 && below(2) == 0 ? protobuf(depth: depth - 1) : bytes(below(40))
                writer.header(number, count: below(20) == 0 ? body.count + 1 : body.count)
                writer.append(body)
            case 7:
                writer.varint(UInt64(number << 3 | 1))
                writer.append(bytes(8))
            case 8:
                writer.varint(UInt64(number << 3 | 5))
                writer.append(bytes(4))
            case 9:
                writer.varint(UInt64(number << 3 | 3))
                if depth > 0 { writer.append(protobuf(depth: depth - 1)) }
                writer.varint(UInt64((below(10) == 0 ? number + 1 : number) << 3 | 4))
            case 10:
                // A varint longer than it need be: as a tag, and as a value.
                let tag = UInt8(truncatingIfNeeded: number << 3) | 0x80
                writer.append([tag] + Array(repeating: 0x80, count: below(4)) + [UInt8(below(2))])
                writer.append(Array(repeating: 0xFF, count: below(11)) + [UInt8(below(128))])
            default: writer.append(bytes(1 + below(3)))
            }
        }
        return writer.bytes
    }

    /// A few bytes changed, put in, or cut off.
    mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...below(3) where !bytes.isEmpty {
            let place = below(bytes.count)
            switch below(4) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: next())
            case 1: bytes[place] ^= 1 << UInt8(below(8))
            case 2: bytes.insert(UInt8(truncatingIfNeeded: next()), at: place)
            default: bytes.removeSubrange(place...)
            }
        }
        return bytes
    }
}
