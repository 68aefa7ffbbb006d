// PEM text (RFC 7468) to DER and back. Only the frame is handled here; libcrypto's reader is used without its
// passphrase prompt, which would otherwise ask at the terminal for a text that merely claims to be encrypted.

import COpenSSL

enum PEM {
    /// The contents of the certificate blocks in `text`, at most `limit`.
    static func certificateBlocks(_ text: [UInt8], limit: Int) throws(TLSError) -> [[UInt8]] {
        ErrorQueue.clear()
        guard let input = MemoryBIO(copying: text) else { throw .engine(detail: "out of memory") }
        var blocks: [[UInt8]] = []
        while true {
            var label: UnsafeMutablePointer<CChar>?
            var header: UnsafeMutablePointer<CChar>?
            var data: UnsafeMutablePointer<UInt8>?
            var count = 0
            guard PEM_read_bio(input.pointer, &label, &header, &data, &count) == 1 else {
                let error = ErrorQueue.take()
                // No further BEGIN line: the regular end.
                if error.library == ERR_LIB_PEM, error.reason == PEM_R_NO_START_LINE { return blocks }
                throw .malformedCertificate(detail: "broken PEM text (\(error.text))")
            }
            defer {
                copenssl_free(label)
                copenssl_free(header)
                copenssl_free(data)
            }
            guard let label, let data else { continue }
            let kind = String(cString: label)
            guard kind == "CERTIFICATE" || kind == "X509 CERTIFICATE" else { continue }
            guard blocks.count < limit else { throw .tooManyCertificates(limit: limit) }
            blocks.append(Array(UnsafeBufferPointer(start: data, count: max(0, count))))
        }
    }

    /// One block with lines of 64 characters and a final newline.
    static func encode(_ der: [UInt8], label: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var line = 0
        var body: [UInt8] = []
        for start in stride(from: 0, to: der.count, by: 3) {
            let group = der[start..<min(start + 3, der.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for position in 0..<4 {
                let isPadding = position > group.count
                body.append(isPadding ? UInt8(ascii: "=") : alphabet[bits >> (18 - 6 * position) & 63])
            }
            line += 4
            if line == 64 {
                body.append(UInt8(ascii: "\n"))
                line = 0
            }
        }
        if line > 0 { body.append(UInt8(ascii: "\n")) }
        return "-----BEGIN \(label)-----\n" + String(decoding: body, as: UTF8.self) + "-----END \(label)-----\n"
    }
}
