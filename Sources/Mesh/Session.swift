// A live link: everything that begins and ends with it.
import Routing
import Wire

/// The state of the one live link of a peer.
struct Session: Sendable {
    let link: LinkID
    let info: LinkInfo
    /// The key of its `PeerRecord`.
    let peer: String
    let openedAt: Instant
    /// Our own id as this link's handshake showed it: v1 holds the first hop of our paths against it.
    let ourID: NodeID
    /// The secret of our edge to the peer and what is said of it; revealed when the session ends.
    let edge: EdgeSecret
    let edgeToken: EdgeToken
    var liveness: Liveness
    /// Pongs that the peer may have of us: 20 a second, 40 at once (A17).
    var replies: Budget
    /// Revealed secrets that are looked at (A19).
    var causes: Budget
    var validator: OutboundValidator
    /// The round trip by which the RIB judges this peer's routes, microseconds.
    var judgedLatency: UInt64?
    /// The peer marks its announcements as our nodes do.
    var isMarked = false
    var isWritable = true
    var intake = Intake()
    var outgoing: Outgoing
    var config: ConfigExchange

    init(
        link: LinkID, info: LinkInfo, peer: String, ourID: NodeID, edge: EdgeSecret, now: Instant, tunables: Tunables,
        logEnd: Int
    ) {
        self.link = link
        self.info = info
        self.peer = peer
        self.ourID = ourID
        self.edge = edge
        edgeToken = edge.token
        openedAt = now
        liveness = Liveness(now: now)
        replies = Budget(burst: 40, intervalMilliseconds: 50, now: now)
        causes = Budget(burst: 200, intervalMilliseconds: 5, now: now)
        validator = OutboundValidator(sender: ourID)
        outgoing = Outgoing(now: now, logEnd: logEnd)
        config = ConfigExchange(now: now, tunables: tunables)
    }

    /// The peer runs our software.
    var isOurs: Bool { isMarked || info.isOurs }

    /// What the session keeps of what it hears.
    struct Intake: Sendable {
        /// Counts announcements of the whole table; see `RIBCandidate.round`.
        var round: UInt32 = 0
        /// Between the first part of a marked table and its end.
        var isInFull = false
        /// When the current round of a v1 peer ends unless more comes.
        var roundEnds: Instant?
        /// When paths came that do not begin with the peer (A3); at most ten.
        var badPaths: [Instant] = []
        /// 1: the peer's accepted routes reach four fifths of its limit; 2: the limit.
        var limitLevel = 0
    }

    /// What the session keeps of what it says.
    struct Outgoing: Sendable {
        /// What the peer was last told of each prefix, unless that was a withdrawal.
        var told: [Prefix: Told] = [:]
        /// The node's log of changes has been told up to here.
        var cursor: Int
        /// When the changes beyond the cursor are told.
        var batchDue: Instant?
        var lastBatch: Instant?
        /// When the whole table is told next.
        var fullDue: Instant
        /// A whole table has been begun and is told in parts; up to this prefix it is said.
        var isTellingAll = false
        var toldUpTo: Prefix?
        /// Our latency to the peer as the last whole table said it, microseconds.
        var toldLatency: UInt64?
        /// Counts whole tables, so that what was told before and is not in the newest can be found.
        var fullCount: UInt32 = 0

        init(now: Instant, logEnd: Int) {
            cursor = logEnd
            fullDue = now
        }
    }

    /// One route as the peer knows it from us.
    struct Told: Sendable {
        /// Hash of the ids of its path.
        var identity: UInt64
        /// Microseconds, our own latency to the peer included; nil: not measured then.
        var cost: UInt64?
        var fullCount: UInt32
    }

    /// The exchange of the distributed config with this peer.
    struct ConfigExchange: Sendable {
        var due: Instant
        var lastSent: Instant?
        var lastReceived: Instant?
        /// What the peer holds, as far as we verified it.
        var mark: ConfigMark?
        var isSame = false
        /// What it last sent that was of no use, so that the same bytes are not verified again.
        var refused: SignedConfig?
        var budget: Budget

        init(now: Instant, tunables: Tunables) {
            due = now
            budget = Budget(
                burst: tunables.verificationBurst, intervalMilliseconds: tunables.verificationInterval, now: now)
        }
    }
}

/// A new link that waits while an older one of the same peer is probed (A26).
struct PendingLink: Sendable {
    let link: LinkID
    let info: LinkInfo
    let peer: String
    /// The link that is probed.
    let rival: LinkID
    let openedAt: Instant
    /// The rival dies if nothing came from it by then.
    let deadline: Instant
    /// What came on it so far, for the time after.
    var messages: [PeerMessage] = []
    var bytes = 0
    var isWritable = true
}
