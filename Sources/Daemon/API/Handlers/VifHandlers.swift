// /v1/vifs: virtual interfaces as they run.

import ManagementAPI

extension APIService {
    func listVifs(_ call: APICall) throws(Problem) -> Answer {
        try Page(call).answer(sorting: router.vifs(), eventID: router.eventID, key: \.name)
    }

    func getVif(_ call: APICall) throws(Problem) -> Answer {
        let name = try call.pathText("name")
        guard let vif = router.vifs().first(where: { $0.name == name }) else {
            throw Problem(.notFound, "there is no such interface")
        }
        return .json(vif.json)
    }
}
