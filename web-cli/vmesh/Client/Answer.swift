// One answer of the router.

import HTTP
import JSON

struct Answer {
    var status: Int
    var headers: HTTPHeaders
    var body: [UInt8]
    /// What was asked, "show peer b", for errors.
    var action: String

    /// Bytes of JSON that are read; a page of a thousand routes has about two million.
    private static let maximumBytes = 64 << 20

    /// The body, which has to be JSON.
    func json() throws(Failure) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: body, maximumBytes: Self.maximumBytes)
        } catch {
            throw .malformed(action: action, reason: "\(error)")
        }
    }

    var isSuccess: Bool { (200..<300).contains(status) }
}
