// The parts of the configuration document: peers, virtual interfaces, announcements, blocked peers.
//
// v1's spellings, read from files only: several `peers` entries of one name (one address each), `addr` for `addrs`,
// announcements as plain strings, and one interface as `vif_type` and `vif_name` at the top.

import JSON
import Routing

extension ConfigReader {
    /// Bounds of a configuration: more is a mistake, not a mesh.
    package static var maximumPeers: Int { 4096 }
    package static var maximumVifs: Int { 256 }
    package static var maximumAnnouncements: Int { 65_536 }

    // MARK: Peers

    mutating func peers(_ reader: inout JSONObjectReader) -> [PeerConfig] {
        let array = reader.array("peers", optional, maximumCount: 4 * Self.maximumPeers) ?? []
        var peers: [PeerConfig] = []
        var places: [String: Int] = [:]
        for (index, value) in array.enumerated() {
            let pointer = reader.pointer(to: "peers").appending(index)
            guard var entry = element(value, at: pointer, of: &reader) else { continue }
            let peer = peer(&entry)
            reader.absorb(entry)
            guard let peer else { continue }
            guard let place = places[Name.folded(peer.name)] else {
                places[Name.folded(peer.name)] = peers.count
                peers.append(peer)
                continue
            }
            guard source == .file else {
                reader.report(pointer.appending("name"), code: "duplicate", detail: "another peer has this name")
                continue
            }
            merge(peer, into: &peers[place], at: pointer, &reader)
        }
        if peers.count > Self.maximumPeers {
            reader.report("peers", code: "too_long", detail: "must have at most \(Self.maximumPeers) peers")
        }
        return peers
    }

    /// v1's second entry of a name: one more address, and the same in everything else.
    private func merge(
        _ peer: PeerConfig, into first: inout PeerConfig, at pointer: JSONPointer, _ reader: inout JSONObjectReader
    ) {
        var same = peer
        same.addresses = first.addresses
        same.name = first.name
        guard same == first else {
            reader.report(
                pointer, code: "conflict",
                detail: "differs from the earlier entry of '\(first.name)' in more than its address")
            return
        }
        first.addresses += peer.addresses.filter { !first.addresses.contains($0) }
        if first.addresses.count > 16 {
            reader.report(pointer, code: "too_long", detail: "'\(first.name)' has more than 16 addresses")
        }
    }

    /// One peer. `name` missing is accepted where `defaultName` says it (the path of a PUT).
    package mutating func peer(_ reader: inout JSONObjectReader, defaultName: String? = nil) -> PeerConfig? {
        let name: String?
        if let defaultName, !reader.isPresent("name") { name = defaultName } else { name = peerName(&reader) }
        let addresses = self.addresses(&reader)
        var peer = PeerConfig(name: name ?? "", addresses: addresses ?? [])
        peer.udp = reader.bool("udp", .optional) ?? false
        peer.insecureUDP = reader.bool("insecure_udp", .optional) ?? false
        peer.isEnabled = reader.bool("enabled", .optional) ?? true
        peer.importEntries = entries(&reader, "import")
        peer.exportEntries = entries(&reader, "export")
        peer.maximumPrefixes = reader.int("max_prefixes", .optional, in: 1...65_536).map { Int($0) }
        peer.fingerprint = reader.string("fingerprint_sha256", .optional, length: 64...64)
        if let fingerprint = peer.fingerprint, !Name.isFingerprint(fingerprint) {
            reader.report("fingerprint_sha256", code: "not_a_fingerprint", detail: "must be 64 lower-case hex digits")
        }
        close(&reader, keeping: &peer.extras, under: nil)
        return name == nil || addresses == nil ? nil : peer
    }

    private func peerName(_ reader: inout JSONObjectReader) -> String? {
        guard let name = reader.string("name", length: 1...253) else { return nil }
        guard let flaw = Name.flaw(inPeer: name) else { return name }
        reader.report("name", code: "not_a_name", detail: flaw)
        return nil
    }

    private mutating func addresses(_ reader: inout JSONObjectReader) -> [String]? {
        if source == .file, !reader.isPresent("addrs") || reader.isPresent("addr") {
            if reader.isPresent("addrs") {
                reader.report("addr", code: "conflict", detail: "stands beside addrs; use one of them")
            }
            guard let text = reader.string("addr", length: 1...300) else { return nil }
            return address(text, at: reader.pointer(to: "addr"), &reader).map { [$0] }
        }
        guard let texts = reader.strings("addrs", maximumCount: 16) else { return nil }
        if texts.isEmpty { reader.report("addrs", code: "too_short", detail: "must have at least one address") }
        var addresses: [String] = []
        for (index, text) in texts.enumerated() {
            let pointer = reader.pointer(to: "addrs").appending(index)
            guard let address = address(text, at: pointer, &reader) else { continue }
            if addresses.contains(address) {
                reader.report(pointer, code: "duplicate", detail: "the address stands there already")
            }
            addresses.append(address)
        }
        return addresses.count == texts.count && !texts.isEmpty ? addresses : nil
    }

