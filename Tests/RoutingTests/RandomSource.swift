// Randomness for tests: one seed, printed, gives the same run again. VMESH_TEST_SEED in the environment sets it.

import Glibc

/// SplitMix64.
struct RandomSource: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z &>> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z &>> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z &>> 31
    }

    /// 0..<bound, near enough to uniform for tests; without the generic machinery that is slow in debug builds.
    mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: (next() &>> 33) % UInt64(bound)) }

    /// The seed of this run, said aloud so that a failure can be had again.
    static func seed(for test: String) -> UInt64 {
        var seed = UInt64.random(in: 0...UInt64.max)
        if let text = getenv("VMESH_TEST_SEED"), let value = UInt64(String(cString: text)) { seed = value }
        print("\(test): VMESH_TEST_SEED=\(seed)")
        return seed
    }
}
