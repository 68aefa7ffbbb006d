// The FIB against a naive table: one hash map a length, asked from the longest down.

import Routing
import Testing

/// The slow table whose answers are obvious.
private struct NaiveTable {
    private var tables = [[IPv6Address: NextHop]](repeating: [:], count: 129)
    private(set) var lengths: [Int] = []
    private(set) var count = 0

    mutating func insert(_ prefix: Prefix, _ hop: NextHop) {
        if tables[prefix.length].isEmpty { lengths = (lengths + [prefix.length]).sorted(by: >) }
        if tables[prefix.length].updateValue(hop, forKey: prefix.address) == nil { count += 1 }
    }

    mutating func remove(_ prefix: Prefix) -> Bool {
        guard tables[prefix.length].removeValue(forKey: prefix.address) != nil else { return false }
        count -= 1
        if tables[prefix.length].isEmpty { lengths.removeAll { $0 == prefix.length } }
        return true
    }

    func lookup(_ address: IPv6Address) -> NextHop? {
        for length in lengths {
            guard let prefix = Prefix(masking: address, length: length) else { continue }
            if let hop = tables[length][prefix.address] { return hop }
        }
        return nil
    }

    var all: [(Prefix, NextHop)] {
        lengths.flatMap { length in
            tables[length].compactMap { entry in Prefix(masking: entry.key, length: length).map { ($0, entry.value) } }
        }
    }
}

/// Where prefixes and addresses of a run come from.
struct Distribution: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var lengths: [Int]
    /// Bits from which on the address is random; before them it is one of a few neighbours.
    var make: @Sendable (inout RandomSource) -> IPv6Address

    static let all = [
        Distribution(testDescription: "nested: one address, every length from /0 to /128", lengths: Array(0...128)) {
            random in
            // One bit of a fixed address flipped: every prefix contains or misses it at that bit.
            var address = IPv6Address(high: 0x2001_0db8_a5a5_5a5a, low: 0x0123_4567_89ab_cdef)
            let bit = random.below(160)
            if bit < 64 { address.high ^= 1 &<< UInt64(63 - bit) }
            if bit >= 64 && bit < 128 { address.low ^= 1 &<< UInt64(127 - bit) }
            return address
        },
        Distribution(testDescription: "edges of the direct table: /7…/9, /15…/17", lengths: [0, 7, 8, 9, 15, 16, 17]) {
            random in
            IPv6Address(high: (random.next() & 0x0303_8000_0000_0000) | 0x2000 &<< 48, low: random.next())
        },
        Distribution(
            testDescription: "edges of nodes and words: /22 ± 1, /64 ± 1, /70, /124, /128",
            lengths: [21, 22, 23, 63, 64, 65, 70, 124, 128]
        ) { random in
            IPv6Address(
                high: 0x2001_0d00_0000_0000 | random.next() & 0x0000_0003_8000_0003,
                low: random.next() & 0xc400_0000_0000_0013)
        },
        Distribution(testDescription: "neighbours: /48 and /64 side by side", lengths: [32, 47, 48, 49, 64]) { random in
            IPv6Address(high: 0x2001_0db8_0000_0000 | random.next() & 0x03ff_0003, low: random.next())
        },
        Distribution(testDescription: "hosts: /127 and /128 far from each other", lengths: [0, 3, 127, 128]) { random in
            var scatter = RandomSource(seed: UInt64(random.below(600)))
            return IPv6Address(high: scatter.next() | 0x2000 &<< 48, low: scatter.next())
        },
        Distribution(
            testDescription: "anything: few prefixes of random length", lengths: [1, 5, 12, 19, 29, 40, 56, 90]
        ) { random in
            IPv6Address(high: random.next() & 0xff0f_ffff_0000_0f0f, low: random.next())
        },
    ]
}

@Suite struct FIBTests {
    private func hop(_ random: inout RandomSource) -> NextHop {
        switch random.below(8) {
        case 0: .discard
        case 1: .vif(random.below(4))
        default: .link(UInt32(random.below(1 << 30)))
        }
    }

