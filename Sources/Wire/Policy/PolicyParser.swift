// Reads a policy strictly and tells all that is wrong with it (B15, C28).
//
// Fail closed: whatever is not understood about a known key refuses the whole policy, and the one before stays in
// force. Only keys that nobody knows pass, with a warning, because later policies must be able to say more. Go's
// parser folds the case of keys, ours does not: a key that is a known one but for its case would be read by a v1 node
// and not by us, so it is refused. So is a policy without `prefix_whitelist`: a slip in that word must not open the
// whole network; whoever wants no filter writes `{}`.

import JSON
import Routing

extension PolicyContent {
    /// Reads a policy's JSON: at most 1 MiB, nested at most 16 deep.
    package static func parse(_ bytes: [UInt8]) throws(PolicyError) -> PolicyContent {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes, maximumDepth: maximumDepth, maximumBytes: maximumBytes)
        } catch {
            throw PolicyError(issues: [JSONIssue(pointer: "", code: "bad_json", detail: "\(error)")])
        }
        var parser = PolicyParser(value)
        return try parser.parse()
    }
}

private struct PolicyParser {
    private static let keptKeys = ["max_prefixes", "origins", "rollout"]
    private static let knownKeys = ["prefix_whitelist", "default", "external", "revoked"] + keptKeys

    private var reader: JSONObjectReader
    private var content = PolicyContent()

    init(_ value: JSONValue) { reader = JSONObjectReader(value, unknown: .kept) }

    mutating func parse() throws(PolicyError) -> PolicyContent {
        // `null` and other documents that are no object: one issue, and nothing else to say.
        guard reader.issues.isEmpty else { throw PolicyError(issues: reader.issues) }
        readWhitelist()
        if let word = reader.choice("default", .optional, among: ["allow", "deny"]) {
            content.isDefaultDeny = word == "deny"
        }
        readExternal()
        readRevoked()
        for key in Self.keptKeys {
            guard let value = reader.value(key) else { continue }
            guard !value.isNull else {
                reader.report(key, code: "wrong_type", detail: "must not be null")
                continue
            }
            content.kept[key] = value
            warn(.root.appending(key), code: "not_enforced", "is kept, but not enforced by this version")
        }
        readUnknown()
        let issues = reader.finish()
        guard issues.isEmpty else { throw PolicyError(issues: issues) }
        return content
    }

    private mutating func readWhitelist() {
        guard let object = reader.object("prefix_whitelist") else { return }
        let place = reader.pointer(to: "prefix_whitelist")
        for (name, value) in object.members {
            guard let key = nodeName(name, at: place.appending(name)) else { continue }
            guard content.whitelist[key] == nil else {
                reader.report(
                    place.appending(name), code: "duplicate_name",
                    detail: "the same node is listed twice, in another case")
                continue
            }
            content.whitelist[key] = entries(value, at: place.appending(name), of: "node \(Self.shown(name))")
        }
    }

    private mutating func readExternal() {
        guard let object = reader.object("external", .optional) else { return }
        let place = reader.pointer(to: "external")
        for (fingerprint, value) in object.members {
            let place = place.appending(fingerprint)
            guard let id = Self.fingerprint(fingerprint) else {
                reader.report(
                    place, code: "bad_fingerprint", detail: "the key must be 'sha256:' and 64 hexadecimal digits")
                continue
            }
            guard content.external[id] == nil else {
                reader.report(place, code: "duplicate_name", detail: "the same fingerprint is listed twice")
                continue
            }
            var peer = JSONObjectReader(value, at: place)
            var policy = ExternalPeerPolicy(name: nil, imports: [], exports: [])
            if let name = peer.string("name", .optional, length: 1...253) {
                policy.name = nodeName(name, at: place.appending("name"))
            }
            let who = "external peer \(id)"
            if let list = peer.array("import", .optional) {
                policy.imports = entries(.array(list), at: place.appending("import"), of: who)
            }
            if let list = peer.array("export", .optional) {
                policy.exports = entries(.array(list), at: place.appending("export"), of: who)
            }
            reader.absorb(peer)
            content.external[id] = policy
        }
    }

    private mutating func readRevoked() {
        guard let list = reader.array("revoked", .optional) else { return }
        for (index, element) in list.enumerated() {
            let place = reader.pointer(to: "revoked").appending(index)
            guard let revocation = element.stringValue.flatMap(Self.revocation) else {
                reader.report(
                    place, code: "bad_revocation",
                    detail: "must be sha256:HEX, spki:HEX, ca:HEX (64 digits) or serial:HEX:ISSUER")
                continue
            }
            content.revoked.append(revocation)
        }
        if !list.isEmpty {
            warn(.root.appending("revoked"), code: "not_enforced", "is kept, but not enforced by this version")
        }
    }

