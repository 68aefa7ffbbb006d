// Accept (RFC 9110 section 12.5.1): which of the few media types an operation offers, or 406.

import HTTP

enum Negotiation {
    /// The best of `offers` (their order breaks ties); nil if all are excluded. A missing, empty or unreadable Accept
    /// excludes nothing. Quality is in thousandths.
    static func choose(_ fields: [String], among offers: [String]) -> String? {
        let ranges = fields.flatMap { $0.split(separator: ",") }.prefix(64).compactMap(range)
        guard !ranges.isEmpty, let first = offers.first else { return offers.first }
        var best: (offer: String, quality: Int)?
        for offer in offers {
            let quality = Self.quality(of: offer, by: ranges)
            if quality > (best?.quality ?? 0) { best = (offer, quality) }
        }
        if let best { return best.offer }
        // A client that asks for problem+json alone still gets the success it asked the path for.
        return ranges.contains { $0.type == "application/problem+json" && $0.quality > 0 } ? first : nil
    }

    private struct Range {
        let type: String
        let quality: Int
    }

    private static func range(_ text: Substring) -> Range? {
        guard let media = MediaType(parsing: HTTPHeaders.trimmed(String(text))) else { return nil }
        guard let weight = media.parameter("q") else { return Range(type: media.essence, quality: 1000) }
        guard let value = Double(weight), (0...1).contains(value) else { return nil }
        return Range(type: media.essence, quality: Int(value * 1000))
    }

    /// The most specific range decides.
    private static func quality(of offer: String, by ranges: [Range]) -> Int {
        let family = offer.prefix { $0 != "/" } + "/*"
        for pattern in [offer, String(family), "*/*"] {
            let matching = ranges.filter { $0.type == pattern }.map(\.quality)
            if let quality = matching.max() { return quality }
        }
        return 0
    }
}
