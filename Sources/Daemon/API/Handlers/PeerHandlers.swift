// /v1/peers: the neighbours as they are.

import JSON
import ManagementAPI

/// `status` of GET /v1/peers.
enum PeerFilter: String, CaseIterable {
    case up, down, all
}

extension APIService {
    func listPeers(_ call: APICall) throws(Problem) -> Answer {
        let page = try Page(call)
        let filter = try call.choice("status", of: PeerFilter.self) ?? .all
        let needle = try call.text("q", length: 0...253).map(Name.folded)
        let peers = router.peers().filter { peer in
            switch filter {
            case .all: break
            case .up: guard peer.status == .up else { return false }
            case .down: guard peer.status != .up else { return false }
            }
            guard let needle, !needle.isEmpty else { return true }
            let texts =
                [peer.name, peer.id?.description ?? "", peer.remoteAddress ?? ""] + (peer.config?.addresses ?? [])
            return texts.contains { Name.folded($0).contains(needle) }
        }
        return page.answer(sorting: peers, eventID: router.eventID) {
            Name.folded($0.name) + "\u{0}" + ($0.id?.description ?? "")
        }
    }

    func getPeer(_ call: APICall) throws(Problem) -> Answer {
        guard let peer = router.peer(call.peerSelector(try call.pathText("peer"))) else {
            throw Problem(.peerNotFound)
        }
        return .json(peer.json)
    }

    func resetPeer(_ call: APICall, _ done: @escaping (Outcome) -> Void) {
        enqueue(done) { [router] answer throws(Problem) in
            let selector = call.peerSelector(try call.pathText("peer"))
            var reader = JSONObjectReader(try call.jsonBody())
            let words = PeerResetMode.allCases.map(\.rawValue)
            let mode = reader.choice("mode", .optional, among: words).flatMap(PeerResetMode.init) ?? .hard
            let reason = reader.string("reason", .optional, length: 0...200)
            let issues = reader.finish()
            guard issues.isEmpty else { throw .invalid(issues) }
            guard router.peer(selector) != nil else { throw Problem(.peerNotFound) }
            let options = try call.writeOptions()
            router.resetPeer(selector, mode: mode, reason: reason, options: options) { result in
                answer(
                    result.map { peer in
                        Answer(status: 202, body: .json(peer.json), isChanged: true, pointers: ["/peers/\(peer.name)"])
                    })
            }
        }
    }
}
