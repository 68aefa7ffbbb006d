// Randomness that is an argument: jitter keeps nodes from acting in step, and must be the same for the same seed.

/// SplitMix64 (Steele, Lea, Flood 2014): one word of state, good enough for jitter, not for secrets.
struct Jitter: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    /// A time within `percent` of `milliseconds`, either way.
    mutating func around(_ milliseconds: Int64, percent: Int64) -> Int64 {
        let spread = milliseconds * percent / 100
        guard spread > 0 else { return milliseconds }
        return milliseconds - spread + Int64(next() % UInt64(2 * spread + 1))
    }
}
