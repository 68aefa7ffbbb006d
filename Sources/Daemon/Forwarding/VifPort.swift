// A vif as a worker holds it: somewhere packets are read from and written to, and a flag that says it broke.
//
// A port never changes. When a TUN is created anew the control thread hands out another port; the old one dies with
// its last user.

import Platform
import Synchronization

/// What became of a packet that was written to a port.
enum PortWrite: Hashable, Sendable {
    case written, full, down, refused
}

/// What a read gave.
enum PortRead: Hashable, Sendable {
    case packet(Int)
    case none
}

final class VifPort: Sendable {
    enum Channel: Sendable {
        case tun(TunDevice)
        case service(DatagramSocket)
        case dummy
    }

    let index: Int
    let channel: Channel
    /// Set by a worker when the device or the service is gone; cleared by the control thread if it has come back.
    /// While it is set nothing is written, so a missing service costs no system call a packet (C25).
    private let broken = Atomic(false)

    init(index: Int, channel: Channel) {
        self.index = index
        self.channel = channel
    }

    /// What a worker waits for; nil if nothing can ever be read.
    var descriptor: Descriptor? {
        switch channel {
        case .tun(let device): device.descriptor
        case .service(let socket): socket.descriptor
        case .dummy: nil
        }
    }

    var isBroken: Bool { broken.load(ordering: .acquiring) }

    /// True for the call that changed it.
    func markBroken(_ isBroken: Bool = true) -> Bool {
        broken.exchange(isBroken, ordering: .acquiringAndReleasing) != isBroken
    }

    /// Reads one packet. `onBreak` is called once when the port breaks.
    func read(into buffer: UnsafeMutableRawBufferPointer, onBreak: () -> Void) -> PortRead {
        switch channel {
        case .tun(let device):
            switch device.read(into: buffer) {
            case .packet(let count): return .packet(count)
            case .wouldBlock: return .none
            case .gone: break
            }
        case .service(let socket):
            switch socket.receive(into: buffer) {
            case .datagram(let count): return .packet(count)
            case .wouldBlock: return .none
            case .disconnected: break
            }
        case .dummy: return .none
        }
        if markBroken() { onBreak() }
        return .none
    }

    /// Writes one IPv6 packet. `onBreak` is called once when the port breaks.
    func write(_ packet: UnsafeRawBufferPointer, onBreak: () -> Void) -> PortWrite {
        if isBroken { return .down }
        switch channel {
        case .tun(let device):
            switch device.write(packet) {
            case .written: return .written
            case .full: return .full
            case .down: return .down
            case .refused: return .refused
            case .gone: break
            }
        case .service(let socket):
            switch socket.send(packet) {
            case .sent: return .written
            case .full: return .full
            case .refused: return .refused
            case .disconnected: break
            }
        case .dummy: return .written
        }
        if markBroken() { onBreak() }
        return .down
    }
}
