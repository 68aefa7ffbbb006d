// What must hold between the parts of a configuration, checked after each part was read or edited.

import JSON

extension NodeConfig {
    /// Dangling references, one issue each; empty: sound. Pointers are those of the API form.
    package func referenceIssues() -> [JSONIssue] {
        var issues: [JSONIssue] = []
        let names = Set(vifs.map(\.name))
        let list = JSONPointer.root.appending("local_announcements")
        for (index, announcement) in announcements.enumerated() {
            guard let vif = announcement.vif, !names.contains(vif) else { continue }
            issues.append(
                JSONIssue(
                    pointer: "\(list.appending(index).appending("vif"))", code: "unknown_vif",
                    detail: "there is no interface '\(vif)' in vifs"))
        }
        var devices: Set<String> = []
        for vif in vifs {
            guard let device = vif.tunName, !devices.insert(device).inserted else { continue }
            issues.append(
                JSONIssue(
                    pointer: "\(JSONPointer.root.appending("vifs").appending(vif.name).appending("tun_name"))",
                    code: "duplicate", detail: "another interface has the device '\(device)'"))
        }
        return issues
    }
}
