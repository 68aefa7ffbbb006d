// Bearer tokens: what is said about them, and the one answer that holds the secret.
//
// Members have the names and units of openapi.yaml, in words; nil is said as null.

import JSON

/// A token without its secret.
package struct TokenBody: Sendable, Equatable, JSONWritable {
    package var name: String
    package var role: Role
    package var createdAt: Timestamp
    package var expiresAt: Timestamp?
    package var lastUsedAt: Timestamp?

    package init(name: String, role: Role, createdAt: Timestamp, expiresAt: Timestamp?, lastUsedAt: Timestamp?) {
        self.name = name
        self.role = role
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.lastUsedAt = lastUsedAt
    }

    package var json: JSONValue {
        .object([
            "name": name.json, "role": role.rawValue.json, "created_at": createdAt.json,
            "expires_at": expiresAt.json, "last_used_at": lastUsedAt.json,
        ])
    }
}

/// POST /v1/tokens: what is asked for.
package struct TokenRequestBody: Sendable, Equatable {
    package var name: String
    package var role: Role
    /// 60…315,360,000, or nil for a token that does not expire.
    package var expiresInSeconds: Int64?

    package init(name: String, role: Role, expiresInSeconds: Int64?) {
        self.name = name
        self.role = role
        self.expiresInSeconds = expiresInSeconds
    }
}

/// The one answer that holds the token; it is stored nowhere.
package struct TokenSecretBody: Sendable, Equatable, JSONWritable {
    package var name: String
    package var role: Role
    package var token: String
    package var expiresAt: Timestamp?

    package init(name: String, role: Role, token: String, expiresAt: Timestamp?) {
        self.name = name
        self.role = role
        self.token = token
        self.expiresAt = expiresAt
    }

    package var json: JSONValue {
        .object([
            "name": name.json, "role": role.rawValue.json, "token": token.json, "expires_at": expiresAt.json,
        ])
    }
}
