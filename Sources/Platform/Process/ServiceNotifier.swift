// Tells systemd how the service is (sd_notify), without its library: datagrams to the socket in NOTIFY_SOCKET.

import CLinux

package struct ServiceNotifier: Sendable {
    /// A path, or `@name` for an abstract socket.
    private let address: String

    /// Nil when nobody wants to know.
    package init?() {
        guard let address = Environment.value("NOTIFY_SOCKET") else { return nil }
        self.init(address: address)
    }

    package init?(address: String) {
        guard let first = address.first, first == "/" || first == "@", address.utf8.count <= 107 else { return nil }
        self.address = address
    }

    /// Sends variables such as `READY=1`, `STATUS=…`, `WATCHDOG=1`, `STOPPING=1`. Lost quietly when nobody listens.
    package func send(_ lines: String...) {
        guard let socket = try? Descriptor(check(linux_unix_datagram(), "socket")) else { return }
        // A new line inside a value would start another variable.
        let message = Array(lines.map { $0.replacing("\n", with: " ") }.joined(separator: "\n").utf8)
        _ = message.withUnsafeBytes { linux_unix_send_to(socket.raw, address, $0.baseAddress, $0.count) }
    }

    /// The watchdog's interval in microseconds if one watches this process (WATCHDOG_USEC, WATCHDOG_PID).
    package static var watchdogInterval: Int64? {
        if let pid = Environment.value("WATCHDOG_PID"), pid != "\(linux_pid())" { return nil }
        guard let text = Environment.value("WATCHDOG_USEC"), let interval = Int64(text), interval > 0 else {
            return nil
        }
        return interval
    }
}
