// How the workers' counters lie in flat memory: a row of 64 for each vif and each link slot.
//
//     packets, bytes received | packets, bytes sent | per direction and drop reason: packets, bytes
//
// Each worker has a block of its own and is its only writer; the control thread adds the blocks up. Rows of links are
// used again by later links. Nobody clears them, as that would be a second writer: the control thread remembers what
// a row held when a link got it (see LinkLedger).

import Mesh
import Platform

enum CounterRows {
    /// Counters a row.
    static let width = 64
    /// Rows of links, the first of which counts for links that have none of their own.
    static let linkSlots = 1025

    static let count = (ForwardingPlane.vifLimit + linkSlots) * width

    @inline(__always)
    static func vif(_ index: Int) -> Int { index &* width }

    @inline(__always)
    static func link(slot: Int) -> Int { (ForwardingPlane.vifLimit &+ slot) &* width }

    @inline(__always)
    static func drop(_ direction: TrafficDirection, _ reason: DropReason) -> Int {
        4 &+ ((direction == .received ? 0 : DropReason.count) &+ reason.index) &* 2
    }

    /// The sum of a row over all workers.
    static func values(at row: Int, in blocks: [CounterBlock]) -> [UInt64] {
        (0..<width).map { offset in blocks.reduce(0) { $0 &+ $1[row + offset] } }
    }

    /// A row in words.
    static func counters(_ row: [UInt64]) -> TrafficCounters {
        var counters = TrafficCounters()
        guard row.count == width else { return counters }
        counters.receivedPackets = row[0]
        counters.receivedBytes = row[1]
        counters.sentPackets = row[2]
        counters.sentBytes = row[3]
        for direction in TrafficDirection.allCases {
            for reason in DropReason.allCases {
                let offset = drop(direction, reason)
                guard row[offset] > 0 else { continue }
                counters.drops.append(
                    .init(direction: direction, reason: reason, packets: row[offset], bytes: row[offset + 1]))
            }
        }
        return counters
    }
}

extension CounterBlock {
    @inline(__always)
    func countReceived(_ row: Int, bytes: Int) {
        add(row)
        add(row &+ 1, UInt64(truncatingIfNeeded: bytes))
    }

    @inline(__always)
    func countSent(_ row: Int, bytes: Int) {
        add(row &+ 2)
        add(row &+ 3, UInt64(truncatingIfNeeded: bytes))
    }

    @inline(__always)
    func countDrop(_ row: Int, _ direction: TrafficDirection, _ reason: DropReason, bytes: Int) {
        let offset = row &+ CounterRows.drop(direction, reason)
        add(offset)
        add(offset &+ 1, UInt64(truncatingIfNeeded: bytes))
    }
}
