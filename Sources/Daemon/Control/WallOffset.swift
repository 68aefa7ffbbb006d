// How far the wall clock is from the clock that timers run by.
//
// Kept, not computed anew for each answer of the API: "since when" must read the same each time it is asked. The wall clock drifts
// and is stepped, so what is kept is renewed when it is off by a second.

import Platform

struct WallOffset {
    /// Microseconds by which the kept value may be wrong.
    private static let tolerance: Int64 = 1_000_000
    private var kept: Int64 = SystemClock.wallMicroseconds() - SystemClock.now()

    /// Microseconds to add to an instant.
    mutating func current() -> Int64 {
        _ = step()
        return kept
    }

    /// Renews the value where the wall clock was set.
    /// - Returns: by how many microseconds, 0 if it is as it was.
    mutating func step() -> Int64 {
        let moved = SystemClock.wallMicroseconds() - SystemClock.now() - kept
        guard abs(moved) > Self.tolerance else { return 0 }
        kept += moved
        return moved
    }
}
