// Text for whoever started the program, and the end of the process.

import Platform

package enum Terminal {
    package static func out(_ text: String) { StandardOutput.write(text) }

    /// One line to standard error, then the end with `status`.
    package static func fail(_ line: String, status: Int32) -> Never {
        StandardOutput.write(line.replacing("\n", with: " ") + "\n", isError: true)
        ProcessEnd.exit(status)
    }
}
