// What a change of the configuration does beyond the document: sessions, routes, interfaces, and what has to wait for
// a restart. Pure, so that a dry run and the change itself say the same.

import ManagementAPI

/// The consequences of a change.
enum ConfigurationPlan {
    /// In a fixed order: peers, routes, interfaces, restarts.
    static func effects(from old: NodeConfig, to new: NodeConfig) -> [EffectBody] {
        var effects: [EffectBody] = []
        for peer in new.peers {
            let before = old.peer(named: peer.name)
            guard before != peer else { continue }
            if !peer.isEnabled {
                if before?.isEnabled == true { effects.append(EffectBody(.peerDisconnect, peer.name)) }
            } else if before?.isEnabled != true, !peer.addresses.isEmpty {
                effects.append(EffectBody(.peerConnect, peer.name))
            }
        }
        for peer in old.peers where new.peer(named: peer.name) == nil {
            effects.append(EffectBody(.peerDisconnect, peer.name))
        }
        for route in new.announcements where old.announcement(of: route.prefix) == nil {
            effects.append(EffectBody(.routeAnnounce, "\(route.prefix)"))
        }
        for route in old.announcements where new.announcement(of: route.prefix) == nil {
            effects.append(EffectBody(.routeWithdraw, "\(route.prefix)"))
        }
        for vif in old.vifs where new.vif(named: vif.name) != vif { effects.append(EffectBody(.vifRemove, vif.name)) }
        for vif in new.vifs where old.vif(named: vif.name) != vif { effects.append(EffectBody(.vifCreate, vif.name)) }
        return effects + restarts(from: old, to: new).map { EffectBody(.restartRequired, $0) }
    }

    /// Members that differ and are read at the start only.
    static func restarts(from old: NodeConfig, to new: NodeConfig) -> [String] {
        var (former, api) = (old.api, new.api)
        // Read anew with every write.
        former.persistence = .auto
        api.persistence = .auto
        return [
            ("listen_addr", old.listenAddress == new.listenAddress),
            ("state_dir", old.stateDirectory == new.stateDirectory), ("api", former == api),
        ].filter { !$0.1 }.map(\.0)
    }
}
