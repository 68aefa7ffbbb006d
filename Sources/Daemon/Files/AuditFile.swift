// The audit trail: one JSON line for each write of the API and each refused authentication, in `state_dir/audit.log`
// and the log.
//
// Rotated at 10 MiB, five files kept. A line that cannot be stored does not stop the write that it is about: a full
// disk must not lock the admin out. It is counted and stands in the log all the same.

import JSON
import Logging
import Platform

final class AuditFile {
    static let maximumBytes: Int64 = 10 << 20
    static let kept = 5
    let path: String
    /// Lines that the disk did not take.
    private(set) var lost: UInt64 = 0

    init(path: String) { self.path = path }

    func append(_ record: AuditRecord, _ log: Logger) {
        log.info(
            "audit",
            metadata: [
                "request_id": "\(record.requestID)", "actor": "\(record.actor)", "method": "\(record.method)",
                "path": "\(record.path)", "status": "\(record.status)", "changed": "\(record.isChanged)",
            ])
        do {
            if let size = try? Files.status(path).size, size >= Self.maximumBytes { try rotate() }
            try Files.append(path, record.json.serialized() + [0x0A])
        } catch {
            lost &+= 1
            if lost & (lost - 1) == 0 {
                log.error("the audit line was not stored", metadata: ["cause": "\(error)", "lost": "\(lost)"])
            }
        }
    }

    /// audit.log → audit.log.1 → … → audit.log.4; the oldest goes.
    private func rotate() throws(PlatformError) {
        try Files.remove("\(path).\(Self.kept - 1)")
        for number in (1..<Self.kept - 1).reversed() where (try? Files.status("\(path).\(number)")) != nil {
            try Files.rename("\(path).\(number)", to: "\(path).\(number + 1)")
        }
        try Files.rename(path, to: "\(path).1")
    }
}
