// /v1/config/peers: the neighbours as they are meant to be. The path names the peer; case does not count.

import JSON
import ManagementAPI

extension APIService {
    func listPeerConfigs() -> Answer {
        list(router.runningConfig.peers.sorted { Name.folded($0.name) < Name.folded($1.name) }.map(\.json))
    }

    func getPeerConfig(_ call: APICall) throws(Problem) -> Answer {
        let name = try call.pathText("name")
        return try item(router.runningConfig.peer(named: name)?.json, orThrow: Problem(.peerNotFound))
    }

    func putPeerConfig(_ call: APICall, _ done: @escaping (Outcome) -> Void) {
        writePeer(call, done) { name, running throws(Problem) in
            let existing = running.peer(named: name)
            let peer = try Self.peer(try call.jsonBody(), name: name, existing: existing)
            return (.putPeer(peer), [])
        }
    }

    /// RFC 7396 over the API's form of the peer: null unsets, so the default holds again (case C39).
    func patchPeerConfig(_ call: APICall, _ done: @escaping (Outcome) -> Void) {
        writePeer(call, done) { name, running throws(Problem) in
            guard let existing = running.peer(named: name) else { throw Problem(.peerNotFound) }
            let patched = existing.json.merging(try call.jsonBody())
            let peer = try Self.peer(patched, name: name, existing: existing)
            // Arrays are replaced whole, which is easily forgotten: what went away is said.
            let lost = existing.addresses.filter { !peer.addresses.contains($0) }
            return (.putPeer(peer), lost.map { "the address \($0) of '\(peer.name)' is removed" })
        }
    }

    func deletePeerConfig(_ call: APICall, _ done: @escaping (Outcome) -> Void) {
        writePeer(call, done) { name, running throws(Problem) in
            guard running.peer(named: name) != nil else { throw Problem(.peerNotFound) }
            return (.removePeer(name), [])
        }
    }

    private func writePeer(
        _ call: APICall, _ done: @escaping (Outcome) -> Void,
        _ edit: @escaping (String, NodeConfig) throws(Problem) -> (ConfigEdit, [String])
    ) {
        let name = call.path["name"] ?? ""
        let itemWrite = ItemWrite(
            current: { $0.peer(named: name)?.json },
            edit: { running throws(Problem) in
                let (edit, warnings) = try edit(name, running)
                return (edit, warnings)
            })
        write(call, itemWrite, done)
    }

    /// A peer from a body; its name is the path's, in the spelling that is configured already.
    private static func peer(_ body: JSONValue, name: String, existing: PeerConfig?) throws(Problem) -> PeerConfig {
        if let flaw = Name.flaw(inPeer: name) {
            throw .parameter("name", code: "not_a_name", flaw, as: .validationFailed)
        }
        var config = ConfigReader(source: .request)
        var reader = JSONObjectReader(body)
        let read = config.peer(&reader, defaultName: name)
        if let read, !Name.areEqual(read.name, name) {
            reader.report("name", code: "name_mismatch", detail: "must be the name in the path, or be left out")
        }
        let issues = reader.finish()
        guard issues.isEmpty, var peer = read else { throw .invalid(issues) }
        peer.name = existing?.name ?? name
        return peer
    }
}
