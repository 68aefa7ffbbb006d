// Text for whoever started the program, and the end of the process.

import Platform

/// Standard output and standard error of the programs.
package enum Terminal {
    /// Text as it is, to standard output.
    package static func out(_ text: String) { StandardOutput.write(text) }

    /// One line to standard error, then the end with `status`.
    package static func fail(_ line: String, status: Int32) -> Never {
        StandardOutput.write(line.replacing("\n", with: " ") + "\n", isError: true)
        ProcessEnd.exit(status)
    }
}
