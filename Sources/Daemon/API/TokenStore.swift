// Bearer tokens: kept by digest only, so that neither the state directory nor a core file can give one away.
//
// A token is `vmt_` and 32 random bytes in base64url. The table is small (at most 256) and compared whole, in constant
// time per digest. It is written as a JSON document through a closure; the daemon puts it into `state_dir/tokens.json`
// with mode 0600. `last_used_at` is written back with the next change, not on every request.

import JSON
import ManagementAPI

/// Where the API looks tokens up.
package protocol TokenStore: AnyObject {
    /// The token with this SHA-256, if it is known and not expired; notes its use.
    func token(digest: [UInt8], now: Timestamp) -> TokenBody?
    /// By name.
    func tokens() -> [TokenBody]
    /// Makes one; 409 `exists`, 409 `persist-unavailable`, 429 when the table is full.
    func createToken(_ request: TokenRequestBody, now: Timestamp) throws(Problem) -> TokenSecretBody
    /// False if there is none of this name.
    func deleteToken(named name: String) throws(Problem) -> Bool
}

/// The store that the daemon uses.
package final class TokenTable: TokenStore {
    /// More would make comparing them all slow.
    package static let maximumCount = 256

    private struct Entry {
        var digest: [UInt8]
        var body: TokenBody
    }

    private var entries: [Entry] = []
    private let random: (Int) -> [UInt8]
    private let sha256: ([UInt8]) -> [UInt8]
    private let save: ([UInt8]) -> Bool

    /// `save` writes the document and answers whether that worked.
    package init(
        random: @escaping (Int) -> [UInt8], sha256: @escaping ([UInt8]) -> [UInt8], save: @escaping ([UInt8]) -> Bool
    ) {
        self.random = random
        self.sha256 = sha256
        self.save = save
    }

    /// Takes the tokens of a document that `save` wrote. Anything wrong with it: nothing is taken, since a token that
    /// is half understood may be one with too much power.
    package func load(_ document: [UInt8]) throws(ConfigFlaws) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: document, maximumBytes: 1 << 20)
        } catch {
            throw ConfigFlaws([JSONIssue(pointer: "", code: "malformed_json", detail: "\(error)")])
        }
        var reader = JSONObjectReader(value)
        var loaded: [Entry] = []
        for (index, value) in (reader.array("tokens", maximumCount: Self.maximumCount) ?? []).enumerated() {
            var entry = JSONObjectReader(value, at: reader.pointer(to: "tokens").appending(index))
            let name = entry.string("name", length: 1...63)
            let digest = entry.string("sha256", length: 64...64).flatMap(Hex.bytes)
            let role = entry.choice("role", among: Role.allCases.map(\.rawValue)).flatMap(Role.init)
            let created = entry.int("created_at_ms")
            let expires = entry.int("expires_at_ms", .nullable)
            let used = entry.int("last_used_at_ms", .nullable)
            if digest == nil { entry.report("sha256", code: "not_a_digest", detail: "must be 64 hex digits") }
            reader.absorb(entry)
            guard let name, let digest, let role, let created else { continue }
            let body = TokenBody(
                name: name, role: role, createdAt: Timestamp(milliseconds: created),
                expiresAt: expires.map(Timestamp.init(milliseconds:)),
                lastUsedAt: used.map(Timestamp.init(milliseconds:)))
            loaded.append(Entry(digest: digest, body: body))
        }
        let issues = reader.finish()
        guard issues.isEmpty else { throw ConfigFlaws(issues) }
        entries = loaded
    }

    package func token(digest: [UInt8], now: Timestamp) -> TokenBody? {
        // All are compared, whether one matched or not.
        var match: Int?
        for (index, entry) in entries.enumerated() where ConstantTime.areEqual(entry.digest, digest) { match = index }
        guard let match else { return nil }
        if let end = entries[match].body.expiresAt, end <= now { return nil }
        entries[match].body.lastUsedAt = now
        return entries[match].body
    }

    package func tokens() -> [TokenBody] { entries.map(\.body).sorted { $0.name < $1.name } }

    package func createToken(_ request: TokenRequestBody, now: Timestamp) throws(Problem) -> TokenSecretBody {
        guard !entries.contains(where: { $0.body.name == request.name }) else {
            throw Problem(.exists, "there is a token named '\(request.name)'; revoke it first")
        }
        guard entries.count < Self.maximumCount else {
            throw Problem(.tooManyRequests, "there are \(Self.maximumCount) tokens already", retryAfterSeconds: 60)
        }
        let bytes = random(32)
        guard bytes.count == 32 else { throw Problem(.internal, "no randomness") }
        let text = "vmt_" + Base64URL.encode(bytes)
        let end = request.expiresInSeconds.map { seconds in
            Timestamp(milliseconds: now.milliseconds + min(max(seconds, 0), 315_360_000) * 1000)
        }
        let body = TokenBody(
            name: request.name, role: request.role, createdAt: now, expiresAt: end, lastUsedAt: nil)
        try replaceEntries(with: entries + [Entry(digest: sha256(Array(text.utf8)), body: body)])
        return TokenSecretBody(name: request.name, role: request.role, token: text, expiresAt: end)
    }

    package func deleteToken(named name: String) throws(Problem) -> Bool {
        let rest = entries.filter { $0.body.name != name }
        guard rest.count != entries.count else { return false }
        try replaceEntries(with: rest)
        return true
    }

    /// Saves first: a revoked token must not come back with the next start.
    private func replaceEntries(with new: [Entry]) throws(Problem) {
        let list = new.map { entry in
            JSONValue.object([
                "name": entry.body.name.json, "sha256": Hex.text(entry.digest).json,
                "role": entry.body.role.rawValue.json, "created_at_ms": entry.body.createdAt.milliseconds.json,
                "expires_at_ms": (entry.body.expiresAt?.milliseconds).json,
                "last_used_at_ms": (entry.body.lastUsedAt?.milliseconds).json,
            ])
        }
        guard save(JSONValue.object(["tokens": .array(list)]).serialized(pretty: true)) else {
            throw Problem(.persistUnavailable, "the token table cannot be written to the state directory")
        }
        entries = new
    }
}
