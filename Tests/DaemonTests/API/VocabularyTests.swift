// The words that the router says and the words that openapi.yaml lists are the same.

import Mesh
import Routing
import Testing

@testable import Daemon

@Suite("API: vocabularies")
struct VocabularyTests {
    /// The words of the list that begins with `first`.
    private static func words(from first: String) throws -> Set<String> {
        let text = try OpenAPISchema.text()
        let start = try #require(text.range(of: "x-extensible-enum: [\(first),"))
        let list = text[start.upperBound...].prefix { $0 != "]" }
        return Set([first] + list.split { ", \n".contains($0) }.map(String.init))
    }

    @Test("every reason of a route is in the contract")
    func reasons() throws {
        let listed = try Self.words(from: "local_announcement")
        for reason in RouteReason.allCases { #expect(listed.contains(reason.rawValue)) }
        // A look-up and a policy check have a few of their own.
        #expect(listed.isSuperset(of: ["longer_match", "whitelisted", "not_filtered", "no_policy"]))
    }

    @Test("every reason of a drop is in the contract, and no other")
    func drops() throws {
        #expect(try Self.words(from: "queue_full") == Set(DropReason.allCases.map(\.rawValue)))
    }
}
