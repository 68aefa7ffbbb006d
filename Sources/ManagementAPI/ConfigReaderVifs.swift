// Virtual interfaces of the configuration document.

import JSON
import Routing

extension ConfigReader {
    mutating func vifs(_ reader: inout JSONObjectReader) -> [VifConfig] {
        let object = reader.object("vifs", optional) ?? JSONObject()
        let pointer = reader.pointer(to: "vifs")
        if object.count > Self.maximumVifs {
            reader.report("vifs", code: "too_long", detail: "must have at most \(Self.maximumVifs) members")
            return []
        }
        var vifs: [VifConfig] = []
        for member in object.members {
            let place = pointer.appending(member.key)
            if let flaw = Name.flaw(inVif: member.key) { reader.report(place, code: "not_a_name", detail: flaw) }
            guard var entry = element(member.value, at: place, of: &reader) else { continue }
            if let vif = vif(&entry, name: member.key) { vifs.append(vif) }
            reader.absorb(entry)
        }
        return vifs
    }

    /// One interface; `name` comes from the member or the path.
    package mutating func vif(_ reader: inout JSONObjectReader, name: String) -> VifConfig? {
        let word = reader.choice("type", among: VifConfig.Kind.allCases.map(\.rawValue))
        guard let kind = word.flatMap(VifConfig.Kind.init(rawValue:)) else {
            // Without a type nothing else of it can be judged; its members are not unknown, though.
            reader.ignore(
                "tun_name", "service_name", "service_network", "service_address", "addresses", "mtu", "mtu_bytes")
            return nil
        }
        var vif = VifConfig(name: name, kind: kind)
        vif.tunName = reader.string("tun_name", .optional, length: 0...253).flatMap { $0.isEmpty ? nil : $0 }
        if let device = vif.tunName, let flaw = Name.flaw(inDevice: device) {
            reader.report("tun_name", code: "not_a_device", detail: flaw)
        }
        vif.serviceName = reader.string("service_name", .optional, length: 0...253).flatMap { $0.isEmpty ? nil : $0 }
        if let service = vif.serviceName, let flaw = Name.flaw(inVif: service) {
            reader.report("service_name", code: "not_a_name", detail: flaw)
        }
        vif.serviceNetwork = reader.choice("service_network", .optional, among: ["unixgram", ""])
            .flatMap { $0.isEmpty ? nil : $0 }
        vif.serviceAddress = serviceAddress(&reader)
        vif.addresses = interfaceAddresses(&reader)
        vif.mtu = mtu(&reader)
        checkKind(vif, &reader)
        close(&reader, keeping: &vif.extras, under: nil)
        return vif
    }

    /// `mtu` as people write it by hand, `mtu_bytes` as the API writes it; not both.
    private mutating func mtu(_ reader: inout JSONObjectReader) -> Int? {
        let short = reader.int("mtu", .optional, in: 1280...65_535)
        let long = reader.int("mtu_bytes", .optional, in: 1280...65_535)
        if short != nil, long != nil {
            reader.report("mtu", code: "said_twice", detail: "mtu and mtu_bytes are the same; give one of them")
        }
        return (long ?? short).map { Int($0) }
    }

    /// What belongs to a kind must be there, and what does not may not (in a file v1 ignored the surplus).
    private mutating func checkKind(_ vif: VifConfig, _ reader: inout JSONObjectReader) {
        var surplus: [String] = []
        if vif.kind != .tun {
            if vif.tunName != nil { surplus.append("tun_name") }
            if !vif.addresses.isEmpty { surplus.append("addresses") }
        }
        if vif.kind != .service {
            if vif.serviceName != nil { surplus.append("service_name") }
            if vif.serviceAddress != nil { surplus.append("service_address") }
            if vif.serviceNetwork != nil { surplus.append("service_network") }
        } else if vif.serviceAddress == nil, !reader.isPresent("service_address") {
            reader.report("service_address", code: "required", detail: "is missing")
        }
        for key in surplus {
            let detail = "has no meaning for type '\(vif.kind.rawValue)'"
            if source == .file {
                warn(reader.pointer(to: key), code: "no_effect", detail)
            } else {
                reader.report(key, code: "no_effect", detail: detail)
            }
        }
    }

