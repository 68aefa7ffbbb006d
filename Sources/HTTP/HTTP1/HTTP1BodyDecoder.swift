// A body that comes in pieces, by Content-Length or chunked (RFC 9112, 6 and 7), bounded before it is stored.
//
// The decoder eats bytes and gives body bytes. It never looks ahead for room: a chunk's announced size is compared with
// the limit before one byte of it is taken. Chunk extensions are skipped, but only well-formed and few (a lone LF in one
// was a way to smuggle a request); trailers are parsed like a head.

/// The decoder of one body; the same for requests and responses.
struct HTTP1BodyDecoder {
    private enum State: Equatable {
        case counted(Int)
        case untilClose
        case chunkSize, chunkData(Int), chunkEnd, trailers, done
    }

    /// Extensions and chunk heads may take this much in one body, beside 16 bytes a chunk.
    private static let extensionBytes = 16 * 1024

    private var state: State
    private let maximumBytes: Int
    private let trailerLimits: HTTP1HeadLimits
    private var total = 0
    private var extensionTotal = 0
    private var line: [UInt8] = []
    /// The trailer section behind the last chunk's line: the scanner wants a first line, as a head has one.
    private var trailerBytes = Array("0\r\n".utf8)
    private var scanner = HTTP1HeadScanner()
    /// Trailer fields, once the body is done.
    private(set) var trailers = HTTPHeaders()

    /// Whether the body is complete.
    var isDone: Bool { state == .done }
    /// Whether only the end of the connection ends the body.
    var endsWithConnection: Bool { state == .untilClose }

    /// A decoder; nil framing: until the connection ends (responses only).
    init(_ framing: HTTP1Framing?, maximumBytes: Int, trailerLimits: HTTP1HeadLimits) throws(HTTP1Fault) {
        self.maximumBytes = maximumBytes
        self.trailerLimits = trailerLimits
        switch framing {
        case .length(let count):
            guard count <= maximumBytes else { throw .tooLarge(maximumBytes) }
            state = count == 0 ? .done : .counted(count)
        case .chunked: state = .chunkSize
        case nil: state = .untilClose
        }
    }

    /// Eats from `bytes`, appends to `body`; returns how many bytes were eaten: all, or those up to the body's end.
    mutating func decode(_ bytes: ArraySlice<UInt8>, into body: inout [UInt8]) throws(HTTP1Fault) -> Int {
        var rest = bytes
        while !rest.isEmpty, state != .done {
            switch state {
            case .counted(let left):
                let piece = rest.prefix(left)
                try store(piece, in: &body)
                rest = rest.dropFirst(piece.count)
                state = left == piece.count ? .done : .counted(left - piece.count)
            case .untilClose:
                try store(rest, in: &body)
                rest = rest.dropFirst(rest.count)
            case .chunkData(let left):
                let piece = rest.prefix(left)
                try store(piece, in: &body)
                rest = rest.dropFirst(piece.count)
                state = left == piece.count ? .chunkEnd : .chunkData(left - piece.count)
            case .chunkSize, .chunkEnd:
                line.append(rest.removeFirst())
                try readLine()
            case .trailers:
                trailerBytes.append(rest.removeFirst())
                try readTrailers()
            case .done: break
            }
        }
        return bytes.count - rest.count
    }

    private mutating func store(_ piece: ArraySlice<UInt8>, in body: inout [UInt8]) throws(HTTP1Fault) {
        guard piece.count <= maximumBytes - total else { throw .tooLarge(maximumBytes) }
        total += piece.count
        body.append(contentsOf: piece)
    }

    /// Looks at the line so far: a chunk's size line, or the CRLF behind its data.
    private mutating func readLine() throws(HTTP1Fault) {
        guard let byte = line.last else { return }
        let previous = line.count > 1 ? line[line.count - 2] : 0
        if previous == 0x0D, byte != 0x0A { throw .bad("a CR stands without its LF in a chunk's head") }
        if byte == 0x0A, previous != 0x0D { throw .bad("a LF stands without its CR in a chunk's head") }
        if state == .chunkEnd {
            guard byte == (line.count == 1 ? 0x0D : 0x0A) else { throw .bad("a chunk is longer than its size") }
        } else if byte != 0x0D, byte != 0x0A, byte != 0x09, byte < 0x20 || byte > 0x7E {
            throw .bad("a chunk's head holds a forbidden character")
        }
        if line.count > 16 { extensionTotal += 1 }
        guard extensionTotal <= Self.extensionBytes else { throw .bad("chunk extensions are too long") }
        guard byte == 0x0A else { return }
        let content = line.dropLast(2)
        if state == .chunkEnd { state = .chunkSize } else { state = try chunk(content) }
        line.removeAll(keepingCapacity: true)
    }

    /// Reads `size [; extension]` (RFC 9112, 7.1). No white space before the semicolon, no sign, no prefix; more than 15
    /// digits would overflow.
    private func chunk(_ line: ArraySlice<UInt8>) throws(HTTP1Fault) -> State {
        let digits = line.prefix { HTTPSyntax.hexadecimal($0) != nil }
        guard !digits.isEmpty, digits.count <= 15 else { throw .bad("a chunk's size is not a number") }
        let rest = line.dropFirst(digits.count)
        guard rest.isEmpty || rest.first == 0x3B else { throw .bad("a chunk's size is not a number") }
        let size = digits.reduce(0) { $0 << 4 | Int(HTTPSyntax.hexadecimal($1) ?? 0) }
        if size == 0 { return .trailers }
        guard size <= maximumBytes - total else { throw .tooLarge(maximumBytes) }
        return .chunkData(size)
    }

    private mutating func readTrailers() throws(HTTP1Fault) {
        let section = trailerBytes
        guard try scanner.scan(section[...], limits: trailerLimits) != nil else { return }
        trailers = try HTTP1Fields.parse(HTTP1Fields.lines(section[...]).dropFirst(), maximum: trailerLimits.fields)
        trailerBytes = []
        state = .done
    }
}
