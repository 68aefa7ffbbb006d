// libcrypto reports through a queue a thread owns. What one call leaves there would be taken for the failure of the
// next one (SSL_get_error looks into it), so every function here that can fail leaves the queue empty.

import COpenSSL

enum ErrorQueue {
    /// The library and reason number of the first error, and its text without file, line and data: data may quote
    /// input, and input may be a key. Empties the queue.
    static func take() -> (library: Int32, reason: Int32, text: String) {
        let code = ERR_peek_error()
        ERR_clear_error()
        guard code != 0 else { return (0, 0, "no detail") }
        let text = ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
        return (ERR_GET_LIB(code), ERR_GET_REASON(code), text)
    }

    static func clear() {
        ERR_clear_error()
    }
}

/// A memory BIO that is freed with its owner.
final class MemoryBIO {
    let pointer: OpaquePointer

    init?() {
        guard let pointer = BIO_new(BIO_s_mem()) else { return nil }
        self.pointer = pointer
    }

    init?(copying bytes: [UInt8]) {
        guard let pointer = BIO_new(BIO_s_mem()) else { return nil }
        self.pointer = pointer
        var written = 0
        guard bytes.isEmpty || BIO_write_ex(pointer, bytes, bytes.count, &written) == 1 else { return nil }
    }

    deinit {
        BIO_free(pointer)
    }

    /// A copy of what was written and not yet read.
    var contents: [UInt8] {
        var start: UnsafePointer<UInt8>?
        let count = copenssl_bio_contents(pointer, &start)
        return Array(UnsafeBufferPointer(start: start, count: start == nil ? 0 : count))
    }
}
