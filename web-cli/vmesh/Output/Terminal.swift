// The process's own ends: descriptors 0 to 2, whether they are a terminal, the end of the process.
//
// The only file that calls the C library. Output may block; a reader that went away is not an error of ours.

import Glibc

enum Terminal {
    enum Stream: Int32 {
        case input = 0
        case output = 1
        case error = 2
    }

    enum WriteOutcome: Equatable {
        case done
        case readerGone
        /// The kernel's words.
        case failed(String)
    }

    /// A write into a closed pipe shall be an answer (EPIPE) and not the end.
    static func ignoreBrokenPipe() { _ = signal(SIGPIPE, SIG_IGN) }

    static func exit(_ status: ExitStatus) -> Never { Glibc.exit(status.rawValue) }

    static func isTerminal(_ stream: Stream) -> Bool { isatty(stream.rawValue) == 1 }

    /// Columns of the terminal at standard output; nil if it is none.
    static var width: Int? {
        guard isTerminal(.output) else { return nil }
        var size = winsize()
        guard ioctl(Stream.output.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    static func write(_ text: String, to stream: Stream) -> WriteOutcome { write(Array(text.utf8), to: stream) }

    /// Writes everything, waiting as long as it takes.
    static func write(_ bytes: [UInt8], to stream: Stream) -> WriteOutcome {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(stream.rawValue, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                // Somebody made the shared description nonblocking.
                var wait = pollfd(fd: stream.rawValue, events: Int16(POLLOUT), revents: 0)
                _ = poll(&wait, 1, -1)
            case EPIPE: return .readerGone
            case let code: return .failed(words(code))
            }
        }
        return .done
    }

    /// Standard input to its end; nil if there are more than `limit` bytes.
    static func readInput(limit: Int) throws(Failure) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= limit {
            let count = read(Stream.input.rawValue, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count > 0 {
                bytes += chunk.prefix(count)
            } else if errno != EINTR {
                throw .usage("cannot read standard input: \(words(errno))")
            }
        }
        return nil
    }

    private static func words(_ code: Int32) -> String { strerror(code).map { String(cString: $0) } ?? "error \(code)" }
}
