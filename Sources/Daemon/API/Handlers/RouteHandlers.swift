// /v1/routes, /v1/fib: what is known, what is used, and why.

import ManagementAPI
import Routing

extension APIService {
    func listRoutes(_ call: APICall) throws(Problem) -> Answer {
        let page = try Page(call)
        var query = RouteQuery()
        query.within = try call.prefix("within")
        query.covers = try call.address("covers")
        if let text = try call.text("peer", length: 1...253) {
            if let flaw = Name.flaw(inPeer: text) { throw .parameter("peer", code: "not_a_name", flaw) }
            query.peer = call.peerSelector(text)
        }
        query.source = try call.choice("source", of: CandidateBody.Source.self)
        query.isSelectedOnly = try call.flag("selected_only") ?? false
        let routes = router.routes(query, after: page.afterPrefix, limit: page.limit + 1)
        return page.answer(routes, eventID: router.eventID, prefix: \.prefix)
    }

    func lookupRoute(_ call: APICall) throws(Problem) -> Answer {
        let address = try call.required("address", try call.address("address"))
        return .json(router.lookup(address).json)
    }

    func getRoute(_ call: APICall) throws(Problem) -> Answer {
        guard let route = router.route(try call.pathPrefix()) else { throw Problem(.routeNotFound) }
        return .json(route.json)
    }

    func listFib(_ call: APICall) throws(Problem) -> Answer {
        let page = try Page(call)
        let entries = router.forwardingTable(after: page.afterPrefix, limit: page.limit + 1)
        return page.answer(entries, eventID: router.eventID, prefix: \.prefix)
    }
}
