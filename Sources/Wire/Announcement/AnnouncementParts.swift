// A large announcement of a v1 peer as several small ones.
//
// A message may name 65,536 routes, and to judge them all at once takes as long as everybody else then waits. v1's
// announcements add up, each refreshing only what it names, so a run of routes may be cut between any two of them: the
// parts say together what the whole said. Only plain ones are cut. Fields of ours speak of the message as a whole (its
// kind, its tokens by number), and our nodes cut what they send themselves.

extension Announcement {
    /// The payload in parts of at most `limit` routes (1 or more); the payload itself where it has no more, where it
    /// holds anything but routes, or where it must die as a whole: not protobuf, or more than `maximumRoutes`.
    package static func parts(of payload: [UInt8], limit: Int) -> [[UInt8]] {
        guard let cuts = payload.withUnsafeBytes({ cuts(in: $0, limit: max(1, limit)) }), !cuts.isEmpty else {
            return [payload]
        }
        var parts: [[UInt8]] = []
        var start = 0
        for cut in cuts + [payload.count] {
            parts.append(Array(payload[start..<cut]))
            start = cut
        }
        return parts
    }

    /// Where the second and each further part begins; nil: not to be cut.
    private static func cuts(in payload: UnsafeRawBufferPointer, limit: Int) -> [Int]? {
        var reader = ProtobufReader(payload)
        var cuts: [Int] = []
        var count = 0
        var start = 0
        do throws(ProtobufDefect) {
            while let field = try reader.next() {
                guard case (1, .bytes) = (field.number, field.value) else { return nil }
                if count > 0, count % limit == 0 { cuts.append(start) }
                count += 1
                start = reader.offset
            }
        } catch {
            return nil
        }
        return count > maximumRoutes ? nil : cuts
    }
}
