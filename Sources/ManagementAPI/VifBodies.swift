// Virtual interfaces as they run: GET /v1/vifs.
//
// Members have the names and units of openapi.yaml, in words; nil is said as null.

import JSON

/// One virtual interface.
package struct VifBody: Sendable, Equatable, JSONWritable {
    package var name: String
    package var config: VifConfig
    package var isUp: Bool
    /// The kernel device or the socket's path; nil for `dummy`.
    package var device: String?
    package var mtuBytes: Int?
    package var counters = CountersBody()
    package var lastError: ErrorNoteBody?

    package init(name: String, config: VifConfig, isUp: Bool, device: String?, mtuBytes: Int?) {
        self.name = name
        self.config = config
        self.isUp = isUp
        self.device = device
        self.mtuBytes = mtuBytes
    }

    package var json: JSONValue {
        .object([
            "name": name.json, "config": config.json, "up": isUp.json, "device": device.json,
            "mtu_bytes": mtuBytes.json, "counters": counters.json, "last_error": lastError.json,
        ])
    }
}
