// An interface whose other end is a process: raw IPv6 packets over a Unix datagram socket.
//
// Our end is bound once, in a directory that only our user may enter, and pointed at the service's address. While
// nobody is bound there that fails, and is tried again every second (C25); until then the interface is down, so its
// packets are refused by the forwarder instead of being sent into the void.

import Platform

final class ServiceVif: Vif {
    private static let pause: Int64 = 1_000_000

    let settings: VifSettings
    private let address: String
    private let directory: String
    private var socket: DatagramSocket?

    private(set) var port: VifPort?
    private(set) var isUp = false
    private(set) var lastError: String?
    private(set) var retryAt: Int64?

    /// - Parameter directory: where our end is bound; made with mode 0700 if it is not there.
    init(_ settings: VifSettings, address: String, directory: String) {
        self.settings = settings
        self.address = address
        self.directory = directory
    }

    var mtu: Int { 0 }
    var device: String? { nil }
    var addresses: [InterfaceAddress] { [] }

    func open() throws(PlatformError) {
        try Files.createDirectory(directory, mode: 0o700)
        let status = try Files.status(directory)
        guard status.mode & 0o077 == 0 else {
            throw .remedy(
                problem: "\(directory) may be entered by others (mode 0\(String(status.mode, radix: 8)))",
                remedy: "chmod 700 \(directory)")
        }
        let socket = try DatagramSocket.bind(
            path: "\(directory)/vif-\(settings.index).sock", peerPath: address)
        self.socket = socket
        port = VifPort(index: settings.index, channel: .service(socket))
        connect(at: SystemClock.now())
    }

    func broke(at now: Int64) {
        guard isUp else { return }
        isUp = false
        lastError = "the service at \(address) went away"
        retryAt = now + Self.pause
    }

    func retry(at now: Int64) {
        guard !isUp, socket != nil else { return }
        connect(at: now)
    }

    func close() {
        // Closed when the last worker lets go of the port (see TunVif).
        socket = nil
        port = nil
        isUp = false
        retryAt = nil
    }

    private func connect(at now: Int64) {
        do {
            try socket?.connect()
            isUp = true
            retryAt = nil
            _ = port?.markBroken(false)
        } catch {
            isUp = false
            lastError = "\(error)"
            retryAt = now + Self.pause
            _ = port?.markBroken()
        }
    }
}
