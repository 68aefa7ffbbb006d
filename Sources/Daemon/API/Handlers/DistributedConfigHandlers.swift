// /v1/distributed-config: the network's signed policy, and who has it.

import ManagementAPI

extension APIService {
    func getDistributedConfig() throws(Problem) -> Answer {
        guard let config = router.distributedConfig() else { throw Problem(.noDistributedConfig) }
        return .json(config.json, etag: "\"\(config.hash)\"")
    }

    func downloadDistributedConfig() throws(Problem) -> Answer {
        guard let blob = router.distributedConfigBlob() else { throw Problem(.noDistributedConfig) }
        let etag = "\"\(Hex.text(environment.sha256(blob).prefix(8)))\""
        return Answer(body: .bytes(blob, type: "application/octet-stream"), etag: etag)
    }

    func listDistributedConfigPeers(_ call: APICall) throws(Problem) -> Answer {
        try Page(call).answer(sorting: router.distributedConfigPeers(), eventID: router.eventID) {
            Name.folded($0.peer.name ?? "") + "\u{0}" + $0.peer.id.description
        }
    }

    func checkPolicy(_ call: APICall) throws(Problem) -> Answer {
        let node = try call.required("node", try call.text("node", length: 1...253))
        let prefix = try call.required("prefix", try call.prefix("prefix"))
        if let flaw = Name.flaw(inPeer: node) { throw .parameter("node", code: "not_a_name", flaw) }
        return .json(router.checkPolicy(node: node, prefix: prefix).json)
    }

    func uploadDistributedConfig(_ call: APICall, _ done: @escaping (Outcome) -> Void) {
        enqueue(done) { [router] answer throws(Problem) in
            guard !call.request.body.isEmpty else { throw Problem(.badRequest, "the body is empty") }
            let options = try call.writeOptions()
            router.uploadDistributedConfig(call.request.body, options: options) { result in
                answer(
                    result.map { plan in
                        Answer(
                            body: .json(plan.json), etag: "\"\(plan.candidate.hash)\"",
                            isChanged: plan.isChanged && !plan.isDryRun, pointers: ["/distributed_config"])
                    })
            }
        }
    }
}
