// Which metrics there are (api.md 2.9), and where their numbers come from. Labels are names from closed vocabularies
// or of configured things; never a prefix, so that the number of series is bounded by the configuration.

import ManagementAPI

extension APIService {
    /// GET /metrics.
    func metricsText() -> String {
        let snapshot = router.metrics()
        let status = router.status()
        // Two inbound peers may claim one name; a label set must not stand twice.
        var names: Set<String> = []
        let peers = router.peers().sorted { ($0.name, $0.id?.description ?? "") < ($1.name, $1.id?.description ?? "") }
            .filter { names.insert($0.name).inserted }
        return MetricsText.write(
            nodeFamilies(status, snapshot) + peerFamilies(peers) + sessionFamilies(snapshot)
                + tableFamilies(status, snapshot)
                + vifFamilies() + certificateFamilies(status) + configFamilies() + apiFamilies(snapshot))
    }

    private typealias Sample = MetricFamily.Sample

    private func nodeFamilies(_ status: StatusBody, _ snapshot: MetricsSnapshot) -> [MetricFamily] {
        [
            MetricFamily(
                "vmesh_build_info", .gauge, "Version of the daemon; always 1.",
                [Sample(labels: [("version", status.version), ("commit", status.commit)], value: 1)]),
            MetricFamily(
                "vmesh_node_info", .gauge, "Identity of this node; always 1.",
                [Sample(labels: [("node_id", status.id.description), ("name", status.name)], value: 1)]),
            MetricFamily(
                "process_cpu_seconds_total", .counter, "User and system CPU time spent.",
                value: snapshot.processCPUSeconds),
            MetricFamily(
                "process_resident_memory_bytes", .gauge, "Resident memory.", value: Double(status.residentBytes)),
            MetricFamily(
                "process_virtual_memory_bytes", .gauge, "Virtual memory.",
                value: snapshot.processVirtualBytes.map { Double($0) }),
            MetricFamily("process_open_fds", .gauge, "Open file descriptors.", value: Double(status.openDescriptors)),
            MetricFamily(
                "process_max_fds", .gauge, "Limit of open file descriptors.", value: Double(status.maximumDescriptors)),
            MetricFamily(
                "process_start_time_seconds", .gauge, "Start of the process since the Unix epoch.",
                value: snapshot.processStartTimeSeconds),
            MetricFamily(
                "vmesh_loop_lag_seconds", .gauge, "How late the control loop's last timer was.",
                value: snapshot.loopLagSeconds),
            MetricFamily(
                "vmesh_queue_packets", .gauge, "Packets waiting in a queue.",
                snapshot.queuePackets.sorted { $0.key < $1.key }.map {
                    Sample(labels: [("queue", $0.key)], value: Double($0.value))
                }),
        ]
    }

    private func peerFamilies(_ peers: [PeerBody]) -> [MetricFamily] {
        func gauge(_ name: String, _ help: String, _ value: (PeerBody) -> Double?) -> MetricFamily {
            MetricFamily(
                name, .gauge, help,
                peers.compactMap { peer in value(peer).map { Sample(labels: [("peer", peer.name)], value: $0) } })
        }
        return [
            gauge("vmesh_peer_up", "1 while a session with the peer is established.") { $0.status == .up ? 1 : 0 },
            MetricFamily(
                "vmesh_peer_info", .gauge, "Identity of a connected peer; always 1.",
                peers.compactMap { peer in
                    guard let id = peer.id, peer.status == .up else { return nil }
                    let version = peer.protocolVersion.map(String.init) ?? ""
                    return Sample(
                        labels: [
                            ("peer", peer.name), ("peer_id", id.description), ("trust", peer.trust ?? ""),
                            ("protocol", version),
                        ], value: 1)
                }),
            gauge("vmesh_peer_rtt_seconds", "Mean round-trip time of the control stream.") {
                $0.latency.mean.map { $0 / 1000 }
            },
            gauge("vmesh_peer_jitter_seconds", "Jitter of the round-trip time.") {
                $0.latency.jitter.map { $0 / 1000 }
            },
            gauge("vmesh_peer_probe_loss_ratio", "Lost probes of the last window, 0 to 1.") {
                $0.latency.samples > 0 ? $0.latency.lossRatio : nil
            },
            MetricFamily(
                "vmesh_peer_channel_active", .gauge, "1 for the channel that carries packets to the peer.",
                peers.filter { $0.dataChannel.kind != "none" }.map {
                    Sample(
                        labels: [("peer", $0.name), ("kind", $0.dataChannel.kind)],
                        value: $0.dataChannel.status == "active" ? 1 : 0)
                }),
            MetricFamily(
                "vmesh_peer_prefixes", .gauge, "Prefixes exchanged with the peer.",
                peers.filter { $0.status == .up }.flatMap { peer in
                    [
                        ("received", peer.prefixes.received), ("accepted", peer.prefixes.accepted),
                        ("rejected", peer.prefixes.rejected), ("advertised", peer.prefixes.advertised),
                    ].map { Sample(labels: [("peer", peer.name), ("status", $0.0)], value: Double($0.1)) }
                }),
            MetricFamily(
                "vmesh_peer_dropped_packets_total", .counter, "Packets of or for the peer that were dropped.",
                peers.flatMap { peer in
                    peer.counters.drops.map { drop in
                        Sample(
                            labels: [("peer", peer.name), ("direction", drop.direction), ("reason", drop.reason)],
                            value: Double(drop.packets))
                    }
                }),
            gauge("vmesh_distributed_config_peer_in_sync", "1 where the peer has the same distributed config.") {
                $0.status == .up ? ($0.configSync.status == "in_sync" ? 1 : 0) : nil
            },
        ]
    }

