// What the process uses, and its surroundings: environment, descriptor limit.

import CLinux

package enum Environment {
    /// A variable; nil when it is not set or empty.
    package static func value(_ name: String) -> String? {
        guard let text = linux_getenv(name).map({ String(cString: $0) }), !text.isEmpty else { return nil }
        return text
    }
}

package struct ProcessStatistics: Hashable, Sendable {
    /// Bytes of memory that are in use (RSS).
    package let residentBytes: UInt64
    /// Bytes of address space.
    package let virtualBytes: UInt64
    /// User and system time of all threads.
    package let cpuMicroseconds: Int64
    package let openDescriptors: Int
    /// The soft limit of descriptors.
    package let maximumDescriptors: UInt64

    /// Reads /proc; what cannot be read is 0.
    package static func current() -> ProcessStatistics {
        let fields =
            (try? Files.read("/proc/self/statm", limit: 4096)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let pages = fields.split(separator: " ").prefix(2).map { UInt64($0) ?? 0 }
        let pageBytes = UInt64(clamping: linux_page_size())
        let names = (try? Files.list("/proc/self/fd")) ?? []
        var (soft, hard): (UInt64, UInt64) = (0, 0)
        _ = linux_descriptor_limit(&soft, &hard)
        return ProcessStatistics(
            residentBytes: (pages.last ?? 0).multipliedReportingOverflow(by: pageBytes).partialValue,
            virtualBytes: (pages.first ?? 0).multipliedReportingOverflow(by: pageBytes).partialValue,
            cpuMicroseconds: linux_cpu_microseconds(),
            // One of them was the directory itself.
            openDescriptors: max(0, names.count - 1), maximumDescriptors: soft)
    }

    /// The process's number.
    package static var processID: Int32 { linux_pid() }

    /// Raises the soft limit of descriptors to the hard one, `ceiling` at most. Answers the limit now in force.
    package static func raiseDescriptorLimit(ceiling: UInt64 = 65_536) -> UInt64 {
        var (soft, hard): (UInt64, UInt64) = (0, 0)
        guard linux_descriptor_limit(&soft, &hard) == 0 else { return 0 }
        let wanted = min(hard, ceiling)
        return wanted > soft && linux_set_descriptor_limit(wanted) == 0 ? wanted : soft
    }
}
