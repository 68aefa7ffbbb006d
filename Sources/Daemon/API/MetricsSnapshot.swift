// The numbers that /metrics needs and no other answer holds. The control loop fills one in per scrape.

/// Counters and gauges beside those of status, peers, vifs, certificates and distributed config.
package struct MetricsSnapshot: Sendable, Equatable {
    /// Per peer, by the name under which GET /v1/peers lists it.
    package struct Peer: Sendable, Equatable {
        package var name: String
        package var sessionStartedAtSeconds: Double?
        package var probesSent: UInt64 = 0
        package var probesLost: UInt64 = 0
        /// Result (`ok`, or a dial failure's token) → attempts.
        package var connectAttempts: [String: UInt64] = [:]
        /// Close reason's token → sessions ended.
        package var sessionEnds: [String: UInt64] = [:]
        /// Route reason's token → announcements refused.
        package var rejectedAnnouncements: [String: UInt64] = [:]
        /// Channel (`stream`, `udp`) → traffic.
        package var traffic: [String: Traffic] = [:]
        package var channelSwitches: UInt64 = 0

        package init(name: String) { self.name = name }
    }

    /// Packets and their bytes since the start.
    package struct Traffic: Sendable, Equatable {
        package var receivedBytes: UInt64 = 0
        package var receivedPackets: UInt64 = 0
        package var sentBytes: UInt64 = 0
        package var sentPackets: UInt64 = 0
        package init() {}
    }

    /// Packets dropped by no peer in particular.
    package struct Drop: Sendable, Equatable {
        package var direction: String
        package var reason: String
        package var packets: UInt64

        package init(direction: String, reason: String, packets: UInt64) {
            self.direction = direction
            self.reason = reason
            self.packets = packets
        }
    }

    package var peers: [Peer] = []
    /// Kind (`selected`, `withdrawn`, `rejected`) → changes since the start.
    package var routeChanges: [String: UInt64] = [:]
    package var drops: [Drop] = []
    /// How late the event loop's last timer was, seconds.
    package var loopLagSeconds: Double = 0
    /// Queue's name → packets waiting.
    package var queuePackets: [String: UInt64] = [:]
    /// Open connections of the management API by listener and protocol (`http/1.1`, `h2`).
    package var apiConnections: [APIConnections] = []
    /// Of the process: user plus system CPU seconds, virtual memory, start time. Nil: not known.
    package var processCPUSeconds: Double?
    package var processVirtualBytes: UInt64?
    package var processStartTimeSeconds: Double?

    /// Connections of one listener that speak one protocol.
    package struct APIConnections: Sendable, Equatable {
        package var listener: String
        package var httpProtocol: String
        package var count: UInt64

        package init(listener: String, httpProtocol: String, count: UInt64) {
            self.listener = listener
            self.httpProtocol = httpProtocol
            self.count = count
        }
    }

    package init() {}
}
