// One request, checked as far as every operation needs it: who, which operation, which parameters, which body.
// Handlers take typed values from here; each getter throws the problem that names the parameter.

import HTTP
import JSON
import ManagementAPI
import Routing

/// A request on its way to a handler.
struct APICall {
    let operation: Operation
    let request: HTTPRequest
    /// Nil for free operations without a credential.
    let principal: Principal?
    /// Decoded values of the path's parameters.
    let path: [String: String]
    /// Decoded; every name is known to the operation and stands once.
    let query: [String: String]
    /// The media type chosen among `operation.responseTypes`.
    let answerType: String
    /// The body's media type without parameters; nil without a body.
    let bodyType: String?

    // MARK: Query

    func flag(_ name: String) throws(Problem) -> Bool? {
        switch query[name] {
        case nil: nil
        case "true": true
        case "false": false
        default: throw .parameter(name, "must be true or false")
        }
    }

    /// Digits only; no sign, no leading zero.
    func integer(_ name: String, in range: ClosedRange<Int64>) throws(Problem) -> Int64? {
        guard let text = query[name] else { return nil }
        guard let number = Self.decimal(text), range.contains(number) else {
            throw .parameter(
                name, code: "out_of_range", "must be an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func choice<Word: RawRepresentable & CaseIterable>(
        _ name: String, of type: Word.Type
    ) throws(Problem) -> Word? where Word.RawValue == String {
        guard let text = query[name] else { return nil }
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw .parameter(name, code: "not_allowed", "must be one of: \(words)")
        }
        return word
    }

    func text(_ name: String, length: ClosedRange<Int>) throws(Problem) -> String? {
        guard let text = query[name] else { return nil }
        guard length.contains(text.utf8.count) else {
            throw .parameter(name, code: "out_of_range", "must have \(length.lowerBound) to \(length.upperBound) bytes")
        }
        return text
    }

    func address(_ name: String) throws(Problem) -> IPv6Address? {
        guard let text = query[name] else { return nil }
        return try Self.address(text, named: name)
    }

    func prefix(_ name: String) throws(Problem) -> Prefix? {
        guard let text = query[name] else { return nil }
        do throws(PrefixError) {
            return try Prefix(parsing: text)
        } catch {
            throw Self.problem(error, named: name)
        }
    }

    /// The value, or 400 because it is missing.
    func required<Value>(_ name: String, _ value: Value?) throws(Problem) -> Value {
        guard let value else { throw .parameter(name, code: "required", "is missing") }
        return value
    }

    // MARK: Path

    func pathText(_ name: String) throws(Problem) -> String {
        guard let text = path[name] else { throw Problem(.internal, "the path has no \(name)") }
        return text
    }

    /// `{address}/{prefix_length}`: host bits are 422 with the corrected text, anything else wrong is 400.
    func pathPrefix() throws(Problem) -> Prefix {
        let address = try Self.address(try pathText("address"), named: "address")
        let text = try pathText("prefix_length")
        guard let length = Self.decimal(text), length <= 128 else {
            throw .parameter("prefix_length", code: "out_of_range", "must be an integer from 0 to 128")
        }
        do throws(PrefixError) {
            return try Prefix(address: address, length: Int(length))
        } catch {
            throw Self.problem(error, named: "address")
        }
    }

    /// A peer's name or 64 hex digits; whatever else it is, there is no such peer.
    func peerSelector(_ text: String) -> PeerSelector {
        if text.utf8.count == 64, let id = NodeID(hex: text) { return .id(id) }
        return .name(text)
    }

    // MARK: Body

    /// The body as JSON, or 400 with line and column.
    func jsonBody() throws(Problem) -> JSONValue {
        guard !request.body.isEmpty else { throw Problem(.malformedJSON, "the body is empty; JSON is needed") }
        do throws(JSONError) {
            return try JSONValue(
                parsing: request.body, maximumDepth: 32, maximumBytes: operation.requestBody.maximumBytes)
        } catch {
            if error.kind == .tooLarge { throw Problem(.payloadTooLarge, "\(error)") }
            throw Problem(.malformedJSON, "\(error)")
        }
    }

    func writeOptions() throws(Problem) -> WriteOptions {
        WriteOptions(
            isDryRun: try flag("dry_run") ?? false, persist: try flag("persist"), actor: principal?.actor ?? "")
    }

    // MARK: Helpers

    private static func address(_ text: String, named name: String) throws(Problem) -> IPv6Address {
        do throws(AddressError) {
            return try IPv6Address(parsing: text)
        } catch {
            throw .parameter(name, code: "not_an_address", "\(error)")
        }
    }

    private static func problem(_ error: PrefixError, named name: String) -> Problem {
        if case .hostBitsSet = error {
            return .parameter(name, code: error.issueCode, "\(error)", as: .validationFailed)
        }
        return .parameter(name, code: error.issueCode, "\(error)")
    }

    /// Digits without a sign or leading zero, at most 2^53 − 1.
    static func decimal(_ text: String) -> Int64? {
        guard (1...16).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text.utf8.count == 1 || text.utf8.first != UInt8(ascii: "0")
        else { return nil }
        return Int64(text)
    }
}
