// Peer ids as bytes and as text, and next hops in their 32 bits.

import Routing
import Testing

@Suite struct NodeIDTests {
    private let text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

    @Test("Bytes, words and text say the same id")
    func roundTrip() throws {
        let id = try #require(NodeID(bytes: 0..<32))
        #expect(id.description == text)
        #expect(id.bytes == Array(0..<32))
        #expect(NodeID(hex: text) == id)
        #expect(NodeID(hex: text.uppercased()) == id)
    }

    @Test("Anything but 32 bytes or 64 hexadecimal digits is no id")
    func refusal() {
        #expect(NodeID(bytes: 0..<31) == nil)
        #expect(NodeID(bytes: 0..<33) == nil)
        for bad in [
            "", String(text.dropLast()), text + "0", text + "00", "x" + text.dropFirst(), " " + text.dropFirst(),
        ] {
            #expect(NodeID(hex: bad) == nil)
        }
    }

    @Test("A next hop keeps kind and value in 32 bits; raw 0 is none")
    func nextHop() {
        #expect(NextHop(raw: 0) == nil)
        #expect(NextHop(raw: NextHop.largestValue) == nil)
        for hop in [NextHop.vif(0), .vif(7), .link(0), .link(NextHop.largestValue), .discard] {
            #expect(NextHop(raw: hop.raw) == hop)
        }
        #expect(NextHop.vif(7).kind == .vif(7))
        #expect(NextHop.link(0x3fff_ffff).kind == .link(0x3fff_ffff))
        #expect(NextHop.discard.kind == .discard)
        #expect(Set([NextHop.vif(0), .link(0), .discard]).count == 3)
    }
}
