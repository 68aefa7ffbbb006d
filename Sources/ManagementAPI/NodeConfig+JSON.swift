// The configuration's two forms of JSON.
//
// `json` is the API's: what GET answers and PUT takes, every default said, members without a value left out (null in
// a PUT is refused). `fileJSON` is the file's: v1 reads it too, so a peer has one entry per address, defaults are left
// out, and unknown members stand where they stood (api.md 2.7).

import JSON
import Routing

extension NodeConfig: JSONWritable {
    package var json: JSONValue {
        var object: JSONObject = [
            "listen_addr": listenAddress.json, "ca": ca.json, "cert": certificate.json, "private_key": privateKey.json,
        ]
        if let serverName { object["server_name"] = serverName.json }
        if let stateDirectory { object["state_dir"] = stateDirectory.json }
        object["external_peer_certs"] = externalPeerCertificates.json
        object["local_announcements"] = announcements.json
        object["peers"] = peers.json
        object["blocked_peers"] = blockedPeers.json
        object["vifs"] = .object(JSONObject(vifs.map { ($0.name, $0.json) }))
        if let logLevel { object["log"] = .object(["level": logLevel.json]) }
        if hasAPIBlock { object["api"] = api.json }
        return .object(object)
    }

    /// The document for the file. Reading it again gives an equal value.
    package var fileJSON: JSONValue {
        var object: JSONObject = [
            "listen_addr": listenAddress.json, "ca": ca.json, "cert": certificate.json, "private_key": privateKey.json,
        ]
        if let serverName { object["server_name"] = serverName.json }
        if let stateDirectory { object["state_dir"] = stateDirectory.json }
        if !externalPeerCertificates.isEmpty { object["external_peer_certs"] = externalPeerCertificates.json }
        if !announcements.isEmpty { object["local_announcements"] = .array(announcements.map(\.fileJSON)) }
        if !peers.isEmpty { object["peers"] = .array(peers.flatMap(\.fileEntries)) }
        if !blockedPeers.isEmpty { object["blocked_peers"] = blockedPeers.json }
        if !vifs.isEmpty { object["vifs"] = .object(JSONObject(vifs.map { ($0.name, $0.fileJSON) })) }
        var log = JSONObject()
        if let logLevel { log["level"] = logLevel.json }
        for member in extras["log"]?.objectValue?.members ?? [] { log[member.key] = member.value }
        if !log.isEmpty { object["log"] = .object(log) }
        if hasAPIBlock { object["api"] = api.json }
        for member in extras.members where member.key != "log" { object[member.key] = member.value }
        return .object(object)
    }
}

extension PeerConfig: JSONWritable {
    package var json: JSONValue {
        var object: JSONObject = [
            "name": name.json, "addrs": addresses.json, "udp": udp.json, "insecure_udp": insecureUDP.json,
            "enabled": isEnabled.json,
        ]
        if let importEntries { object["import"] = importEntries.map(\.description).json }
        if let exportEntries { object["export"] = exportEntries.map(\.description).json }
        if let maximumPrefixes { object["max_prefixes"] = maximumPrefixes.json }
        if let fingerprint { object["fingerprint_sha256"] = fingerprint.json }
        return .object(object)
    }

    /// One entry per address, as v1 reads them.
    var fileEntries: [JSONValue] {
        addresses.map { address in
            var object: JSONObject = ["addr": address.json, "name": name.json]
            if udp { object["udp"] = true }
            if insecureUDP { object["insecure_udp"] = true }
            if !isEnabled { object["enabled"] = false }
            if let importEntries { object["import"] = importEntries.map(\.description).json }
            if let exportEntries { object["export"] = exportEntries.map(\.description).json }
            if let maximumPrefixes { object["max_prefixes"] = maximumPrefixes.json }
            if let fingerprint { object["fingerprint_sha256"] = fingerprint.json }
            for member in extras.members { object[member.key] = member.value }
            return .object(object)
        }
    }
}

extension VifConfig: JSONWritable {
    package var json: JSONValue { .object(members) }

    var fileJSON: JSONValue {
        var object = members
        for member in extras.members { object[member.key] = member.value }
        return .object(object)
    }

    private var members: JSONObject {
        var object: JSONObject = ["type": kind.rawValue.json]
        if let tunName { object["tun_name"] = tunName.json }
        if let serviceName { object["service_name"] = serviceName.json }
        if let serviceNetwork { object["service_network"] = serviceNetwork.json }
        if let serviceAddress { object["service_address"] = serviceAddress.json }
        if !addresses.isEmpty { object["addresses"] = addresses.map(\.description).json }
        if let mtu { object["mtu_bytes"] = mtu.json }
        return object
    }
}

extension AnnouncementConfig: JSONWritable {
    /// `vif` is null for a discard route: here null has a meaning, so it is said.
    package var json: JSONValue { .object(["prefix": prefix.json, "vif": vif.json]) }

    var fileJSON: JSONValue {
        var object: JSONObject = ["prefix": prefix.json]
        if let vif { object["vif"] = vif.json }
        for member in extras.members { object[member.key] = member.value }
        return .object(object)
    }
}

extension BlockedPeerConfig: JSONWritable {
    package var json: JSONValue {
        var object: JSONObject = ["id": id.json]
        if let reason { object["reason"] = reason.json }
        return .object(object)
    }
}

extension APIConfig: JSONWritable {
    package var json: JSONValue {
        .object([
            "listen": listeners.json, "clients": clients.json, "allowed_hosts": allowedHosts.json,
            "persist": persistence.rawValue.json, "metrics_public": isMetricsPublic.json, "console": hasConsole.json,
            "auth_failures_per_minute": authFailuresPerMinute.json,
        ])
    }
}

extension APIConfig.Listener: JSONWritable {
    package var json: JSONValue {
        switch self {
        case .unix(let path, let mode, let group, let role):
            let digits = String(mode & 0o777, radix: 8)
            let text = String(repeating: "0", count: 4 - digits.count) + digits
            var object: JSONObject = ["unix": path.json, "mode": text.json]
            if let group { object["group"] = group.json }
            object["role"] = role.rawValue.json
            return .object(object)
        case .tcp(let address, let tls):
            var object: JSONObject = ["tcp": address.json]
            if let tls {
                var files: JSONObject = ["cert": tls.certificate.json, "key": tls.key.json]
                if let clientCA = tls.clientCA { files["client_ca"] = clientCA.json }
                object["tls"] = .object(files)
            }
            return .object(object)
        }
    }
}

extension APIConfig.Client: JSONWritable {
    package var json: JSONValue {
        .object(["fingerprint_sha256": fingerprint.json, "name": name.json, "role": role.rawValue.json])
    }
}
