// Which handler answers which operation: the compiler sees to it that every one has its own.

import ManagementAPI

extension APIService {
    func perform(_ call: APICall, _ done: @escaping (Outcome) -> Void) {
        do throws(Problem) {
            switch call.operation {
            case .getLiveness: done(.success(getLiveness()))
            case .getReadiness: done(.success(getReadiness()))
            case .getMetrics: done(.success(getMetrics()))
            case .getOpenapi: done(.success(getOpenapi()))
            case .getProblemDoc: done(.success(try getProblemDoc(call)))
            case .getStatus: done(.success(getStatus()))
            case .getWhoami: done(.success(try getWhoami(call)))
            case .listPeers: done(.success(try listPeers(call)))
            case .getPeer: done(.success(try getPeer(call)))
            case .resetPeer: resetPeer(call, done)
            case .listRoutes: done(.success(try listRoutes(call)))
            case .lookupRoute: done(.success(try lookupRoute(call)))
            case .getRoute: done(.success(try getRoute(call)))
            case .listFib: done(.success(try listFib(call)))
            case .listVifs: done(.success(try listVifs(call)))
            case .getVif: done(.success(try getVif(call)))
            case .getConfig: done(.success(try getConfig(call)))
            case .getConfigStatus: done(.success(getConfigStatus()))
            case .reloadConfig: reloadConfig(call, done)
            case .listPeerConfigs: done(.success(listPeerConfigs()))
            case .getPeerConfig: done(.success(try getPeerConfig(call)))
            case .putPeerConfig: putPeerConfig(call, done)
            case .patchPeerConfig: patchPeerConfig(call, done)
            case .deletePeerConfig: deletePeerConfig(call, done)
            case .listAnnouncements: done(.success(listAnnouncements()))
            case .getAnnouncement: done(.success(try getAnnouncement(call)))
            case .putAnnouncement: putAnnouncement(call, done)
            case .deleteAnnouncement: deleteAnnouncement(call, done)
            case .listCertificates: done(.success(try listCertificates(call)))
            case .getCertificate: done(.success(try getCertificate(call)))
            case .addExternalPeerCertificate: addExternalPeerCertificate(call, done)
            case .removeExternalPeerCertificate: removeExternalPeerCertificate(call, done)
            case .getDistributedConfig: done(.success(try getDistributedConfig()))
            case .uploadDistributedConfig: uploadDistributedConfig(call, done)
            case .downloadDistributedConfig: done(.success(try downloadDistributedConfig()))
            case .listDistributedConfigPeers: done(.success(try listDistributedConfigPeers(call)))
            case .checkPolicy: done(.success(try checkPolicy(call)))
            case .listTokens: done(.success(listTokens()))
            case .createToken: done(.success(try createToken(call)))
            case .deleteToken: done(.success(try deleteToken(call)))
            }
        } catch {
            done(.failure(error))
        }
    }

    /// Runs a write when its turn has come. `body` checks (and may throw), then calls `done` when the router answered.
    func enqueue(
        _ done: @escaping (Outcome) -> Void, _ body: @escaping (@escaping (Outcome) -> Void) throws(Problem) -> Void
    ) {
        let isTaken = writes.enqueue { finished in
            let answer: (Outcome) -> Void = { outcome in
                // The answer is recorded with the revision that it made, before the next write makes its own.
                done(outcome)
                finished()
            }
            do throws(Problem) { try body(answer) } catch { answer(.failure(error)) }
        }
        if !isTaken { done(.failure(Problem(.tooManyRequests, "too many writes are waiting", retryAfterSeconds: 1))) }
    }
}
