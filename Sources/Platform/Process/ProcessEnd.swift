// The end of the process, for programs whose status says how it went.

import CLinux

package enum ProcessEnd {
    /// Flushes nothing of ours (we buffer nothing) and ends with `status`, 0…255.
    package static func exit(_ status: Int32) -> Never { linux_exit(status) }
}
