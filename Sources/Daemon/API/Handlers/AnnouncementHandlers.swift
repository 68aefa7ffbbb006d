// /v1/config/announcements: the prefixes that this node announces. The path names the prefix; equal prefixes in other
// spellings are the same item (case C29).

import JSON
import ManagementAPI
import Routing

extension APIService {
    func listAnnouncements() -> Answer {
        list(router.runningConfig.announcements.sorted { $0.prefix < $1.prefix }.map(\.json))
    }

    func getAnnouncement(_ call: APICall) throws(Problem) -> Answer {
        let prefix = try call.pathPrefix()
        return try item(
            router.runningConfig.announcement(of: prefix)?.json,
            orThrow: Problem(.notFound, "\(prefix) is not announced"))
    }

    func putAnnouncement(_ call: APICall, _ done: @escaping (Outcome) -> Void) {
        writeAnnouncement(call, done) { prefix, running throws(Problem) in
            var config = ConfigReader(source: .request)
            var reader = JSONObjectReader(try call.jsonBody())
            let read = config.announcement(&reader, defaultPrefix: prefix)
            if let read, read.prefix != prefix {
                reader.report(
                    "prefix", code: "prefix_mismatch", detail: "must be the prefix in the path, or be left out")
            }
            if let vif = read?.vif, running.vif(named: vif) == nil {
                reader.report("vif", code: "unknown_vif", detail: "there is no such interface in vifs")
            }
            let issues = reader.finish()
            guard issues.isEmpty, let announcement = read else { throw .invalid(issues) }
            return .putAnnouncement(announcement)
        }
    }

    func deleteAnnouncement(_ call: APICall, _ done: @escaping (Outcome) -> Void) {
        writeAnnouncement(call, done) { prefix, running throws(Problem) in
            guard running.announcement(of: prefix) != nil else {
                throw Problem(.notFound, "\(prefix) is not announced")
            }
            return .removeAnnouncement(prefix)
        }
    }

    private func writeAnnouncement(
        _ call: APICall, _ done: @escaping (Outcome) -> Void,
        _ edit: @escaping (Prefix, NodeConfig) throws(Problem) -> ConfigEdit
    ) {
        let prefix: Prefix
        do throws(Problem) {
            prefix = try call.pathPrefix()
        } catch {
            done(.failure(error))
            return
        }
        let itemWrite = ItemWrite(
            current: { $0.announcement(of: prefix)?.json },
            edit: { running throws(Problem) in (try edit(prefix, running), []) })
        write(call, itemWrite, done)
    }
}
