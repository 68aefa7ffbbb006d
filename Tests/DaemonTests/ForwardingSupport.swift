// A data plane under test: a network namespace of its own, a plane in a reactor, and hands to put packets in.

import Mesh
import Platform
import Routing
import Testing
import Wire

@testable import Daemon

/// What the plane hands to its client.
final class ForwardingRecorder: ForwardingClient {
    var packets: [(link: UInt32, bytes: [UInt8])] = []
    var batches = 0
    var vifChanges = 0

    func forward(_ packet: UnsafeRawBufferPointer, to link: UInt32) { packets.append((link, Array(packet))) }
    func forwarded() { batches += 1 }
    func vifsChanged() { vifChanges += 1 }

    /// The first packet of a kind, ICMPv6 type or UDP (nil).
    func packet(icmpType: UInt8) -> [UInt8]? {
        packets.first { $0.bytes.count > 40 && $0.bytes[6] == 58 && $0.bytes[40] == icmpType }?.bytes
    }
}

/// A plane with its loop; everything on one thread but the worker.
final class PlaneBench {
    let reactor: Reactor
    let client = ForwardingRecorder()
    let plane: ForwardingPlane
    var fib = FIB()

    init(directory: String = "/tmp", workers: Int = 1) throws {
        reactor = try Reactor()
        var settings = ForwardingPlaneSettings()
        settings.socketDirectory = directory
        settings.workers = workers
        plane = try ForwardingPlane(reactor: reactor, client: client, settings: settings)
    }

    deinit { plane.stop() }

    func route(_ text: String, _ nextHop: NextHop) throws {
        fib.insert(try Prefix(parsing: text), nextHop)
        plane.publish(fib.publish())
    }

    func receive(_ packet: [UInt8], from link: UInt32) {
        _ = packet.withUnsafeBytes { plane.receive(from: link, $0) }
        plane.flush()
    }

    /// Turns the loop until `condition` holds; false after 10 s, which only a failing test waits for.
    func run(until condition: () throws -> Bool) throws -> Bool {
        let end = SystemClock.now() + 10_000_000
        while try !condition() {
            guard SystemClock.now() < end else { return false }
            try reactor.turn(deadline: SystemClock.now() + 20_000)
        }
        return true
    }

    func drops(vif index: Int) -> [DropReason: UInt64] { Self.drops(plane.vifs.first { $0.index == index }?.counters) }
    func drops(link: UInt32) -> [DropReason: UInt64] { Self.drops(plane.counters(of: link)) }

    private static func drops(_ counters: TrafficCounters?) -> [DropReason: UInt64] {
        Dictionary((counters?.drops ?? []).map { ($0.reason, $0.packets) }, uniquingKeysWith: +)
    }
}

func interfaceAddress(_ text: String, _ length: Int) throws -> InterfaceAddress {
    try #require(InterfaceAddress(bytes: try IPv6Address(parsing: text).bytes, length: length))
}

/// An echo request, its checksum right; `first` replaces the version byte.
func echoRequest(
    from source: String, to destination: String, hopLimit: UInt8 = 64, payload: Int = 8, first: UInt8 = 0x60
) throws -> [UInt8] {
    let (from, to) = (try IPv6Address(parsing: source).bytes, try IPv6Address(parsing: destination).bytes)
    let length = 8 + payload
    var message: [UInt8] = [128, 0, 0, 0, 0, 1, 0, 1] + (0..<payload).map { UInt8(truncatingIfNeeded: $0) }
    let lengthBytes = [UInt8(length >> 8), UInt8(length & 255)]
    let pseudo = from + to + [0, 0] + lengthBytes + [0, 0, 0, 58] + message + (length % 2 == 1 ? [0] : [])
    var sum = stride(from: 0, to: pseudo.count, by: 2).reduce(0) { $0 + Int(pseudo[$1]) << 8 + Int(pseudo[$1 + 1]) }
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    message[2] = UInt8(truncatingIfNeeded: ~sum >> 8)
    message[3] = UInt8(truncatingIfNeeded: ~sum)
    return [first, 0, 0, 0] + lengthBytes + [58, hopLimit] + from + to + message
}

/// Runs `body` on a thread of its own in a fresh network namespace. CI runs as root; elsewhere the test fails and
/// says why, rather than pass unseen.
func inFreshNetwork(_ body: @escaping @Sendable () throws -> Void) throws {
    try #require(try ProcessPrivileges.current().hasNetAdmin, "this test needs CAP_NET_ADMIN: run the tests as root")
    let outcome = Outcome()
    let thread = try WorkerThread.start(name: "netns") {
        outcome.result = Result {
            try NetworkNamespace.unshare()
            try body()
        }
    }
    thread.join()
    try #require(outcome.result).get()
}

private final class Outcome: @unchecked Sendable {
    var result: Result<Void, any Error>?
}
