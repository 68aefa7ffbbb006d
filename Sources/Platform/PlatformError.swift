// What can go wrong at the border to Linux, as values.
//
// A failed call keeps its name, what it was about and the kernel's code, so that a message can be exact; the cases
// that somebody reacts to (a full disk, a lock held by another instance, a key that others may read) have names of
// their own. An error here never kills anything by itself: the one who called decides whether the message, the
// session or the process dies. Texts hold paths and addresses, never the content of a file.

import CLinux

/// The kernel's errno, always positive.
package struct ErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let wouldBlock = ErrorCode(rawValue: EAGAIN)
    package static let inProgress = ErrorCode(rawValue: EINPROGRESS)
    package static let refused = ErrorCode(rawValue: ECONNREFUSED)
    package static let timedOut = ErrorCode(rawValue: ETIMEDOUT)
    package static let addressInUse = ErrorCode(rawValue: EADDRINUSE)
    package static let notPermitted = ErrorCode(rawValue: EPERM)
    package static let accessDenied = ErrorCode(rawValue: EACCES)
    package static let notFound = ErrorCode(rawValue: ENOENT)
    package static let exists = ErrorCode(rawValue: EEXIST)
    package static let noSpace = ErrorCode(rawValue: ENOSPC)
    package static let quotaExceeded = ErrorCode(rawValue: EDQUOT)
    package static let readOnly = ErrorCode(rawValue: EROFS)
    package static let inputOutput = ErrorCode(rawValue: EIO)
    package static let badState = ErrorCode(rawValue: EBADFD)
    package static let busy = ErrorCode(rawValue: EBUSY)
    package static let noDevice = ErrorCode(rawValue: ENODEV)
    package static let noBuffers = ErrorCode(rawValue: ENOBUFS)

    /// `ECONNREFUSED: Connection refused`.
    package var description: String { "\(name): \(text)" }

    /// The constant's name, `ECONNREFUSED`.
    package var name: String { linux_error_name(rawValue).map { String(cString: $0) } ?? "errno \(rawValue)" }

    /// The C library's words, `Connection refused`.
    package var text: String { linux_error_text(rawValue).map { String(cString: $0) } ?? "unknown error" }
}

/// Every error of this module.
package enum PlatformError: Error, Hashable, Sendable {
    /// A call failed: its name, what it was about (may be empty), the kernel's code.
    case system(call: String, subject: String, code: ErrorCode)
    /// Text that should have been an address, a port or a path and is not; `reason` is fit for a user.
    case malformed(text: String, reason: String)
    /// A file is larger than the reader allows (bytes).
    case tooLarge(path: String, limit: Int)
    /// A secret that its group or others may read or write; `mode` holds the permission bits.
    case insecure(path: String, mode: UInt32)
    /// Something answers at this path or holds its lock: another instance is running.
    case alreadyRunning(path: String)
    /// A file, a device or a right is missing, and what the operator can do about it.
    case remedy(problem: String, remedy: String)

    /// The kernel's code, where there is one.
    package var code: ErrorCode? {
        if case .system(_, _, let code) = self { code } else { nil }
    }

    /// Whether the disk is full, read-only or failing: the state goes on in memory and writing is tried again (D5).
    package var isStorageFailure: Bool {
        guard let code else { return false }
        return [.noSpace, .quotaExceeded, .readOnly, .inputOutput].contains(code)
    }

    /// Whether the file system's permissions forbid it.
    package var isDenied: Bool { code == .accessDenied || code == .notPermitted }
}

extension PlatformError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let call, "", let code): "\(call): \(code.text) (\(code.name))"
        case .system(let call, let subject, let code): "\(call) \(subject): \(code.text) (\(code.name))"
        case .malformed(let text, let reason): "'\(text)' \(reason)"
        case .tooLarge(let path, let limit): "\(path) is larger than \(limit) bytes"
        case .insecure(let path, let mode):
            "\(path) has mode \(Self.octal(mode)): others may use this secret; chmod 600 \(path)"
        case .alreadyRunning(let path): "\(path) is in use: another instance is running"
        case .remedy(let problem, let remedy): "\(problem): \(remedy)"
        }
    }

    static func octal(_ mode: UInt32) -> String {
        let digits = String(mode & 0o7777, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }
}

/// The answer of a C function that is a value or -errno.
@discardableResult
func check(_ answer: Int32, _ call: StaticString, _ subject: String = "") throws(PlatformError) -> Int32 {
    guard answer < 0 else { return answer }
    throw .system(call: "\(call)", subject: subject, code: ErrorCode(rawValue: -answer))
}

/// As `check`, for byte counts.
@discardableResult
func check(_ answer: Int64, _ call: StaticString, _ subject: String = "") throws(PlatformError) -> Int64 {
    guard answer < 0 else { return answer }
    throw .system(call: "\(call)", subject: subject, code: ErrorCode(rawValue: Int32(clamping: -answer)))
}