    private mutating func readUnknown() {
        for (key, _) in reader.unknownMembers {
            if let known = Self.knownKeys.first(where: { $0 == Self.goFolded(key) }) {
                reader.report(
                    key, code: "case_variant", detail: "is '\(known)' in another case; v1 nodes would read it")
            } else {
                warn(.root.appending(key), code: "unknown_field", "is unknown to this version and has no effect")
            }
        }
    }

    /// Reads a list of entries; the detail of an issue names whose list, which entry and where in it.
    private mutating func entries(_ value: JSONValue, at place: JSONPointer, of owner: String) -> [PolicyEntry] {
        guard let list = value.arrayValue else {
            reader.report(place, code: "wrong_type", detail: "\(owner): must be an array, is \(value.typeName)")
            return []
        }
        var entries: [PolicyEntry] = []
        for (index, element) in list.enumerated() {
            guard let text = element.stringValue else {
                let detail = "\(owner), entry \(index + 1): must be a string, is \(element.typeName)"
                reader.report(place.appending(index), code: "wrong_type", detail: detail)
                continue
            }
            do throws(PolicyEntryDefect) { entries.append(try PolicyEntry(parsing: text)) } catch {
                let detail = "\(owner), entry \(index + 1), column \(error.column): \(error.message)"
                reader.report(place.appending(index), code: "bad_entry", detail: detail)
            }
        }
        return entries
    }

    /// A name as it is compared, or nil with an issue. `sha256:` and a fingerprint is a name too (W7).
    private mutating func nodeName(_ name: String, at place: JSONPointer) -> String? {
        let folded = PolicyContent.folded(name)
        let problem: String? =
            if name.isEmpty { "a node's name is empty" } else if name.utf8.count > 253 {
                "a node's name has more than 253 bytes"
            } else if name.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7F }) {
                "a node's name has a space or a control character"
            } else if name.hasSuffix(".") {
                "a node's name has no trailing dot; v1 nodes would not match it"
            } else if folded.hasPrefix("sha256:"), Self.fingerprint(name) == nil {
                "a fingerprint is 'sha256:' and 64 hexadecimal digits"
            } else { nil }
        if let problem {
            reader.report(place, code: "bad_name", detail: "node \(Self.shown(name)): \(problem)")
            return nil
        }
        if folded != name { warn(place, code: "not_lower_case", "v1 nodes compare names exactly, ours without case") }
        return folded
    }

    private mutating func warn(_ place: JSONPointer, code: String, _ detail: String) {
        guard content.warnings.count < JSONObjectReader.maximumIssues else { return }
        content.warnings.append(JSONIssue(pointer: "\(place)", code: code, detail: detail))
    }

    // MARK: Words

    /// A name for an error: in quotes, escaped, at most 64 characters of it.
    private static func shown(_ name: String) -> String { JSONValue.string(String(name.prefix(64))).text() }

    private static func fingerprint(_ text: String) -> NodeID? {
        guard PolicyContent.folded(text.prefix(7)) == "sha256:" else { return nil }
        return NodeID(hex: text.dropFirst(7))
    }

    private static func revocation(_ text: String) -> Revocation? {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let rest = text[text.index(after: colon)...]
        switch text[..<colon] {
        case "sha256": return NodeID(hex: rest).map(Revocation.leaf)
        case "spki": return NodeID(hex: rest).map(Revocation.publicKey)
        case "ca": return NodeID(hex: rest).map(Revocation.authority)
        case "serial":
            guard let end = rest.firstIndex(of: ":"), end > rest.startIndex, rest[..<end].count <= 64,
                rest[..<end].allSatisfy({ $0.isASCII && $0.isHexDigit })
            else { return nil }
            let issuer = rest[rest.index(after: end)...]
            guard !issuer.isEmpty else { return nil }
            let digits = PolicyContent.folded(rest[..<end].drop { $0 == "0" })
            return .serial(digits.isEmpty ? "0" : digits, issuer: String(issuer))
        default: return nil
        }
    }

    /// A key as Go's JSON folds it: ASCII case, and the two letters beyond ASCII that fold into it.
    private static func goFolded(_ key: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in key.unicodeScalars {
            switch scalar {
            case "\u{17F}": scalars.append("s")
            case "\u{212A}": scalars.append("k")
            default: scalars.append(scalar)
            }
        }
        return PolicyContent.folded(String(scalars))
    }
}
