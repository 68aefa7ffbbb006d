// An interface as the control thread manages it: opened, watched, brought back when it breaks.
//
// The worker only moves packets; everything slow or rare about an interface (netlink, binding, backing off) is here.

import Platform
import Routing

protocol Vif: AnyObject {
    var settings: VifSettings { get }
    /// What workers use; nil while there is nothing. Another object after the interface was made anew.
    var port: VifPort? { get }
    /// Packets can be delivered.
    var isUp: Bool { get }
    /// Bytes; 0 for no limit.
    var mtu: Int { get }
    var device: String? { get }
    var addresses: [InterfaceAddress] { get }
    var missingAddresses: [InterfaceAddress] { get }
    var lastError: String? { get }
    /// When `retry` wants to be called: CLOCK_BOOTTIME microseconds.
    var retryAt: Int64? { get }

    /// Makes the interface. An error here is the operator's: nothing is tried again.
    func open() throws(PlatformError)
    /// A worker found the port broken.
    func broke(at now: Int64)
    /// Tries to bring it back.
    func retry(at now: Int64)
    /// The kernel said that an interface changed, or that events were lost (nil).
    func interfaceChanged(_ index: Int32?, at now: Int64)
    func close()
}

extension Vif {
    var missingAddresses: [InterfaceAddress] { [] }
    func interfaceChanged(_ index: Int32?, at now: Int64) {}

    /// What the forwarder is told. Addresses that are no IPv6 addresses cannot occur.
    var facts: (mtu: Int, isUp: Bool, addresses: [IPv6Address]) {
        (mtu, isUp, addresses.compactMap { IPv6Address(bytes: $0.bytes) })
    }
}

/// Nothing behind it: always up, swallows what it gets.
final class DummyVif: Vif {
    let settings: VifSettings
    private(set) var port: VifPort?

    init(_ settings: VifSettings) { self.settings = settings }

    var isUp: Bool { port != nil }
    var mtu: Int { 0 }
    var device: String? { nil }
    var addresses: [InterfaceAddress] { [] }
    var lastError: String? { nil }
    var retryAt: Int64? { nil }

    func open() { port = VifPort(index: settings.index, channel: .dummy) }
    func broke(at now: Int64) {}
    func retry(at now: Int64) {}
    func close() { port = nil }
}
