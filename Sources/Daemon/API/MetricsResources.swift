// The metrics of interfaces, certificates, configuration and of the API itself.

import ManagementAPI

extension APIService {
    private typealias Sample = MetricFamily.Sample

    func vifFamilies() -> [MetricFamily] {
        let vifs = router.vifs().sorted { $0.name < $1.name }
        func family(_ name: String, _ kind: MetricFamily.Kind, _ help: String, _ value: (VifBody) -> Double)
            -> MetricFamily
        {
            MetricFamily(name, kind, help, vifs.map { Sample(labels: [("vif", $0.name)], value: value($0)) })
        }
        return [
            family("vmesh_vif_up", .gauge, "1 while the interface is up.") { $0.isUp ? 1 : 0 },
            family("vmesh_vif_receive_bytes_total", .counter, "Bytes of packets read from the interface.") {
                Double($0.counters.receivedBytes)
            },
            family("vmesh_vif_receive_packets_total", .counter, "Packets read from the interface.") {
                Double($0.counters.receivedPackets)
            },
            family("vmesh_vif_transmit_bytes_total", .counter, "Bytes of packets written to the interface.") {
                Double($0.counters.sentBytes)
            },
            family("vmesh_vif_transmit_packets_total", .counter, "Packets written to the interface.") {
                Double($0.counters.sentPackets)
            },
        ]
    }

    func certificateFamilies(_ status: StatusBody) -> [MetricFamily] {
        // Two certificates of one role may have one name; the one that ends first is what an alarm needs.
        var ends: [[String]: Double] = [:]
        for certificate in router.certificates() {
            let key = [certificate.role.rawValue, certificate.commonName ?? ""]
            let end = Double(certificate.notAfter.milliseconds) / 1000
            ends[key] = min(ends[key] ?? end, end)
        }
        let policy = status.distributedConfig
        return [
            MetricFamily(
                "vmesh_certificate_not_after_timestamp_seconds", .gauge, "End of a certificate since the Unix epoch.",
                ends.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map {
                    Sample(labels: [("role", $0.key[0]), ("common_name", $0.key[1])], value: $0.value)
                }),
            MetricFamily(
                "vmesh_distributed_config_issued_timestamp_seconds", .gauge,
                "Issue time of the distributed config in force since the Unix epoch.",
                value: policy.map { Double($0.issuedAt.milliseconds) / 1000 }),
            MetricFamily(
                "vmesh_distributed_config_info", .gauge, "The distributed config in force; always 1.",
                policy.map { [Sample(labels: [("hash", $0.hash)], value: 1)] } ?? []),
        ]
    }

    func configFamilies() -> [MetricFamily] {
        let status = router.configStatus()
        return [
            MetricFamily(
                "vmesh_config_revision", .gauge, "Revision of the running configuration.",
                value: Double(status.revision)),
            MetricFamily(
                "vmesh_config_persisted", .gauge, "1 where the running configuration is the file's.",
                value: status.runningMatchesFile ? 1 : 0),
        ]
    }

    func apiFamilies(_ snapshot: MetricsSnapshot) -> [MetricFamily] {
        let requests = statistics.requests.sorted { ($0.key.operation, $0.key.code) < ($1.key.operation, $1.key.code) }
        return [
            MetricFamily(
                "vmesh_api_requests_total", .counter, "Requests to the management API.",
                requests.map {
                    Sample(
                        labels: [("operation", $0.key.operation), ("code", String($0.key.code))],
                        value: Double($0.value))
                }),
            MetricFamily(
                "vmesh_api_request_duration_seconds", .histogram, "Time to answer a request.",
                statistics.durations.sorted { $0.key < $1.key }.flatMap { Self.histogram($0.key, $0.value) }),
            MetricFamily(
                "vmesh_api_connections", .gauge, "Open connections of the management API.",
                snapshot.apiConnections.map {
                    Sample(labels: [("listener", $0.listener), ("protocol", $0.httpProtocol)], value: Double($0.count))
                }),
            MetricFamily(
                "vmesh_api_auth_failures_total", .counter, "Requests refused for who sent them or where from.",
                statistics.authFailures.sorted { $0.key < $1.key }.map {
                    Sample(labels: [("reason", $0.key)], value: Double($0.value))
                }),
        ]
    }

    private static func histogram(_ operation: String, _ durations: APIStatistics.Durations) -> [Sample] {
        var samples: [Sample] = []
        var total: UInt64 = 0
        for (index, count) in durations.counts.enumerated() {
            total += count
            let bound = index < APIStatistics.bounds.count ? Double(APIStatistics.bounds[index]) / 1000 : .infinity
            samples.append(
                Sample(
                    suffix: "_bucket", labels: [("operation", operation), ("le", MetricsText.number(bound))],
                    value: Double(total)))
        }
        let labels = [(name: "operation", value: operation)]
        samples.append(Sample(suffix: "_sum", labels: labels, value: Double(durations.sumMilliseconds) / 1000))
        samples.append(Sample(suffix: "_count", labels: labels, value: Double(total)))
        return samples
    }
}
