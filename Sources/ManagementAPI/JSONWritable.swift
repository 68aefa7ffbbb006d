// How the API's values become JSON: a known-but-absent value is an explicit null, never a missing member.

import JSON
import Routing

/// A value that the API can say as JSON.
package protocol JSONWritable {
    /// The value in the form of api.md and openapi.yaml.
    var json: JSONValue { get }
}

extension JSONValue: JSONWritable { package var json: JSONValue { self } }
extension String: JSONWritable { package var json: JSONValue { .string(self) } }
extension Bool: JSONWritable { package var json: JSONValue { .bool(self) } }
extension Int: JSONWritable { package var json: JSONValue { JSONLimits.integer(Int64(self)) } }
extension Int64: JSONWritable { package var json: JSONValue { JSONLimits.integer(self) } }
extension UInt64: JSONWritable { package var json: JSONValue { JSONLimits.integer(Int64(clamping: self)) } }
extension Double: JSONWritable { package var json: JSONValue { isFinite ? .number(self) : .null } }
extension Timestamp: JSONWritable { package var json: JSONValue { .string(description) } }
extension IPv6Address: JSONWritable { package var json: JSONValue { .string(description) } }
extension Prefix: JSONWritable { package var json: JSONValue { .string(description) } }
extension NodeID: JSONWritable { package var json: JSONValue { .string(description) } }

extension Optional: JSONWritable where Wrapped: JSONWritable {
    package var json: JSONValue { map(\.json) ?? .null }
}

extension Array: JSONWritable where Element: JSONWritable {
    package var json: JSONValue { .array(map(\.json)) }
}

/// The range of integers that every JSON reader keeps exactly.
enum JSONLimits {
    /// 2^53 − 1, RFC 8259 section 6.
    static let largestInteger: Int64 = 9_007_199_254_740_991

    /// The integer, cut to ±(2^53 − 1).
    static func integer(_ value: Int64) -> JSONValue {
        .integer(Swift.min(Swift.max(value, -largestInteger), largestInteger))
    }
}
