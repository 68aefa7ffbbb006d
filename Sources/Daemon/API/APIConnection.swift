// Who is at the other end of a connection, as its listener knows it, and who that is for the API.

import ManagementAPI

/// A connection of the management API. The transport fills it in when it accepts.
package struct APIConnection: Sendable, Equatable {
    /// How it came in, and what that says about who it is.
    package enum Transport: Sendable, Equatable {
        /// The listener's role; uid and pid by SO_PEERCRED.
        case unix(role: Role, uid: UInt32, pid: Int32)
        /// `source`: the client's IP address without port; `local`: the address it reached, without port;
        /// `clientFingerprint`: lower-case hex SHA-256 of a client certificate that the handshake verified.
        case tcp(source: String, local: String, isTLS: Bool, clientFingerprint: String?)
    }

    /// The listener as status and audit call it: `unix:/run/vmesh/vmeshd.sock`, `tcp:127.0.0.1:5121`.
    package var listener: String
    package var transport: Transport

    package init(listener: String, transport: Transport) {
        self.listener = listener
        self.transport = transport
    }

    /// By which failed authentications are counted.
    var source: String {
        switch transport {
        case .unix(_, let uid, _): "uid \(uid)"
        case .tcp(let source, _, _, _): source
        }
    }
}

/// Who calls, once that is known.
package struct Principal: Sendable, Equatable {
    /// How the principal showed who it is.
    package enum Method: String, Sendable { case unix, bearer, mtls }

    package var role: Role
    package var method: Method
    /// `uid 1000`, a token's name, a client's name.
    package var subject: String
    package var expiresAt: Timestamp?

    /// As `changed_by` and the audit have it: `uid 1000`, `token ansible`, `client prom`.
    package var actor: String {
        switch method {
        case .unix: subject
        case .bearer: "token \(subject)"
        case .mtls: "client \(subject)"
        }
    }
}
