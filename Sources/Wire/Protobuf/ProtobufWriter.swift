// Writes protobuf as Go's library does: fields by number, defaults left out, shortest varints. What v1's tools hash,
// sign or compare is therefore the same bytes here.

import Routing

struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// A number; proto3 leaves out 0.
    mutating func field(_ number: UInt32, _ value: UInt64) {
        guard value != 0 else { return }
        varint(UInt64(number << 3))
        varint(value)
    }

    /// Bytes; proto3 leaves out empty ones.
    mutating func field(_ number: UInt32, _ value: some Collection<UInt8>) {
        guard !value.isEmpty else { return }
        header(number, count: value.count)
        bytes.append(contentsOf: value)
    }

    /// Tag and length of a length-delimited field whose body the caller writes next.
    mutating func header(_ number: UInt32, count: Int) {
        varint(UInt64(number << 3 | 2))
        varint(UInt64(count))
    }

    mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    mutating func append(_ word: UInt64) {
        withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Bytes that `varint` writes for a value.
    static func size(of value: UInt64) -> Int { max(1, (70 - value.leadingZeroBitCount) / 7) }
}
