// A FIB snapshot and the facts that go with it, published to the workers as one, so that no packet sees half a change.

import Routing

/// What a worker holds for the length of a batch.
package final class ForwardingState: Sendable {
    package let fib: FIBSnapshot
    package let facts: ForwardingFacts
    /// For the forwarder; valid while this object is held.
    package let table: ForwardingTable

    package init(fib: FIBSnapshot, facts: ForwardingFacts) {
        self.fib = fib
        self.facts = facts
        table = ForwardingTable(fib: fib.view, facts: facts.view)
    }
}

/// Plain pointers into a `ForwardingState`: taken once a batch, then free of reference counts.
package struct ForwardingTable: Sendable {
    let fib: FIBView
    let facts: ForwardingFactsView
}
