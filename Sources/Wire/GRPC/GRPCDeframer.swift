// The stream's bytes to messages.
//
// DATA frames cut the stream where they like, down to single bytes. A message that lies whole in what came is handed
// over in place; only what is split is gathered. A length is believed as far as bytes have come: memory is at most
// what was received and 64 KiB, whatever the prefix promises (A14).

/// Cuts one stream into messages.
package struct GRPCDeframer {
    /// Room that is taken ahead of what has come.
    private static let slack = 64 << 10

    /// The prefix, or the part of it that has come: at most 5 bytes.
    private var header: [UInt8] = []
    /// Bytes of the message that the prefix announced; nil while the prefix is not whole.
    private var expected: Int?
    private var gathered: [UInt8] = []
    private var failure: WireError?

    package init() {}

    /// True between two messages: where a stream may end.
    package var isBetweenMessages: Bool { header.isEmpty }

    /// Bytes of memory that are held for a message in pieces.
    package var capacity: Int { header.capacity + gathered.capacity }

    /// Takes the stream's next bytes and hands over each message that they complete, in order. The buffer that
    /// `message` gets is good for the call only.
    /// - Throws: `.compressedMessage`, `.badFrameFlag` or `.messageTooLarge`, as soon as the prefix is read: the
    ///   session dies. Messages before it have been handed over. From then on every call throws the same.
    package mutating func push(
        _ input: UnsafeRawBufferPointer, _ message: (UnsafeRawBufferPointer) -> Void
    ) throws(WireError) {
        if let failure { throw failure }
        var rest = input[...]
        while true {
            guard let expected else {
                guard !rest.isEmpty else { return }
                let piece = rest.prefix(GRPCFrame.headerCount - header.count)
                header += piece
                rest = rest.dropFirst(piece.count)
                guard header.count == GRPCFrame.headerCount else { return }
                do throws(WireError) { self.expected = try Self.count(header) } catch {
                    failure = error
                    gathered = []
                    throw error
                }
                continue
            }
            if gathered.isEmpty, rest.count >= expected {
                message(UnsafeRawBufferPointer(rebasing: rest.prefix(expected)))
                rest = rest.dropFirst(expected)
            } else {
                let piece = rest.prefix(expected - gathered.count)
                gather(piece, of: expected)
                rest = rest.dropFirst(piece.count)
                guard gathered.count == expected else { return }
                gathered.withUnsafeBytes(message)
                // A large message's memory is given back; a small one's is kept for the next.
                gathered.removeAll(keepingCapacity: gathered.capacity <= Self.slack)
            }
            self.expected = nil
            header.removeAll(keepingCapacity: true)
        }
    }

    /// Takes bytes and answers with the messages that they complete.
    package mutating func push(_ input: [UInt8]) throws(WireError) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        try input.withRawBytes { bytes throws(WireError) in try push(bytes) { messages.append(Array($0)) } }
        return messages
    }

    /// Appends a piece; grows in steps of the slack and not by doubling, which would be past the bound.
    private mutating func gather(_ piece: Slice<UnsafeRawBufferPointer>, of expected: Int) {
        let count = gathered.count + piece.count
        if count > gathered.capacity {
            // The allocator rounds up, by less than the other half of the slack.
            gathered.reserveCapacity(min(expected, count + Self.slack / 2))
        }
        gathered.append(contentsOf: piece)
    }

    private static func count(_ header: [UInt8]) throws(WireError) -> Int {
        switch header.first {
        case 0?: break
        case 1?: throw .compressedMessage
        case let flag: throw .badFrameFlag(flag ?? 0)
        }
        let count = header.dropFirst().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard count <= UInt32(GRPCFrame.maximumCount) else { throw .messageTooLarge(count: count) }
        return Int(count)
    }
}
