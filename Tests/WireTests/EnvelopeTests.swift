// The envelope and the messages in it, byte by byte, and held against SwiftProtobuf.

import Routing
import Testing

@testable import Wire

@Suite("Wire: messages")
struct PeerMessageTests {
    @Test(
        "golden bytes, both ways",
        arguments: [
            (.invalid, ""),
            (.ip([0x60, 0, 0, 0]), "08011204 60000000"),
            (.announce([]), "0802"),
            (.announce([0x80, 0x01, 0x03]), "08021203 800103"),
            (.ping, "0803"),
            (.pong, "0804"),
            (
                .distributedConfig(SignedConfig(certificate: [0x30, 0], content: [0x7B, 0x7D])),
                "0805120a 0801 12023000 1a027b7d"
            ),
            (.channelRequest(type: 0, token: [1, 2]), "08061204 12020102"),
            (.channelRequest(type: -1, token: []), "0806120b 08ffffffffffffffffff01"),
            (.channelResponse(type: 1, token: [1, 2]), "08071206 0801 12020102"),
            (.unknown(tag: 64), "0840"),
            (.unknown(tag: .max), "08ffffffff0f"),
        ] as [(PeerMessage, String)])
    func golden(message: PeerMessage, bytes: String) throws {
        #expect(text(message.encoded()) == text(hex(bytes)))
        #expect(try PeerMessage.decode(hex(bytes)) == message)
    }

    @Test(
        "what others may write in another way is read all the same",
        arguments: [
            ("08011200", .ip([])),  // C5a
            ("0801", .ip([])),
            ("1200 0801", .ip([])),  // fields in another order
            ("0800", .invalid),
            ("0803 120161", .ping),  // a payload that means nothing
            ("0801 0804", .pong),  // of a field that comes twice the last one counts
            ("0801 120161 120162", .ip([0x62])),
            ("088380808010", .ping),  // 2^32 + 3: cut to 32 bits, as v1 does
            ("088300", .ping),  // a varint longer than it need be
            ("0803 9a0100 7b7c 5500000000 5101020304 05060708", .ping),  // unknown fields of every kind
            ("08c001 120161", .unknown(tag: 192)),
        ] as [(String, PeerMessage)])
    func lenient(bytes: String, message: PeerMessage) throws { #expect(try PeerMessage.decode(hex(bytes)) == message) }

    @Test(
        "A14: an envelope that is not protobuf ends the session",
        arguments: [
            "08", "0880", "12", "1205 61", "00", "0a", "0f", "0e", "0801 80", "08ffffffffffffffffffff01", "1400", "0c",
            "13", "0b0c 14", "12ffffffff0f", "12ffffffffffffffffff01", "f8ffffff7f00", "8880808080 00 01",
        ])
    func malformed(bytes: String) {
        let error = #expect(throws: WireError.self) { try PeerMessage.decode(hex(bytes)) }
        #expect(error == .malformedEnvelope)
        #expect(error?.scope == .session)
    }

    @Test("A14: groups are skipped 99 deep and refused at 100 and at 10,000")
    func groups() throws {
        func nested(_ depth: Int) -> [UInt8] {
            hex("0803") + Array(repeating: 0x1B, count: depth) + Array(repeating: 0x1C, count: depth)
        }
        #expect(try PeerMessage.decode(nested(99)) == .ping)
        #expect(throws: WireError.malformedEnvelope) { try PeerMessage.decode(nested(100)) }
        #expect(throws: WireError.malformedEnvelope) { try PeerMessage.decode(nested(10_000)) }
    }

    @Test(
        "a config or channel request that cannot be read costs the message, an announcement the session",
        arguments: [(5, .message), (6, .message), (7, .message)] as [(UInt8, WireError.Scope)])
    func payloads(tag: UInt8, scope: WireError.Scope) {
        let error = #expect(throws: WireError.self) { try PeerMessage.decode([8, tag, 0x12, 1, 0x0A]) }
        #expect(error == .malformedPayload(tag: UInt32(tag)))
        #expect(error?.scope == scope)
        #expect(WireError.malformedPayload(tag: 2).scope == .session)
    }

    @Test("the header before a packet is what the whole encoder writes", arguments: [0, 1, 40, 127, 128, 1500, 65_575])
    func ipHeader(count: Int) {
        let packet = [UInt8](repeating: 0x60, count: count)
        let message = PeerMessage.ip(packet).encoded()
        #expect(Envelope.ipFrameHeader(payloadCount: count) + packet == message)
        let start = [UInt8](unsafeUninitializedCapacity: Envelope.longestIPFrameStart) { buffer, written in
            written = Envelope.writeIPFrameStart(payloadCount: count, into: UnsafeMutableRawBufferPointer(buffer))
        }
        #expect(start + packet == GRPCFrame.header(count: message.count) + message)
    }

    @Test("the scan points at the payload and copies nothing")
    func scan() throws {
        let body = hex("0801 1203 616263 3a0178")
        let (tag, range) = try body.withRawBytes { bytes throws(WireError) in try Envelope.scan(bytes) }
        #expect(tag == 1)
        #expect(range == 4..<7)
    }
}

@Suite("Wire: SignedConfig")
struct SignedConfigTests {
    @Test("byte-compatible with Go's protobuf: fields in order, defaults left out")
    func golden() throws {
        let config = SignedConfig(
            version: 1, certificate: [UInt8](repeating: 0xAA, count: 130), content: Array("{}".utf8))
        #expect(text(config.encoded()) == "0801" + "128201" + String(repeating: "aa", count: 130) + "1a027b7d")
        #expect(try SignedConfig(decoding: config.encoded()) == config)
        #expect(SignedConfig(version: 0, certificate: [], content: []).encoded() == [])
        #expect(try SignedConfig(decoding: []) == SignedConfig(version: 0, certificate: [], content: []))
    }

    @Test("a field that a later version adds does not hinder")
    func later() throws {
        #expect(
            try SignedConfig(decoding: hex("0802 120130 1a0131 2a0132"))
                == SignedConfig(version: 2, certificate: [0x30], content: [0x31]))
    }

    @Test("truncated anywhere within a field it is refused, and only the message dies")
    func truncated() {
        let bytes = SignedConfig(certificate: [1, 2, 3], content: [4, 5]).encoded()
        for count in 1..<bytes.count where ![2, 7].contains(count) {
            #expect(throws: WireError.malformedPayload(tag: 5)) {
                try SignedConfig(decoding: Array(bytes.prefix(count)))
            }
        }
    }

    @Test("property: our writer and SwiftProtobuf's agree")
    func writer() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let config = SignedConfig(
                version: UInt32(truncatingIfNeeded: generator.next() >> UInt64(32 + generator.below(33))),
                certificate: generator.bytes(generator.below(300)), content: generator.bytes(generator.below(300)))
            var other = ProtoDistributedConfig()
            other.version = config.version
            other.certificate.append(contentsOf: config.certificate)
            other.content.append(contentsOf: config.content)
            let bytes: [UInt8] = try other.serializedBytes()
            #expect(config.encoded() == bytes, "seed \(seed)")
        }
    }
}
