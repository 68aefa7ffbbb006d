// What a distributed config would change here: entries added and removed, routes that would come or go.

import ManagementAPI
import Mesh
import Routing
import Wire

struct UploadPlan {
    /// Routes named in an answer at most.
    static let maximumRoutes = 1000
    private let loop: ControlLoop

    init(_ loop: ControlLoop) { self.loop = loop }

    func plan(
        _ config: VerifiedConfig, _ candidate: DistributedConfigBody, isDryRun: Bool
    ) -> DistributedConfigPlanBody {
        let view = loop.node.distributedConfig
        let isSame = view.current?.mark == config.mark
        let isNewer = (view.highWaterMark ?? view.current?.mark).map { $0 < config.mark } ?? true
        let old = view.current.flatMap { try? PolicyContent.parse($0.signed.content) }
        let new = try? PolicyContent.parse(config.signed.content)
        let before = Set(Self.entries(old))
        let after = Set(Self.entries(new))
        var rejected: [Prefix] = []
        var accepted: [Prefix] = []
        if let new, !isSame { judge(by: new, &rejected, &accepted) }
        let own = PolicyContent.folded(loop.identity.name)
        return DistributedConfigPlanBody(
            isChanged: !isSame, isDryRun: isDryRun, isValid: true, isNewer: isSame || isNewer, candidate: candidate,
            added: after.subtracting(before).sorted(), removed: before.subtracting(after).sorted(),
            routesNewlyRejected: rejected, routesNewlyAccepted: accepted,
            isSelfAffected: old?.whitelist[own] != new?.whitelist[own])
    }

    static func notNewer(_ config: VerifiedConfig, _ view: Mesh.ConfigView) -> String {
        let held = view.highWaterMark ?? view.current?.mark
        return "signed at \(Timestamp(seconds: config.issuedAt)); this router holds one of "
            + "\(held.map { "\(Timestamp(seconds: $0.issuedAt))" } ?? "-"); sign it again"
    }

    private static func entries(_ policy: PolicyContent?) -> [String] {
        (policy?.whitelist ?? [:]).flatMap { name, entries in
            entries.isEmpty
                ? ["\(name) (nothing)"]
                : entries.map { entry in
                    entry.maximumLength == 128
                        ? "\(name) \(entry.prefix)" : "\(name) \(entry.prefix),max_prefix_len=\(entry.maximumLength)"
                }
        }
    }

    /// Candidates of internal peers under the new policy, against what they are now.
    private func judge(by policy: PolicyContent, _ rejected: inout [Prefix], _ accepted: inout [Prefix]) {
        // An external peer's grants are its own (import list, the policy's external part), not those of a name (B5).
        let external = Set(
            loop.node.peers(at: loop.now).filter { $0.info.map { $0.trust != .internalCA } ?? false }.map(\.name))
        var place: Prefix?
        repeat {
            let page = loop.node.routes(after: place, limit: 1000) { _ in true }
            for route in page.routes {
                let learned = route.candidates.filter { candidate in
                    candidate.local == nil && !(candidate.peerName.map(external.contains) ?? false)
                }
                let isLost = learned.contains { $0.status != .rejected && !Self.allows(policy, $0, route.prefix) }
                let isWon = learned.contains {
                    $0.status == .rejected && $0.reason.isPolicy && Self.allows(policy, $0, route.prefix)
                }
                if isLost, rejected.count < Self.maximumRoutes { rejected.append(route.prefix) }
                if isWon, accepted.count < Self.maximumRoutes { accepted.append(route.prefix) }
            }
            place = page.next
        } while place != nil
    }

    private static func allows(_ policy: PolicyContent, _ candidate: CandidateView, _ prefix: Prefix) -> Bool {
        guard let name = candidate.peerName.map(PolicyContent.folded) else { return true }
        guard let entries = policy.whitelist[name] else { return !policy.isDefaultDeny }
        return entries.contains { $0.allows(prefix) }
    }
}

extension RouteReason {
    /// Whether a policy said no.
    var isPolicy: Bool { self == .notWhitelisted || self == .maximumLengthExceeded }
}

/// "Would it be accepted?"
enum PolicyCheck {
    static func body(node: String, prefix: Prefix, policy: PolicyContent?) -> PolicyCheckBody {
        func answer(_ isAllowed: Bool, _ matched: PolicyEntry?, _ code: String, _ detail: String) -> PolicyCheckBody {
            PolicyCheckBody(
                node: node, prefix: prefix, isAllowed: isAllowed,
                matched: matched.map { "\($0.prefix),max_prefix_len=\($0.maximumLength)" },
                reason: ReasonBody(code: code, detail: detail))
        }
        guard let policy else { return answer(true, nil, "no_policy", "no distributed config is in force") }
        guard let entries = policy.whitelist[PolicyContent.folded(node)] else {
            return policy.isDefaultDeny
                ? answer(
                    false, nil, RouteReason.notWhitelisted.rawValue, "the node has no entry and the default is deny")
                : answer(true, nil, "not_filtered", "the node has no entry, so it is not filtered")
        }
        if let entry = entries.first(where: { $0.allows(prefix) }) {
            return answer(true, entry, "whitelisted", "covered by an entry")
        }
        if let entry = entries.first(where: { $0.prefix.covers(prefix) }) {
            return answer(
                false, entry, RouteReason.maximumLengthExceeded.rawValue,
                "covered, but longer than /\(entry.maximumLength)")
        }
        return answer(false, nil, RouteReason.notWhitelisted.rawValue, "no entry covers it")
    }
}
