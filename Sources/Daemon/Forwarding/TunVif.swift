// A TUN interface over its life: created, followed, and created anew when somebody deletes it (C23, C24).
//
// The administrator may change it at any time, and is followed rather than fought: another MTU becomes the
// forwarder's, a removed address is reported as missing, "down" is down. Only a deletion is undone, with the
// addresses and the MTU that the interface had, at most two seconds after.
//
// Whatever netlink says about the interface, the answer is to ask for its state: events may be lost, and those of a
// deletion begin with the removal of each address, which must not be mistaken for the administrator's wish. The
// addresses are asked for first and the interface itself second: during a deletion the second fails.

import Platform

final class TunVif: Vif {
    private static let firstPause: Int64 = 100_000
    private static let longestPause: Int64 = 2_000_000

    let settings: VifSettings
    private let netlink: Netlink
    private let interface: String
    private let wanted: [InterfaceAddress]
    /// What a new interface gets: the configuration at first, later what the old one had.
    private var plan: (addresses: [InterfaceAddress], mtu: Int?)
    private var index: Int32 = 0
    /// The device whose interface was deleted, for its descriptor.
    private var previous: TunDevice?
    private var pause = TunVif.firstPause

    private(set) var port: VifPort?
    private(set) var isUp = false
    private(set) var mtu = 0
    private(set) var device: String?
    private(set) var addresses: [InterfaceAddress] = []
    private(set) var lastError: String?
    private(set) var retryAt: Int64?

    init(
        _ settings: VifSettings, interface: String, addresses: [InterfaceAddress], mtu: Int?, netlink: Netlink
    ) {
        self.settings = settings
        self.interface = interface
        self.netlink = netlink
        wanted = addresses
        plan = (addresses, mtu)
    }

    var missingAddresses: [InterfaceAddress] { wanted.filter { !addresses.contains($0) } }

    /// Waits until the addresses can be bound to, so that readiness means what it says (C42).
    func open() throws(PlatformError) {
        try make()
        _ = try netlink.waitUntilUsable(plan.addresses, milliseconds: 1000)
        try look()
    }

    private func make() throws(PlatformError) {
        let tun = try TunDevice.open(name: interface, reusing: previous)
        // From here on the descriptor goes with the new device, also if the rest fails.
        previous = nil
        let index = try netlink.index(of: tun.name)
        if let mtu = plan.mtu { try netlink.setMTU(index, mtu) }
        try netlink.setUp(index)
        for address in plan.addresses { try netlink.putAddress(address, on: index) }
        self.index = index
        device = tun.name
        port = VifPort(index: settings.index, channel: .tun(tun))
        retryAt = nil
        pause = Self.firstPause
        try look()
    }

    private func look() throws(PlatformError) {
        let addresses = try netlink.addresses(of: index)
        let state = try netlink.state(of: index)
        self.addresses = addresses
        isUp = state.isUp
        mtu = state.mtu
    }

    func interfaceChanged(_ changed: Int32?, at now: Int64) {
        guard port != nil, changed == nil || changed == index else { return }
        do {
            try look()
            if !isUp { lastError = "\(device ?? interface) was set down" }
        } catch  where error.code == .noDevice {
            broke(at: now)
        } catch {
            lastError = "\(error)"
        }
    }

    func broke(at now: Int64) {
        guard port != nil else { return }
        // The kernel makes new link-local addresses by itself.
        let kept = addresses.filter { !$0.isLinkLocal }
        plan = (kept.isEmpty ? wanted : kept, mtu > 0 ? mtu : plan.mtu)
        lastError = "\(device ?? interface) was deleted"
        if case .tun(let device) = port?.channel { previous = device }
        forget()
        retryAt = now + pause
    }

    func retry(at now: Int64) {
        guard port == nil else { return }
        do {
            // Without waiting: the loop has other things to do, and netlink will tell.
            try make()
        } catch {
            forget()
            lastError = "\(error)"
            pause = min(pause * 2, Self.longestPause)
            retryAt = now + pause
        }
    }

    func close() {
        forget()
        previous = nil
        retryAt = nil
    }

    private func forget() {
        // The descriptor is closed when the last worker lets go of the port: closing it under a worker's hands could
        // make it write a packet to whatever gets the number next.
        port = nil
        device = nil
        isUp = false
        addresses = []
    }
}
