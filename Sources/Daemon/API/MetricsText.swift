// The text form of metrics, version 0.0.4, that Prometheus scrapes.
//
// One writer for all families: HELP and TYPE once, samples together, labels escaped. Families without a sample are
// left out, so that a fresh router does not claim zeros that it has not measured.

/// One metric with all its samples.
struct MetricFamily {
    enum Kind: String { case counter, gauge, histogram }

    struct Sample {
        /// Appended to the family's name: `_bucket`, `_sum`, `_count` of histograms.
        var suffix = ""
        var labels: [(name: String, value: String)]
        var value: Double
    }

    let name: String
    let help: String
    let kind: Kind
    var samples: [Sample]

    init(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    /// A family of one sample without labels; none if there is no value.
    init(_ name: String, _ kind: Kind, _ help: String, value: Double?) {
        self.init(name, kind, help, value.map { [Sample(labels: [], value: $0)] } ?? [])
    }
}

enum MetricsText {
    static func write(_ families: [MetricFamily]) -> String {
        var text = ""
        for family in families where !family.samples.isEmpty {
            text += "# HELP \(family.name) \(escapedHelp(family.help))\n# TYPE \(family.name) \(family.kind.rawValue)\n"
            for sample in family.samples {
                text += family.name + sample.suffix
                if !sample.labels.isEmpty {
                    text +=
                        "{" + sample.labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",") + "}"
                }
                text += " \(number(sample.value))\n"
            }
        }
        return text
    }

    /// Backslash, quote and line feed, as the format asks; other control characters have no place in a scrape.
    static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: text += "?"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private static func escapedHelp(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }

    /// Whole numbers without a point; `+Inf`, `-Inf`, `NaN` in Prometheus's spelling.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        guard value.rounded() == value, abs(value) < 9_007_199_254_740_992 else { return String(value) }
        return String(Int64(value))
    }
}
