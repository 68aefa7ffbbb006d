// The distributed config: the signed policy that the network's owner hands to one node and all nodes hand on.
//
// The same bytes are known by comparison, without any crypto. Others are verified (three in a burst, then one in 10 s a
// peer), and adopted if they are strictly newer by issue time, ties to the larger hash (B11, B13). What is issued more
// than five minutes ahead waits for its time (B12). What is in force stays so past its expiry (B14): there is an alarm,
// never "no policy". Whoever says something older is told ours.
import Routing
import Wire

/// The config in force and those on their way.
struct ConfigKeeper: Sendable {
    /// A verification under way.
    struct Question: Sendable {
        var config: SignedConfig
        /// The link that it came by; nil: the API.
        var link: LinkID?
        var token: UInt64?
    }

    private(set) var current: VerifiedConfig?
    private(set) var policy = PrefixPolicy()
    private(set) var content = PolicyContent()
    /// The newest ever adopted, also before this process.
    private(set) var mark: ConfigMark?
    var held: VerifiedConfig?
    var adoptedAt: Instant?
    var source: String?
    var isExpiryReported = false
    /// At most 64.
    var questions: [UInt64: Question] = [:]
    var lastNumber: UInt64 = 0

    /// What lies on the disk was verified when it came; one that does not parse any more counts as none.
    init(stored: VerifiedConfig?, mark: ConfigMark?) {
        self.mark = mark
        guard let stored, let content = try? PolicyContent.parse(stored.signed.content) else { return }
        adopt(stored, content)
    }

    var warnings: [String] { content.warnings.map(\.description) }

    mutating func adopt(_ config: VerifiedConfig, _ content: PolicyContent) {
        current = config
        self.content = content
        policy = PrefixPolicy(content.whitelist.mapValues { $0.map(PrefixPolicy.Entry.init) })
        mark = max(mark ?? config.mark, config.mark)
        isExpiryReported = false
        if let held, held.mark <= config.mark { self.held = nil }
    }
}

extension Node {
    private static var maximumQuestions: Int { 64 }

    // MARK: From peers

    mutating func receiveConfig(_ config: SignedConfig, _ place: Int) {
        sessions[place].config.lastReceived = now
        let isSame = config == configKeeper.current?.signed
        sessions[place].config.isSame = isSame
        if isSame || config == configKeeper.held?.signed || config == sessions[place].config.refused { return }
        if configKeeper.questions.values.contains(where: { $0.config == config }) { return }
        guard configKeeper.questions.count < Self.maximumQuestions, sessions[place].config.budget.take(at: now) else {
            return
        }
        ask(ConfigKeeper.Question(config: config, link: sessions[place].link, token: nil))
    }

    mutating func ask(_ question: ConfigKeeper.Question) {
        configKeeper.lastNumber &+= 1
        configKeeper.questions[configKeeper.lastNumber] = question
        effects.append(.verifyConfig(configKeeper.lastNumber, question.config, from: question.link))
    }

    // MARK: Verdicts

    mutating func configRejected(_ number: UInt64, _ rejection: ConfigRejection) {
        guard let question = configKeeper.questions.removeValue(forKey: number) else { return }
        refuse(question, reason: rejection.reason, detail: rejection.detail)
    }

    private mutating func refuse(_ question: ConfigKeeper.Question, reason: String, detail: String) {
        if let token = question.token {
            effects.append(.reply(token: token, .configInvalid(reason: reason, detail: detail)))
        }
        remember(question, mark: nil)
        notice(.configRejected(reason: reason), link: question.link)
    }

    private mutating func remember(_ question: ConfigKeeper.Question, mark: ConfigMark?) {
        guard let place = question.link.flatMap({ place(of: $0) }) else { return }
        sessions[place].config.refused = question.config
        sessions[place].config.mark = mark
    }