    /// sun_path holds 108 bytes with its NUL (unix(7)); room is left for the socket's temporary name.
    private func serviceAddress(_ reader: inout JSONObjectReader) -> String? {
        guard let text = reader.string("service_address", .optional, length: 0...100), !text.isEmpty else { return nil }
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            reader.report("service_address", code: "not_a_path", detail: "holds a control character")
        }
        return text
    }

    private func interfaceAddresses(_ reader: inout JSONObjectReader) -> [InterfaceAddress] {
        guard let texts = reader.strings("addresses", optional, maximumCount: 64) else { return [] }
        var addresses: [InterfaceAddress] = []
        for (index, text) in texts.enumerated() {
            let place = reader.pointer(to: "addresses").appending(index)
            do throws(InterfaceAddress.Flaw) {
                let address = try InterfaceAddress(parsing: text)
                if addresses.contains(address) {
                    reader.report(place, code: "duplicate", detail: "\(address) stands there already")
                }
                addresses.append(address)
            } catch {
                reader.report(place, code: "not_an_interface_address", detail: error.detail)
            }
        }
        return addresses
    }

    /// v1's older files: one interface at the top, for all announcements.
    mutating func readOldVif(_ reader: inout JSONObjectReader, into config: inout NodeConfig) {
        guard reader.isPresent("vif_type") || reader.isPresent("vif_name") else { return }
        let name = reader.string("vif_name", .optional, length: 0...253) ?? ""
        let word = reader.choice("vif_type", .optional, among: VifConfig.Kind.allCases.map(\.rawValue) + [""]) ?? ""
        guard let kind = VifConfig.Kind(rawValue: word.isEmpty ? "tun" : word) else { return }
        guard config.vifs.isEmpty else {
            reader.report("vif_type", code: "conflict", detail: "stands beside vifs; use vifs")
            return
        }
        var vif = VifConfig(name: "default", kind: kind)
        switch kind {
        case .tun:
            vif.tunName = name.isEmpty ? nil : name
            if let device = vif.tunName, let flaw = Name.flaw(inDevice: device) {
                reader.report("vif_name", code: "not_a_device", detail: flaw)
            }
        case .service:
            reader.report("vif_type", code: "not_allowed", detail: "a service interface must stand in vifs")
        case .dummy: break
        }
        config.vifs = [vif]
        oldVif = vif.name
        warn(reader.pointer(to: "vif_type"), code: "old_spelling", "read as vifs.default; will be written so")
    }
}

extension InterfaceAddress {
    /// Why a text is no interface address.
    package struct Flaw: Error, Sendable, Equatable { package let detail: String }

    /// Reads `ADDRESS/LENGTH`; an address without a length, the unspecified, loopback, multicast and mapped ones are
    /// refused: no interface can have them as its own.
    package init(parsing text: String) throws(Flaw) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let address: IPv6Address
        do throws(AddressError) {
            address = try IPv6Address(parsing: parts.first ?? "")
        } catch {
            throw Flaw(detail: "'\(text)': \(error)")
        }
        guard parts.count == 2 else {
            throw Flaw(detail: "'\(text)': the prefix length is missing (write address/length)")
        }
        do throws(PrefixError) {
            let network = try Prefix(parsing: "::/\(parts[1])")
            self.init(address: address, length: network.length)
        } catch {
            throw Flaw(detail: "'\(text)': \(error)")
        }
        guard !address.isUnspecified, !address.isLoopback, !address.isMulticast, !address.isV4Mapped else {
            throw Flaw(detail: "'\(text)': an interface cannot have this address")
        }
    }
}
