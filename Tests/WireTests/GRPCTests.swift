// gRPC frames, cut by the stream wherever it likes.

import Testing

@testable import Wire

@Suite("Wire: gRPC frames")
struct GRPCTests {
    @Test(
        "the header", arguments: [(0, "0000000000"), (1, "0000000001"), (300, "000000012c"), (4 << 20, "0000400000")])
    func header(count: Int, bytes: String) { #expect(text(GRPCFrame.header(count: count)) == bytes) }

    @Test("A14: property: any cuts, single bytes too, give the same messages")
    func cuts() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        for round in 0..<200 {
            let sizes = [0, 1, 5, 100, 70_000]
            let messages = (0..<generator.below(6)).map { _ in
                generator.bytes(sizes[generator.below(round % 20 == 0 ? 5 : 4)])
            }
            let stream = messages.flatMap { GRPCFrame.header(count: $0.count) + $0 }
            var deframer = GRPCDeframer()
            var got: [[UInt8]] = []
            var place = 0
            while place < stream.count {
                let step = round % 2 == 0 ? 1 : 1 + generator.below(round % 3 == 0 ? 4 : 40_000)
                got += try deframer.push(Array(stream[place..<min(place + step, stream.count)]))
                place += step
            }
            #expect(got == messages, "seed \(seed)")
            #expect(deframer.isBetweenMessages)
        }
    }

    @Test("a stream that ends within a message is seen")
    func ends() throws {
        for count in 1..<8 {
            var deframer = GRPCDeframer()
            _ = try deframer.push(Array(hex("0000000003 616263").prefix(count)))
            #expect(!deframer.isBetweenMessages)
        }
    }

    @Test(
        "A14, C17c: compressed, too long and odd frames end the session at their prefix, and for good",
        arguments: [
            ("0100000001", .compressedMessage, 12), ("01ffffffff", .compressedMessage, 12),
            ("0000400001", .messageTooLarge(count: 4_194_305), 8), ("0080000000", .messageTooLarge(count: 1 << 31), 8),
            ("00ffffffff", .messageTooLarge(count: .max), 8), ("0200000000", .badFrameFlag(2), 13),
        ] as [(String, WireError, Int)])
    func refused(prefix: String, error: WireError, status: Int) {
        #expect(error.grpcStatus == status)
        #expect(error.scope == .session)
        var deframer = GRPCDeframer()
        var got: [[UInt8]] = []
        let input = GRPCFrame.header(count: 1) + [0x61] + hex(prefix) + [0x62]
        #expect(throws: error) {
            try input.withRawBytes { bytes throws(WireError) in try deframer.push(bytes) { got.append(Array($0)) } }
        }
        // What came before it counts.
        #expect(got == [[0x61]])
        #expect(throws: error) { try deframer.push([0]) }
        #expect(deframer.capacity < 1024)
    }

    @Test("A14: memory is what was received and 64 KiB, whatever length is promised")
    func memory() throws {
        var deframer = GRPCDeframer()
        _ = try deframer.push(GRPCFrame.header(count: 4 << 20))
        var received = 5
        #expect(deframer.capacity <= received + (64 << 10))
        let piece = [UInt8](repeating: 7, count: 16_000)
        var messages: [[UInt8]] = []
        while received < 5 + (4 << 20) {
            let next = Array(piece.prefix(5 + (4 << 20) - received))
            messages += try deframer.push(next)
            received += next.count
            #expect(deframer.capacity <= received + (64 << 10))
        }
        #expect(messages.map(\.count) == [4 << 20])
        // And given back afterwards.
        #expect(deframer.capacity <= 64 << 10)
    }
}
