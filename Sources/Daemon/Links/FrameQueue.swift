// Frames that wait for the stream, as one run of bytes with the places where each begins.
//
// A peer link has two of these: control and data. What is framed next is decided when HTTP/2 asks for bytes, so
// control goes before data (fault A27), but a frame that was begun is finished first. Bytes are kept in one array that
// is read from the front, so that a packet costs a copy and no allocation. A queue over its bound takes nothing: for
// data that is drop-tail, for control the owner stops producing and keeps latest states instead (A15).

/// A byte-bounded first-in first-out queue of gRPC frames.
struct FrameQueue {
    /// Bytes that may wait.
    let bound: Int
    private var bytes: [UInt8] = []
    private var head = 0
    private var lengths: [Int32] = []
    private var firstLength = 0
    /// Bytes left of the frame at the front, if it was begun.
    private(set) var remainder = 0

    init(bound: Int) { self.bound = bound }

    /// Bytes that wait.
    var count: Int { bytes.count - head }

    var isEmpty: Bool { head == bytes.count }

    /// Frames that wait, the begun one included.
    var frames: Int { lengths.count - firstLength + (remainder > 0 ? 1 : 0) }

    /// Appends a frame of these two parts. False, and nothing is kept, if it would not fit.
    mutating func append(_ front: [UInt8], _ back: UnsafeRawBufferPointer) -> Bool {
        front.withUnsafeBytes { append($0, back) }
    }

    /// The same from memory that is lent.
    mutating func append(_ front: UnsafeRawBufferPointer, _ back: UnsafeRawBufferPointer) -> Bool {
        let length = front.count + back.count
        guard length > 0, count + length <= bound, let short = Int32(exactly: length) else { return false }
        bytes.append(contentsOf: front)
        bytes.append(contentsOf: back)
        lengths.append(short)
        return true
    }

    /// Copies as much of the front frames as fits; a frame may be split.
    /// - Returns: the bytes copied.
    mutating func take(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var filled = 0
        while filled < buffer.count, !isEmpty {
            if remainder == 0 {
                guard firstLength < lengths.count else { break }
                remainder = Int(lengths[firstLength])
                firstLength += 1
            }
            let count = min(remainder, buffer.count - filled)
            let (start, place) = (head, filled)
            bytes.withUnsafeBytes { all in
                UnsafeMutableRawBufferPointer(rebasing: buffer[place..<place + count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: all[start..<start + count]))
            }
            head += count
            filled += count
            remainder -= count
        }
        compact()
        return filled
    }

    /// Finishes the begun frame only.
    mutating func takeRemainder(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard remainder > 0, buffer.count > 0 else { return 0 }
        return take(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(remainder, buffer.count)]))
    }

    /// Drops what has not been begun.
    mutating func dropWaiting() {
        let keep = head + remainder
        bytes.removeSubrange(keep...)
        lengths.removeAll(keepingCapacity: false)
        firstLength = 0
        compact()
    }

    private mutating func compact() {
        if head == bytes.count {
            // An idle link gives its memory back, a busy one keeps it.
            bytes.removeAll(keepingCapacity: bytes.capacity <= 64 * 1024)
            head = 0
        } else if head > 256 * 1024 {
            bytes.removeSubrange(..<head)
            head = 0
        }
        if firstLength == lengths.count {
            lengths.removeAll(keepingCapacity: true)
            firstLength = 0
        } else if firstLength > 4096 {
            lengths.removeSubrange(..<firstLength)
            firstLength = 0
        }
    }
}
