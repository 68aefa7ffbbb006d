// What the problem codes mean, in words: titles for the documents, pages for GET /problems/{code}.

extension ProblemCode {
    /// Title and explanation. The explanation says what happened, then what to do.
    var words: (title: String, explanation: String) {
        switch self {
        case .badRequest:
            (
                "The request is malformed",
                """
                A part of the request cannot be read: the path's or query's encoding, a header, or the value of a \
                parameter. `errors` names the parameter. Correct it and send the request again.
                """
            )
        case .malformedJSON:
            (
                "The body is not valid JSON",
                """
                The body is not RFC 8259 JSON in UTF-8, holds a member twice, or is nested deeper than 32. \
                `detail` gives line and column.
                """
            )
        case .unknownParameter:
            (
                "A parameter is unknown or repeated",
                """
                The query holds a parameter that this operation does not take, or holds one twice. Nothing was \
                done. /openapi.yaml lists the parameters.
                """
            )
        case .validationFailed:
            (
                "The request is not valid",
                """
                The body or a parameter was read but says something that cannot be: `errors` lists every place by \
                JSON Pointer with what is wrong. Nothing was changed.
                """
            )
        case .unauthorized:
            (
                "Authentication is needed",
                """
                The request carries no credential, or one that is unknown or expired. Send `Authorization: Bearer \
                TOKEN`, or use the Unix socket. Tokens are made by `vmesh token create`.
                """
            )
        case .forbidden:
            (
                "Not allowed for this role",
                """
                The credential is good, but its role may not do this: metrics may read /metrics, read may read \
                everything else, admin may change things.
                """
            )
        case .hostNotAllowed:
            (
                "The Host is not one of this router's",
                """
                On TCP the Host header must be localhost, a loopback address, a listen address, a name of the \
                API's certificate, or stand in api.allowed_hosts. This keeps web pages from reaching the router by \
                DNS rebinding.
                """
            )
        case .originNotAllowed:
            (
                "The request comes from a foreign web page",
                """
                A browser sent this request for a page of another origin. The API answers its own console only.
                """
            )
        case .notFound:
            (
                "There is nothing here",
                """
                No operation has this path, or the named item does not exist. /openapi.yaml lists the paths.
                """
            )
        case .peerNotFound:
            (
                "There is no such peer",
                """
                No peer has this name or id. GET /v1/peers lists those that are configured or connected, GET \
                /v1/config/peers those that are configured.
                """
            )
        case .routeNotFound:
            (
                "There is no such route",
                """
                No candidate for exactly this prefix is known. GET /v1/routes/lookup finds what covers an address.
                """
            )
        case .noDistributedConfig:
            (
                "No distributed config is in force",
                """
                This router has not adopted a distributed config yet: upload one, or connect to a peer that has \
                it.
                """
            )
        case .noPendingChange:
            (
                "No change waits for confirmation",
                """
                There is no pending change: it was confirmed, rolled back, or never made with confirm_seconds.
                """
            )
        case .methodNotAllowed:
            (
                "The path does not take this method",
                """
                The `Allow` header lists the methods of this path.
                """
            )
        case .notAcceptable:
            (
                "No acceptable representation",
                """
                The `Accept` header excludes everything this operation can answer.
                """
            )
        case .unsupportedMediaType:
            (
                "The body has the wrong media type",
                """
                The Content-Type is missing or is not one that this operation takes; `detail` names those. Bodies \
                in JSON must be UTF-8.
                """
            )
        case .payloadTooLarge:
            (
                "The body is too large",
                """
                JSON bodies may have 1 MiB, certificates 64 KiB, a signed distributed config 4 MiB less 64 KiB.
                """
            )
        case .confirmPending:
            (
                "Another change waits for confirmation",
                """
                Confirm it or roll it back first, or send its confirm_id to amend it.
                """
            )
        case .wrongConfirmID:
            (
                "The confirm_id is not that of the pending change",
                """
                Somebody else's change is pending. GET /v1/config/pending shows it.
                """
            )
        case .configFileChanged:
            (
                "The configuration file was changed by somebody else",
                """
                The file on disk is not the one that was loaded, and writing would lose that change. Reload the \
                configuration, or repeat with persist=false.
                """
            )
        case .persistUnavailable:
            (
                "The configuration cannot be written",
                """
                The change was asked to survive a restart, but the file's directory is not writable for the \
                daemon. Repeat with persist=false, or make the directory writable.
                """
            )
        case .privilegesDropped:
            (
                "The daemon has given up the needed privilege",
                """
                The daemon was started with -drop-permissions and cannot do this any more. Change the file and \
                restart.
                """
            )
        case .inUse:
            (
                "It is in use",
                """
                Something still depends on this, such as a live session on a certificate. Repeat with force=true \
                to take it away nevertheless.
                """
            )
        case .lastCA:
            (
                "The last CA cannot be removed",
                """
                Without it neither this node's certificate nor any peer would be trusted.
                """
            )
        case .nameChange:
            (
                "The certificate has another name",
                """
                The new certificate's CommonName differs; the network's policy goes by that name. Repeat with \
                allow_name_change=true if it is meant.
                """
            )
        case .keyMismatch:
            (
                "Key and certificate do not belong together",
                """
                The private key is not the one of the certificate. Nothing was changed.
                """
            )
        case .chainInvalid:
            (
                "The certificate is not acceptable",
                """
                The certificate does not parse, is not valid now, or does not chain to a configured CA. `detail` \
                says which.
                """
            )
        case .distributedConfigInvalid:
            (
                "The distributed config is not valid",
                """
                `reason` says why: bad_encoding, unsupported_version, not_signed_by_ca, hash_mismatch, expired, \
                issued_in_future or content_invalid. The one in force stays.
                """
            )
        case .distributedConfigNotNewer:
            (
                "The distributed config is not newer",
                """
                The network adopts only what was signed later than the one in force. Sign it again.
                """
            )
        case .exists:
            (
                "It exists already",
                """
                Something of this name exists. Choose another name, or change the one that is there.
                """
            )
        case .preconditionFailed:
            (
                "A precondition failed",
                """
                The item is not in the state that If-Match or If-None-Match names: somebody changed it in between. \
                Read it again (`current_etag`) and decide anew.
                """
            )
        case .preconditionRequired:
            (
                "If-Match is required",
                """
                Replacing the whole configuration needs If-Match, so that no other change is lost. Send the ETag \
                of your GET, or `*` if you know.
                """
            )
        case .tooManyRequests:
            (
                "Too many requests",
                """
                Too many failed authentications came from this address, or too many writes are waiting. Retry- \
                After says when to come again. A valid credential is never locked out.
                """
            )
        case .tooManyStreams:
            (
                "Too many streams",
                """
                The bound on concurrent event streams, probes or captures is reached. Close one, or try again \
                later.
                """
            )
        case .starting:
            (
                "The router is starting",
                """
                Configuration, interfaces or listeners are not up yet. GET /readyz says when.
                """
            )
        case .stopping:
            (
                "The router is stopping",
                """
                It takes no change any more.
                """
            )
        case .probeTimeout:
            (
                "The probe took too long",
                """
                No result came within the bound.
                """
            )
        case .internal:
            (
                "Internal error",
                """
                The router failed in a way that it should not. The request_id finds the line in the log. The \
                change, if it was one, was not made.
                """
            )
        }
    }
}