    private func address(_ text: String, at pointer: JSONPointer, _ reader: inout JSONObjectReader) -> String? {
        do throws(HostPort.Flaw) {
            return try HostPort(parsing: text).description
        } catch {
            reader.report(pointer, code: error.code, detail: error.detail)
            return nil
        }
    }

    private func entries(_ reader: inout JSONObjectReader, _ key: String) -> [PrefixEntry]? {
        guard let texts = reader.strings(key, .optional, maximumCount: 4096) else { return nil }
        var entries: [PrefixEntry] = []
        for (index, text) in texts.enumerated() {
            do throws(PrefixEntry.Flaw) {
                entries.append(try PrefixEntry(parsing: text))
            } catch {
                reader.report(reader.pointer(to: key).appending(index), code: error.code, detail: error.detail)
            }
        }
        return entries
    }

    // MARK: Announcements

    mutating func announcements(_ reader: inout JSONObjectReader) -> [AnnouncementConfig] {
        let array = reader.array("local_announcements", optional, maximumCount: Self.maximumAnnouncements) ?? []
        var announcements: [AnnouncementConfig] = []
        var seen: Set<Prefix> = []
        for (index, value) in array.enumerated() {
            let pointer = reader.pointer(to: "local_announcements").appending(index)
            let announcement: AnnouncementConfig?
            if source == .file, let text = value.stringValue {
                let prefix = prefix(text, at: pointer, &reader)
                announcement = prefix.map { AnnouncementConfig(prefix: $0, vif: oldVif) }
            } else {
                guard var entry = element(value, at: pointer, of: &reader) else { continue }
                announcement = self.announcement(&entry)
                reader.absorb(entry)
            }
            guard let announcement else { continue }
            guard seen.insert(announcement.prefix).inserted else {
                reader.report(pointer, code: "duplicate", detail: "\(announcement.prefix) is announced already")
                continue
            }
            announcements.append(announcement)
        }
        return announcements
    }

    /// One announcement. `prefix` missing is accepted where `defaultPrefix` says it (the path of a PUT).
    package mutating func announcement(
        _ reader: inout JSONObjectReader, defaultPrefix: Prefix? = nil
    ) -> AnnouncementConfig? {
        var prefix = defaultPrefix
        if defaultPrefix == nil || reader.isPresent("prefix") {
            prefix = reader.string("prefix", length: 1...64).flatMap {
                self.prefix($0, at: reader.pointer(to: "prefix"), &reader)
            }
        }
        if let prefix, let flaw = AnnouncementConfig.flaw(in: prefix) {
            // A file that v1 starts with starts us, too.
            if source == .file {
                warn(reader.pointer(to: "prefix"), code: "not_announceable", "\(prefix): \(flaw)")
            } else {
                reader.report("prefix", code: "not_announceable", detail: flaw)
            }
        }
        let vif = reader.string("vif", .nullable, length: source == .file ? 0...253 : 1...253)
        var extras = JSONObject()
        close(&reader, keeping: &extras, under: nil)
        guard let prefix else { return nil }
        // v1 writes "" where there is no interface.
        var announcement = AnnouncementConfig(prefix: prefix, vif: vif.flatMap { $0.isEmpty ? nil : $0 })
        announcement.extras = extras
        return announcement
    }

    private func prefix(_ text: String, at pointer: JSONPointer, _ reader: inout JSONObjectReader) -> Prefix? {
        do throws(PrefixError) {
            return try Prefix(parsing: text)
        } catch {
            reader.report(pointer, code: error.issueCode, detail: "'\(text)': \(error)")
            return nil
        }
    }

    // MARK: Blocked peers

    func blockedPeers(_ reader: inout JSONObjectReader) -> [BlockedPeerConfig] {
        let array = reader.array("blocked_peers", optional, maximumCount: 65_536) ?? []
        var blocked: [BlockedPeerConfig] = []
        for (index, value) in array.enumerated() {
            // A block list is no place for members that might mean something: always strict.
            let pointer = reader.pointer(to: "blocked_peers").appending(index)
            guard var entry = element(value, at: pointer, of: &reader, isStrict: true) else { continue }
            let id = entry.string("id", length: 64...64)
            let reason = entry.string("reason", .optional, length: 0...200)
            if let id, let nodeID = NodeID(hex: id), Name.isFingerprint(id) {
                blocked.append(BlockedPeerConfig(id: nodeID, reason: reason))
            } else if id != nil {
                entry.report("id", code: "not_an_id", detail: "must be 64 lower-case hex digits")
            }
            reader.absorb(entry)
        }
        return blocked
    }
}

extension PrefixError {
    /// The stable token of an issue about a prefix.
    package var issueCode: String {
        if case .hostBitsSet = self { return "host_bits_set" }
        return "not_a_prefix"
    }
}
