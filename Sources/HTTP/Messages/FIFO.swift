// A first-in, first-out queue in one array, for events and for bytes.
//
// Taking from the front only moves an index; the dead front is cut off once it is the larger part, so each element is
// moved once on average. Nothing is bounded here: who fills a queue says by what its length is bounded.

/// A queue of elements.
struct FIFO<Element> {
    private var storage: [Element]
    private var start = 0

    init(_ elements: [Element] = []) { storage = elements }

    var count: Int { storage.count - start }
    var isEmpty: Bool { count == 0 }
    var first: Element? { isEmpty ? nil : storage[start] }

    mutating func append(_ element: Element) { storage.append(element) }

    mutating func append(contentsOf elements: some Collection<Element>) { storage.append(contentsOf: elements) }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = storage[start]
        dropFirst(1)
        return element
    }

    /// Removes that many elements, or all there are.
    mutating func dropFirst(_ number: Int) {
        start += min(max(number, 0), count)
        if start == storage.count {
            // A queue that once was long does not keep its memory for ever.
            storage.removeAll(keepingCapacity: storage.capacity <= 16_384)
            start = 0
        } else if start > storage.count / 2 {
            storage.removeFirst(start)
            start = 0
        }
    }

    mutating func removeAll() {
        storage = []
        start = 0
    }

    /// What is queued, as one slice.
    var elements: ArraySlice<Element> { storage[start...] }
}

extension FIFO where Element == UInt8 {
    /// Moves at most `limit` bytes to the end of `output`; returns how many.
    mutating func move(to output: inout [UInt8], limit: Int) -> Int {
        let number = min(max(limit, 0), count)
        guard number > 0 else { return 0 }
        output.append(contentsOf: elements.prefix(number))
        dropFirst(number)
        return number
    }
}
