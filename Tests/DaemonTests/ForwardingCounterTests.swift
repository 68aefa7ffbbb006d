// How counters are laid out and which link has which row.

import Mesh
import Platform
import Testing

@testable import Daemon

@Suite("Forwarding counters")
struct ForwardingCounterTests {
    @Test("every counter of a row has a place of its own within the row")
    func layout() {
        var places: Set<Int> = [0, 1, 2, 3]
        for direction in TrafficDirection.allCases {
            for reason in DropReason.allCases {
                let place = CounterRows.drop(direction, reason)
                #expect(places.insert(place).inserted && places.insert(place + 1).inserted)
                #expect(place + 1 < CounterRows.width)
            }
        }
    }

    @Test("slots are found for the links that have one, and 0 for the others; against a dictionary")
    func slots() {
        let seed = SecureRandom.number()
        var word = seed
        func next() -> UInt32 {
            word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt32(truncatingIfNeeded: word >> 34)
        }
        for count in [0, 1, 3, 64, 1000] {
            var expected: [UInt32: Int] = [:]
            for slot in 0..<count { expected[next()] = slot + 1 }
            let table = LinkSlots(expected)
            for (link, slot) in expected { #expect(table.view.slot(of: link) == slot, "seed \(seed)") }
            for _ in 0..<1000 {
                let link = next()
                #expect(table.view.slot(of: link) == expected[link] ?? 0, "seed \(seed)")
            }
        }
    }

    @Test("a link that gets a row which another had starts at zero")
    func reuse() throws {
        let blocks = [try CounterBlock(count: CounterRows.count), try CounterBlock(count: CounterRows.count)]
        var ledger = LinkLedger()
        let firstUpdate = ledger.update([5], in: blocks)
        let first = try #require(firstUpdate)
        let row = CounterRows.link(slot: first.view.slot(of: 5))
        blocks[0].countReceived(row, bytes: 100)
        blocks[1].countReceived(row, bytes: 50)
        blocks[1].countDrop(row, .sent, .queueFull, bytes: 9)
        let counters = try #require(ledger.counters(of: 5, in: blocks))
        #expect((counters.receivedPackets, counters.receivedBytes) == (2, 150))
        #expect(counters.drops == [.init(direction: .sent, reason: .queueFull, packets: 1, bytes: 9)])

        let unchanged = ledger.update([5], in: blocks)
        #expect(unchanged == nil)
        let secondUpdate = ledger.update([6], in: blocks)
        let second = try #require(secondUpdate)
        #expect(CounterRows.link(slot: second.view.slot(of: 6)) == row)
        #expect(ledger.counters(of: 6, in: blocks) == TrafficCounters())
        #expect(ledger.counters(of: 5, in: blocks) == nil)
    }

    @Test("links beyond the rows share the first, and get one when another goes")
    func full() throws {
        let blocks = [try CounterBlock(count: CounterRows.count)]
        var ledger = LinkLedger()
        let allUpdate = ledger.update(1...1030, in: blocks)
        let all = try #require(allUpdate)
        #expect((1...1024).allSatisfy { all.view.slot(of: $0) > 0 })
        #expect(all.view.slot(of: 1025) == 0)
        let laterUpdate = ledger.update(10...1030, in: blocks)
        let later = try #require(laterUpdate)
        #expect(later.view.slot(of: 1025) > 0)
    }
}