    private func sessionFamilies(_ snapshot: MetricsSnapshot) -> [MetricFamily] {
        let peers = snapshot.peers.sorted { $0.name < $1.name }
        func counter(_ name: String, _ help: String, _ value: (MetricsSnapshot.Peer) -> UInt64) -> MetricFamily {
            MetricFamily(
                name, .counter, help, peers.map { Sample(labels: [("peer", $0.name)], value: Double(value($0))) })
        }
        func counters(
            _ name: String, _ label: String, _ help: String, _ values: (MetricsSnapshot.Peer) -> [String: UInt64]
        ) -> MetricFamily {
            MetricFamily(
                name, .counter, help,
                peers.flatMap { peer in
                    values(peer).sorted { $0.key < $1.key }.map {
                        Sample(labels: [("peer", peer.name), (label, $0.key)], value: Double($0.value))
                    }
                })
        }
        return [
            MetricFamily(
                "vmesh_peer_session_start_time_seconds", .gauge, "Start of the session since the Unix epoch.",
                peers.compactMap { peer in
                    peer.sessionStartedAtSeconds.map { Sample(labels: [("peer", peer.name)], value: $0) }
                }),
            counter("vmesh_peer_probes_sent_total", "Probes sent to the peer.", \.probesSent),
            counter("vmesh_peer_probes_lost_total", "Probes that the peer did not answer.", \.probesLost),
            counter(
                "vmesh_peer_channel_switches_total", "Changes of the channel that carries packets.", \.channelSwitches),
            counters("vmesh_peer_connect_attempts_total", "result", "Attempts to dial the peer.", \.connectAttempts),
            counters("vmesh_peer_session_ends_total", "reason", "Sessions that ended.", \.sessionEnds),
            counters(
                "vmesh_rejected_announcements_total", "reason", "Announced routes that were refused.",
                \.rejectedAnnouncements),
            counters("vmesh_peer_receive_bytes_total", "channel", "Bytes of packets received from the peer.") {
                $0.traffic.mapValues(\.receivedBytes)
            },
            counters("vmesh_peer_receive_packets_total", "channel", "Packets received from the peer.") {
                $0.traffic.mapValues(\.receivedPackets)
            },
            counters("vmesh_peer_transmit_bytes_total", "channel", "Bytes of packets sent to the peer.") {
                $0.traffic.mapValues(\.sentBytes)
            },
            counters("vmesh_peer_transmit_packets_total", "channel", "Packets sent to the peer.") {
                $0.traffic.mapValues(\.sentPackets)
            },
        ]
    }

    private func tableFamilies(_ status: StatusBody, _ snapshot: MetricsSnapshot) -> [MetricFamily] {
        let routes = status.routes
        return [
            MetricFamily(
                "vmesh_routes", .gauge, "Routes in the table by kind.",
                [
                    ("prefixes", routes.prefixes), ("candidates", routes.candidates), ("selected", routes.selected),
                    ("rejected", routes.rejected), ("local", routes.local),
                ].map { Sample(labels: [("kind", $0.0)], value: Double($0.1)) }),
            MetricFamily(
                "vmesh_route_changes_total", .counter, "Changes of the table by kind.",
                snapshot.routeChanges.sorted { $0.key < $1.key }.map {
                    Sample(labels: [("kind", $0.key)], value: Double($0.value))
                }),
            MetricFamily(
                "vmesh_dropped_packets_total", .counter, "Packets dropped by this router.",
                snapshot.drops.map {
                    Sample(labels: [("direction", $0.direction), ("reason", $0.reason)], value: Double($0.packets))
                }),
        ]
    }
}
