// The backlog of a link keeps the order, and nothing of what it has given away.

import Testing
import Wire

@testable import Daemon

@Suite("Links: message backlog")
struct MessageBacklogTests {
    @Test("first in, first out, also where some are taken in between")
    func order() {
        var backlog = MessageBacklog()
        #expect(backlog.isEmpty && backlog.popFirst() == nil)
        for tag in UInt32(100)..<103 { backlog.append(.unknown(tag: tag)) }
        #expect(backlog.popFirst() == .unknown(tag: 100))
        backlog.append(.ping)
        #expect(backlog.popFirst() == .unknown(tag: 101))
        #expect(backlog.popFirst() == .unknown(tag: 102))
        #expect(!backlog.isEmpty)
        #expect(backlog.popFirst() == .ping)
        #expect(backlog.isEmpty && backlog.popFirst() == nil)
        backlog.append(.pong)
        backlog.removeAll()
        #expect(backlog.isEmpty)
    }
}
