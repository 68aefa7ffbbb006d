// The two clocks: one that only runs on, one that tells what day it is.

import CLinux

package enum SystemClock {
    /// CLOCK_BOOTTIME in microseconds: never jumps, runs on through suspend. All timers use it (D9).
    package static func now() -> Int64 { linux_boot_time() }

    /// CLOCK_REALTIME in microseconds since 1970: for certificates, logs and the API only.
    package static func wallMicroseconds() -> Int64 { linux_wall_time() }

    /// CLOCK_REALTIME in seconds since 1970.
    package static func wallSeconds() -> Int64 { linux_wall_time() / 1_000_000 }
}
