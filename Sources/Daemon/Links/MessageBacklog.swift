// Messages of one peer that wait for their turn, first in first out.
//
// What was taken is let go of at once, and the room too when nothing is left: a backlog may have held a whole table.
// Its owner reads nothing more while it holds something, so it is bounded by one message and one read.

import Wire

struct MessageBacklog {
    private var messages: [PeerMessage] = []
    private var first = 0

    var isEmpty: Bool { first == messages.count }

    mutating func append(_ message: PeerMessage) { messages.append(message) }

    mutating func popFirst() -> PeerMessage? {
        guard first < messages.count else { return nil }
        let message = messages[first]
        messages[first] = .invalid
        first += 1
        if isEmpty { removeAll() }
        return message
    }

    mutating func removeAll() {
        messages = []
        first = 0
    }
}