    @Test("Oracle: changes, look-ups, publishes and reclaims agree with the naive table", arguments: Distribution.all)
    func oracle(distribution: Distribution) {
        let seed = RandomSource.seed(for: "FIB, \(distribution.testDescription)")
        var random = RandomSource(seed: seed)
        var fib = FIB()
        var naive = NaiveTable()
        // Snapshots that a reader keeps while the writer goes on, each with the table as it was.
        var kept: [(snapshot: FIBSnapshot, naive: NaiveTable)] = [(fib.publish(), naive)]
        var operations = 0
        var failures = 0
        while operations < 175_000 && failures < 5 {
            // Waves: mostly growing, then mostly shrinking, down to nothing.
            let growing = operations / 6_000 % 2 == 0
            for _ in 0..<(1 + random.below(40)) {
                let address = distribution.make(&random)
                let length = distribution.lengths[random.below(distribution.lengths.count)]
                guard let prefix = Prefix(masking: address, length: length) else { continue }
                if random.below(10) < (growing ? 8 : 2) && naive.count < 3_000 {
                    let next = hop(&random)
                    fib.insert(prefix, next)
                    naive.insert(prefix, next)
                } else if fib.remove(prefix) != naive.remove(prefix) {
                    failures += 1
                    Issue.record("removing \(prefix) answered wrongly")
                }
                operations += 1
            }
            if fib.count != naive.count {
                failures += 1
                Issue.record("\(fib.count) prefixes counted, \(naive.count) are there")
            }
            let snapshot = fib.publish()
            operations += 1
            if random.below(8) == 0 {
                if kept.count > 4 { kept.remove(at: random.below(kept.count)) }
                kept.append((snapshot, naive))
            }
            if random.below(8) == 0 { fib.reclaim() }
            let old = kept[random.below(kept.count)]
            for turn in 0..<40 {
                let address = distribution.make(&random)
                let (was, expected) =
                    turn < 28
                    ? (snapshot.lookup(address), naive.lookup(address))
                    : (old.snapshot.lookup(address), old.naive.lookup(address))
                operations += 1
                if was != expected {
                    failures += 1
                    Issue.record("\(address) goes to \(String(describing: was)), not \(String(describing: expected))")
                }
            }
        }
        // Memory: the shape depends on the set alone, and an empty table is as small as a new one.
        kept = []
        expectSameMemory(&fib, as: naive)
        for (prefix, _) in naive.all where !fib.remove(prefix) { Issue.record("\(prefix) was not there") }
        expectSameMemory(&fib, as: NaiveTable())
        #expect(fib.count == 0)
    }

    private func expectSameMemory(_ fib: inout FIB, as naive: NaiveTable) {
        var fresh = FIB()
        for (prefix, hop) in naive.all { fresh.insert(prefix, hop) }
        _ = fib.publish()
        _ = fresh.publish()
        fib.reclaim()
        fresh.reclaim()
        #expect(fib.retiredBlocks == 0)
        #expect(fib.bytesInUse == fresh.bytesInUse)
    }

    @Test("A snapshot stays what it was, and its memory is not used again while it is held")
    func snapshotIsHeld() throws {
        var fib = FIB()
        let prefixes = (0..<500).compactMap {
            Prefix(masking: IPv6Address(high: 0x2001_0db8_0000_0000 | UInt64($0) &<< 16, low: 0), length: 48)
        }
        for (index, prefix) in prefixes.enumerated() { fib.insert(prefix, .link(UInt32(index))) }
        var held: FIBSnapshot? = fib.publish()
        for round in 0..<20 {
            for prefix in prefixes { fib.insert(prefix, .vif(round)) }
            _ = fib.publish()
            for prefix in prefixes where prefix.address.high &>> 16 & 1 == 0 { fib.remove(prefix) }
            _ = fib.publish()
        }
        for (index, prefix) in prefixes.enumerated() {
            #expect(held?.lookup(prefix.lastAddress) == .link(UInt32(index)))
        }
        #expect(held?.count == 500 && held?.version == 1)
        #expect(fib.retiredBlocks > 0)
        held = nil
        let freed = fib.reclaim()
        #expect(freed > 0 && fib.retiredBlocks == 0)
    }

