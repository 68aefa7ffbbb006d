// The control loop and the data plane: which packets go where is decided here and carried out there.
//
// FIB changes gather for up to 20 ms and leave as one snapshot; facts about links and prefixes leave with them.
// Packets cross in batches, both ways.

import Logging
import ManagementAPI
import Mesh
import Platform
import Routing

extension ControlLoop {
    /// v1 nodes read packets into 1,500 bytes; what is larger vanishes there, so it is refused here, with an error that
    /// the sender understands.
    static let mtuOfV1 = 1500

    func forward(_ packet: UnsafeRawBufferPointer, to number: UInt32) {
        if let link = links?.links[number] {
            link.sendPacket(packet)
        } else {
            counters.drop(DropReason.channelDown.rawValue)
        }
    }

    /// Links are flushed at the end of the turn.
    func forwarded() {}

    func vifsChanged() {
        for vif in plane.vifs where vif.kind != .dummy {
            let was = vifStates.updateValue(vif.isUp, forKey: vif.name)
            guard was != vif.isUp, was != nil || !vif.isUp else { continue }
            if vif.isUp {
                log.notice("interface up", metadata: ["vif": "\(vif.name)"])
            } else {
                log.error("interface down", metadata: ["vif": "\(vif.name)", "cause": "\(vif.lastError ?? "-")"])
            }
        }
    }

    /// Links, their limits and our own prefixes, as the forwarder needs them.
    func forwardingPolicy() -> ForwardingPolicy {
        var facts: [LinkFacts] = []
        for link in (links?.links ?? [:]).values where link.isLive {
            var permitted: [Prefix]?
            // An external peer may only send what it may announce and has announced (RFC 3704's strict check).
            if link.trust == .externalPin { permitted = node.acceptedPrefixes(of: link.number) }
            facts.append(
                LinkFacts(
                    link: link.number, mtu: link.isOurs ? 0 : Self.mtuOfV1, permittedSources: permitted))
        }
        let own = configuration.running.announcements.map(\.prefix)
        let underlay = (links?.links ?? [:]).values.map(\.remoteAddress)
        return ForwardingPolicy(links: facts.sorted { $0.link < $1.link }, localPrefixes: own, underlay: underlay)
    }

    /// Interfaces that went, changed or came; undone if one cannot be had.
    func replaceVifs(from old: NodeConfig, to new: NodeConfig) throws(PlatformError) {
        let gone = old.vifs.filter { new.vif(named: $0.name) != $0 }
        let made = new.vifs.filter { old.vif(named: $0.name) != $0 }
        guard !gone.isEmpty || !made.isEmpty else { return }
        for vif in gone { if let number = vifs.number(of: vif.name) { plane.remove(number) } }
        do {
            for vif in made { try plane.add(vif.settings(number: vifs.number(for: vif.name))) }
        } catch {
            for vif in made {
                if let number = vifs.number(of: vif.name) { plane.remove(number) }
                if old.vif(named: vif.name) == nil { vifs.release(vif.name) }
            }
            for vif in gone { try? plane.add(vif.settings(number: vifs.number(for: vif.name))) }
            throw error
        }
        for vif in gone where new.vif(named: vif.name) == nil { vifs.release(vif.name) }
    }

    /// What interfaces dropped, and what found the way to the workers full.
    func planeDrops() -> [MetricsSnapshot.Drop] {
        var sums: [String: UInt64] = [:]
        for vif in plane.vifs {
            for drop in vif.counters.drops {
                sums["\(drop.direction.rawValue) \(drop.reason.rawValue)", default: 0] &+= drop.packets
            }
        }
        for link in (links?.links ?? [:]).keys {
            for drop in plane.counters(of: link)?.drops ?? [] {
                sums["\(drop.direction.rawValue) \(drop.reason.rawValue)", default: 0] &+= drop.packets
            }
        }
        sums["rx queue_full", default: 0] &+= plane.refusedFromPeers
        return sums.sorted { $0.key < $1.key }.map { key, packets in
            let words = key.split(separator: " ").map(String.init)
            return .init(direction: words[0], reason: words[1], packets: packets)
        }
    }
}

extension VifConfig {
    /// As the data plane asks for it.
    func settings(number: Int) -> VifSettings {
        let kind: VifSettings.Kind
        switch self.kind {
        case .tun:
            kind = .tun(
                interface: tunName ?? name,
                addresses: addresses.compactMap {
                    Platform.InterfaceAddress(bytes: $0.address.bytes, length: $0.length)
                },
                mtu: mtu)
        case .service: kind = .service(address: serviceAddress ?? "")
        case .dummy: kind = .dummy
        }
        return VifSettings(index: number, name: name, kind: kind)
    }
}
