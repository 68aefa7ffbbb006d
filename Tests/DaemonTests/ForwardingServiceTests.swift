// Service vifs: another process's end is played by the test.

import Mesh
import Platform
import Routing
import Testing

@testable import Daemon

@Suite("Service vifs")
struct ForwardingServiceTests {
    private let directory = "/tmp/vmesh-vifs-\(SecureRandom.hexadecimal(bytes: 8))"

    private func bench(service: String) throws -> PlaneBench {
        let bench = try PlaneBench(directory: directory)
        try bench.plane.open([VifSettings(index: 1, name: "svc", kind: .service(address: service))])
        try bench.plane.start()
        bench.plane.publish(
            ForwardingPolicy(links: [LinkFacts(link: 7)], localPrefixes: [try Prefix(parsing: "2001:db8:a::/48")]))
        try bench.route("2001:db8:a::/48", .vif(1))
        try bench.route("2001:db8:b::/48", .link(7))
        return bench
    }

    @Test("C25: packets pass both ways; a service that is away is refused, found again, and never spun on")
    func service() throws {
        try Files.createDirectory(directory, mode: 0o700)
        let path = directory + "/service.sock"
        let bench = try bench(service: path)
        #expect(bench.plane.vifs[0].isUp == false)
        #expect(bench.plane.vifs[0].lastError?.contains("No such file") == true)
        #expect(try Files.status(directory).mode == 0o700)

        let inward = try echoRequest(from: "2001:db8:b::1", to: "2001:db8:a::1")
        let outward = try echoRequest(from: "2001:db8:a::1", to: "2001:db8:b::1")
        var buffer = [UInt8](repeating: 0, count: 2000)
        // Refused by the forwarder once it knows, lost at the port until then.
        func lost() -> Int {
            Int(bench.drops(link: 7)[.vifDown] ?? 0) + Int(bench.drops(vif: 1)[.vifDown] ?? 0)
        }
        for round in 1...2 {
            bench.receive(inward, from: 7)
            #expect(try bench.run { lost() == 2 * round - 1 })

            let service = try DatagramSocket.bind(path: path, peerPath: directory + "/vif-1.sock")
            try service.connect()
            var turns = 0
            #expect(
                try bench.run {
                    turns += 1
                    return bench.plane.vifs[0].isUp
                })
            #expect(turns < 200)
            bench.receive(inward, from: 7)
            #expect(
                try bench.run {
                    guard case .datagram(let count) = buffer.withUnsafeMutableBytes({ service.receive(into: $0) })
                    else { return false }
                    return count == inward.count
                })
            #expect(outward.withUnsafeBytes { service.send($0) } == .sent)
            #expect(try bench.run { bench.client.packets.contains { $0.bytes.starts(with: outward.prefix(7)) } })
            bench.client.packets = []

            service.descriptor.close()
            bench.receive(inward, from: 7)
            #expect(try bench.run { !bench.plane.vifs[0].isUp })
            #expect(bench.plane.vifs[0].lastError == "the service at \(path) went away")
            #expect(try bench.run { lost() == 2 * round })
        }
        bench.plane.stop()
        for name in try Files.list(directory) { try Files.remove(directory + "/" + name) }
        try Files.removeDirectory(directory)
    }

    @Test("a directory that others may enter is refused")
    func openDirectory() throws {
        try Files.createDirectory(directory, mode: 0o755)
        defer { try? Files.removeDirectory(directory) }
        #expect { try bench(service: directory + "/service.sock") } throws: { "\($0)".contains("chmod 700") }
    }
}
