// Random values and random damage, from a seed that a failing test prints.

import JSON

/// SplitMix64: small, and the same numbers everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func json(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
        case 0: .null
        case 1: .bool(.random(using: &self))
        case 2: .integer(Int64(bitPattern: next()))
        case 3: .integer(.random(in: -100...100, using: &self))
        case 4: .number(finite())
        case 5: .string(string())
        case 6: .array((0..<Int.random(in: 0...12, using: &self)).map { _ in json(depth: depth - 1) })
        default:
            .object(
                JSONObject((0..<Int.random(in: 0...12, using: &self)).map { _ in (string(), json(depth: depth - 1)) }))
        }
    }

    private mutating func finite() -> Double {
        let number = Double(bitPattern: next())
        return number.isFinite ? number : 0.1
    }

    private mutating func string() -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...6, using: &self) {
            let limit: UInt32 = [0x20, 0x80, 0x800, 0x1_0000, 0x11_0000].randomElement(using: &self) ?? 0x80
            text.append(Unicode.Scalar(UInt32.random(in: 0..<limit, using: &self)) ?? "\u{FFFD}")
        }
        return String(text)
    }
}