    mutating func configVerified(_ number: UInt64, _ config: VerifiedConfig) {
        guard let question = configKeeper.questions.removeValue(forKey: number) else { return }
        let content: PolicyContent
        do { content = try PolicyContent.parse(config.signed.content) } catch {
            return refuse(question, reason: "content_invalid", detail: "\(error)")
        }
        if let current = configKeeper.current, current.mark == config.mark {
            if let token = question.token { effects.append(.reply(token: token, .done(changed: false))) }
            return remember(question, mark: config.mark)
        }
        if let newest = configKeeper.mark, config.mark.issuedAt == newest.issuedAt, config.mark != newest {
            notice(.configConflict(issuedAt: newest.issuedAt), link: question.link)
        }
        // Without a config in force the newest ever adopted may come back.
        let isNewer = configKeeper.mark.map { config.mark > $0 || (configKeeper.current == nil && config.mark == $0) }
        guard isNewer ?? true else { return declineOlder(question, config) }
        if config.issuedAt > wallClock &+ tunables.configTolerance { return hold(question, config) }
        adopt(config, content, question)
    }

    private mutating func declineOlder(_ question: ConfigKeeper.Question, _ config: VerifiedConfig) {
        if let token = question.token { effects.append(.reply(token: token, .configNotNewer)) }
        remember(question, mark: config.mark)
        notice(.configOlder(issuedAt: config.issuedAt), link: question.link)
        // Whoever is behind is told at once.
        if let place = question.link.flatMap({ place(of: $0) }) { sessions[place].config.due = now }
    }

    /// B12: not refused for good, not remembered as the newest. Of several the one that is due first is held: a clock
    /// that stood in another century when it signed must not take the place of what comes in a minute.
    private mutating func hold(_ question: ConfigKeeper.Question, _ config: VerifiedConfig) {
        if configKeeper.held.map({ config.mark < $0.mark }) ?? true { configKeeper.held = config }
        if let token = question.token {
            effects.append(.reply(token: token, .configHeld(issuedAt: config.issuedAt)))
        }
        remember(question, mark: config.mark)
        notice(.configHeld(issuedAt: config.issuedAt), link: question.link)
    }

    private mutating func adopt(_ config: VerifiedConfig, _ content: PolicyContent, _ question: ConfigKeeper.Question) {
        let source = question.link.flatMap { place(of: $0) }
        configKeeper.adopt(config, content)
        configKeeper.adoptedAt = now
        configKeeper.source = source.map { peerRecords[sessions[$0].peer]?.name ?? sessions[$0].peer }
        effects.append(.persistConfig(config))
        judgeAgain()
        for place in sessions.indices {
            sessions[place].config.isSame = place == source
            // What was passed over for one that was due sooner is looked at again.
            if let mark = sessions[place].config.mark, mark > config.mark { sessions[place].config.refused = nil }
            sessions[place].config.due = place == source ? now.adding(milliseconds: tunables.configInterval) : now
        }
        if let source {
            sessions[source].config.budget.giveBack()
            sessions[source].config.mark = config.mark
        }
        notice(
            .configAdopted(
                hash: config.contentHash, issuedAt: config.issuedAt, warnings: configKeeper.warnings),
            link: question.link)
        if let token = question.token { effects.append(.reply(token: token, .done(changed: true))) }
        reportExpiredConfig()
    }

    // MARK: Timers

    mutating func runConfigTimers() {
        reportExpiredConfig()
        guard let held = configKeeper.held, held.issuedAt <= wallClock &+ tunables.configTolerance else { return }
        configKeeper.held = nil
        // Verified anew: what was valid then may be expired or revoked now.
        ask(ConfigKeeper.Question(config: held.signed, link: nil, token: nil))
    }

    /// B14: loud, once, and in force all the same.
    mutating func reportExpiredConfig() {
        guard let current = configKeeper.current, current.expiresAt <= wallClock, !configKeeper.isExpiryReported else {
            return
        }
        configKeeper.isExpiryReported = true
        notice(.configExpired(expiresAt: current.expiresAt))
    }

    /// Sends the config in force, at session start, when it is new, and every 30 s.
    mutating func tellConfig(_ place: Int) {
        guard let current = configKeeper.current, sessions[place].config.due <= now else { return }
        sessions[place].config.due = now.adding(milliseconds: tunables.configInterval)
        sessions[place].config.lastSent = now
        send(PeerMessage.distributedConfig(current.signed).encoded(), place)
    }

    package var distributedConfig: ConfigView {
        ConfigView(
            current: configKeeper.current, isExpired: (configKeeper.current?.expiresAt ?? .max) <= wallClock,
            adoptedAt: configKeeper.adoptedAt, source: configKeeper.source, held: configKeeper.held,
            highWaterMark: configKeeper.mark, warnings: configKeeper.warnings)
    }
}
