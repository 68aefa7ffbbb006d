// /v1/config: the document, its state, and how a part of it is changed.

import HTTP
import JSON
import ManagementAPI

/// `source` of GET /v1/config.
enum ConfigView: String, CaseIterable {
    case running, file, effective
}

/// A write to one item of the document.
struct ItemWrite {
    /// The item in the API's form; nil where there is none.
    var current: (NodeConfig) -> JSONValue?
    /// The edit, made from the configuration as it is when the write's turn has come, and warnings about it.
    var edit: (NodeConfig) throws(Problem) -> (edit: ConfigEdit, warnings: [String])
}

extension APIService {
    func getConfig(_ call: APICall) throws(Problem) -> Answer {
        switch try call.choice("source", of: ConfigView.self) ?? .running {
        case .running:
            return .json(router.runningConfig.json, etag: configETag(revision: router.configStatus().revision))
        case .effective: return .json(router.effectiveConfig.json, etag: etag(of: router.effectiveConfig.json))
        case .file:
            let json = try router.fileConfig().get().json
            return .json(json, etag: etag(of: json))
        }
    }

    func getConfigStatus() -> Answer {
        var status = router.configStatus()
        status.etag = configETag(revision: status.revision)
        return .json(status.json)
    }

    func reloadConfig(_ call: APICall, _ done: @escaping (Outcome) -> Void) {
        enqueue(done) { [router] answer throws(Problem) in
            router.reloadConfig(options: try call.writeOptions()) { result in
                answer(result.mapError(Self.problem).map { .applied($0) })
            }
        }
    }

    // MARK: Shared by the items

    func etag(of value: JSONValue) -> String { Preconditions.etag(of: value, sha256: environment.sha256) }

    /// The running document's: its revision and its hash, so that going back is a change too.
    func configETag(revision: UInt64) -> String {
        if let known = knownConfigETag, known.revision == revision { return known.text }
        let hash = Hex.text(environment.sha256(router.runningConfig.json.canonicalized()).prefix(4))
        let text = "\"r\(revision)-\(hash)\""
        knownConfigETag = (revision, text)
        return text
    }

    func item(_ value: JSONValue?, orThrow problem: Problem) throws(Problem) -> Answer {
        guard let value else { throw problem }
        return .json(value, etag: etag(of: value))
    }

    func list(_ items: [JSONValue]) -> Answer {
        let value = JSONValue.object(["items": .array(items)])
        return .json(value, etag: etag(of: value))
    }

    /// Preconditions, edit, plan, apply. A reload by signal may come between plan and apply; then it is done again.
    func write(_ call: APICall, _ write: ItemWrite, _ done: @escaping (Outcome) -> Void) {
        enqueue(done) { [self] answer throws(Problem) in
            try attempt(call, write, options: try call.writeOptions(), attemptsLeft: 3, answer)
        }
    }

    private func attempt(
        _ call: APICall, _ write: ItemWrite, options: WriteOptions, attemptsLeft: Int,
        _ answer: @escaping (Outcome) -> Void
    ) throws(Problem) {
        let status = router.configStatus()
        let running = router.runningConfig
        let before = write.current(running)
        try Preconditions.check(call.request.headers, current: before.map(etag))
        let (edit, warnings) = try write.edit(running)
        let proposed = running.applying(edit)
        let flaws = proposed.referenceIssues()
        guard flaws.isEmpty else { throw .invalid(flaws) }
        let changes = running.differences(to: proposed)
        let after = write.current(proposed)
        guard !changes.isEmpty else {
            let result = ApplyResultBody(
                isChanged: false, isDryRun: options.isDryRun, revision: status.revision,
                isPersisted: status.runningMatchesFile, warnings: warnings)
            answer(.success(.applied(result, etag: after.map(etag))))
            return
        }
        let change = ConfigChange(baseRevision: status.revision, proposed: proposed, changes: changes)
        router.apply(change, options: options) { [self] result in
            switch result {
            case .success(var applied):
                if applied.changes.isEmpty { applied.changes = changes }
                applied.warnings += warnings
                let isCreated = before == nil && after != nil && !options.isDryRun
                answer(.success(.applied(applied, status: isCreated ? 201 : 200, etag: after.map(etag))))
            case .failure(.staleConfigChange) where attemptsLeft > 1:
                do throws(Problem) {
                    try attempt(call, write, options: options, attemptsLeft: attemptsLeft - 1, answer)
                } catch {
                    answer(.failure(error))
                }
            case .failure(let failure):
                answer(.failure(Self.problem(failure)))
            }
        }
    }

    static func problem(_ failure: WriteFailure) -> Problem {
        switch failure {
        case .refused(let problem): problem
        case .staleConfigChange:
            Problem(.tooManyRequests, "the configuration is being changed by others", retryAfterSeconds: 1)
        }
    }
}