    @Test("Reclaim keeps what a limit protects although nobody holds the snapshot")
    func reclaimLimit() throws {
        var fib = FIB()
        let prefix = try Prefix(parsing: "2001:db8::/48")
        fib.insert(prefix, .vif(1))
        var first: FIBSnapshot? = fib.publish()
        fib.insert(prefix, .vif(2))
        let second = fib.publish()
        #expect(first?.lookup(prefix.address) == .vif(1))
        #expect(second.lookup(prefix.address) == .vif(2))
        first = nil
        let protected = fib.reclaim(olderThan: 1)
        #expect(protected == 0 && fib.retiredBlocks > 0)
        let freed = fib.reclaim(olderThan: 2)
        #expect(freed > 0 && fib.retiredBlocks == 0)
    }

    @Test("Readers on other threads see one version each, from the first look-up to the last")
    func readers() async {
        await withTaskGroup(of: Int.self) { group in
            var fib = FIB()
            let prefixes = (0..<200).compactMap { (index: UInt64) in
                Prefix(masking: IPv6Address(high: 0x2001_0db8_0000_0000 | index &<< 18, low: 0), length: 46)
            }
            for round in 0..<30 {
                for prefix in prefixes { fib.insert(prefix, .link(UInt32(round))) }
                let snapshot = fib.publish()
                group.addTask {
                    var strays = 0
                    for _ in 0..<20 {
                        for prefix in prefixes where snapshot.lookup(prefix.address) != .link(UInt32(round)) {
                            strays += 1
                        }
                    }
                    return strays
                }
                for prefix in prefixes.prefix(100) { fib.remove(prefix) }
                _ = fib.publish()
            }
            for await strays in group { #expect(strays == 0) }
        }
    }

    @Test("A snapshot outlives its writer")
    func outlives() throws {
        func make() throws -> FIBSnapshot {
            var fib = FIB()
            fib.insert(try Prefix(parsing: "2001:db8::/32"), .vif(3))
            fib.insert(try Prefix(parsing: "2001:db8:1::/48"), .link(9))
            return fib.publish()
        }
        let snapshot = try make()
        #expect(snapshot.lookup(try IPv6Address(parsing: "2001:db8:1::1")) == .link(9))
        #expect(snapshot.lookup(try IPv6Address(parsing: "2001:db8:2::1")) == .vif(3))
        #expect(snapshot.lookup(try IPv6Address(parsing: "2001:db9::1")) == nil)
        var bytes: [UInt8] = [0xee] + (try IPv6Address(parsing: "2001:db8:1::1").bytes)
        bytes.withUnsafeMutableBytes { raw in
            let odd = UnsafeRawBufferPointer(raw).baseAddress.unsafelyUnwrapped + 1
            #expect(snapshot.view.lookup(bytes: odd) == .link(9))
        }
    }

    @Test("C9: a default route is used only where nothing longer matches")
    func defaultRoute() throws {
        var fib = FIB()
        fib.insert(try Prefix(parsing: "2001:db8:a::/48"), .vif(0))
        fib.insert(try Prefix(parsing: "::/0"), .link(1))
        let snapshot = fib.publish()
        #expect(snapshot.lookup(try IPv6Address(parsing: "2001:db8:a::1")) == .vif(0))
        #expect(snapshot.lookup(try IPv6Address(parsing: "2001:db8:b::1")) == .link(1))
        #expect(snapshot.lookup(try IPv6Address(parsing: "ffff::")) == .link(1))
        fib.remove(try Prefix(parsing: "::/0"))
        #expect(fib.publish().lookup(try IPv6Address(parsing: "2001:db8:b::1")) == nil)
    }

    @Test("A publish costs what changed: one prefix more in a large table touches a handful of blocks")
    func incremental() throws {
        var fib = FIB()
        var random = RandomSource(seed: 1)
        for index in 0..<20_000 {
            let high = 0x2001_0db8_0000_0000 | random.next() & 0xffff_ffff
            guard let prefix = Prefix(masking: IPv6Address(high: high, low: 0), length: 48 + 16 * (index & 1)) else {
                continue
            }
            fib.insert(prefix, .link(UInt32(index)))
        }
        let held = fib.publish()
        #expect(fib.bytesInUse / fib.count < 80)
        fib.insert(try Prefix(parsing: "2001:db8:ffff:ffff::1/128"), .vif(1))
        fib.insert(try Prefix(parsing: "::/0"), .vif(1))
        #expect(fib.retiredBlocks <= 2 + 9)
        _ = held
    }
}
