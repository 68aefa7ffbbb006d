// The policy reader: what is in force, what is a warning, and what refuses the whole (B15, C28).

import JSON
import Routing
import Testing

@testable import Wire

@Suite("Wire: policy")
struct PolicyTests {
    static let fingerprint = String(repeating: "ab", count: 32)

    private func parse(_ json: String) throws -> PolicyContent { try PolicyContent.parse(Array(json.utf8)) }

    /// A policy that is good but for the members given.
    private func refusal(_ json: String) -> PolicyError? {
        #expect(throws: PolicyError.self, "\(json)") { try parse(json) }
    }

    @Test("v1's own example is in force as it stands")
    func example() throws {
        let policy = try parse(
            """
            {"prefix_whitelist": {"a.vnet.example.com": ["2001:db8:1000::/48,max_prefix_len=64", "2001:db8:2000::/48"],
             "b.vnet.example.com": []}}
            """)
        #expect(
            policy.whitelist.mapValues { $0.map(\.description) } == [
                "a.vnet.example.com": ["2001:db8:1000::/48,max_prefix_len=64", "2001:db8:2000::/48"],
                "b.vnet.example.com": [],
            ])
        #expect(!policy.isDefaultDeny)
        #expect(policy.warnings == [])
    }

    @Test(
        "an entry allows what it covers, up to its length",
        arguments: [
            ("2001:db8::/32,max_prefix_len=64", "2001:db8::/32", true),
            ("2001:db8::/32,max_prefix_len=64", "2001:db8:1::/64", true),
            ("2001:db8::/32,max_prefix_len=64", "2001:db8:1::/65", false), ("2001:db8::/32", "2001:db8::1/128", true),
            ("2001:db8::/32", "2001:db9::/32", false), ("2001:db8::/32", "2001:d00::/24", false),
            ("::/0", "::/0", true),
            ("2001:db8::/32,max_prefix_len=32", "2001:db8::/32", true),
            ("2001:db8::/32,max_prefix_len=128", "2001:db8::/128", true),
            ("::/0,max_prefix_len=0", "::/0", true), ("::/0,max_prefix_len=0", "2000::/3", false),
        ])
    func allows(entry: String, prefix: String, isAllowed: Bool) throws {
        #expect(try PolicyEntry(parsing: entry).allows(Prefix(parsing: prefix)) == isAllowed)
    }

    @Test(
        "C28: a bad entry refuses the policy, and node, entry and column are named",
        arguments: [
            ("2001:db8::/32,max_prefix_len=abc", 30), ("2001:db8::/32,max_prefix_len=129", 30),
            ("2001:db8::/32,max_prefix_len=999", 30), ("2001:db8::/32,max_prefix_len=-1", 30),
            ("2001:db8::/32,max_prefix_len=+64", 30), ("2001:db8::/32,max_prefix_len=064", 30),
            ("2001:db8::/32,max_prefix_len=", 30), ("2001:db8::/32,max_prefix_len=64 ", 30),
            ("2001:db8::/32,max_prefix_len=99999999999999999999", 30), ("2001:db8::/32,max_prefix_len=\u{664}", 30),
            ("2001:db8::/32,max_prefix_len=31", 30), ("2001:db8::/32,max_prefix_len=64,max_prefix_len=48", 32),
            ("2001:db8::/32,max_prefix_len=64,", 32), ("2001:db8::/32,maxlen=64", 15), ("2001:db8::/32,", 15),
            ("2001:db8::/32,MAX_PREFIX_LEN=64", 15), ("2001:db8::/32, max_prefix_len=64", 15), ("2001:db8::/32 ", 14),
            (" 2001:db8::/32", 1), ("10.0.0.0/8", 1), ("2001:db8::/129", 12), ("2001:db8::/", 12), ("2001:db8::", 11),
            ("2001:db8::/+48", 12), ("2001:db8::/032", 12), ("2001:db8::/48/", 14), ("2001:db8::1/48", 1),
            ("[2001:db8::]/48", 1), ("2001:dbx::/48", 8), ("", 1), (",max_prefix_len=64", 1),
        ])
    func badEntry(entry: String, column: Int) throws {
        let name = "a.vnet.example.com"
        let value: JSONValue = [
            "prefix_whitelist": [
                "b.vnet.example.com": ["2001:db8::/32"], "a.vnet.example.com": ["2001:db8::/32", .string(entry)],
            ]
        ]
        let error = #expect(throws: PolicyError.self) { try PolicyContent.parse(value.serialized()) }
        let issue = try #require(error?.issues.first)
        #expect(error?.issues.count == 1)
        #expect(issue.pointer == "/prefix_whitelist/\(name)/1")
        #expect(issue.detail.hasPrefix("node \"\(name)\", entry 2, column \(column): "), "\(issue.detail)")
    }

    @Test("host bits are refused with the right prefix offered")
    func hostBits() {
        let error = refusal(#"{"prefix_whitelist": {"a": ["2001:db8::1/48"]}}"#)
        #expect(error?.description.contains("2001:db8::/48") == true)
    }

    @Test(
        "B15: wrong types, nulls and duplicates refuse the policy, each named",
        arguments: [
            ("null", "", "wrong_type"), ("[]", "", "wrong_type"), ("\"x\"", "", "wrong_type"), ("", "", "bad_json"),
            ("{", "", "bad_json"), ("{} x", "", "bad_json"), ("{\"prefix_whitelist\": {},}", "", "bad_json"),
            (#"{}"#, "/prefix_whitelist", "required"), (#"{"prefix_whitelst": {}}"#, "/prefix_whitelist", "required"),
            (#"{"prefix_whitelist": null}"#, "/prefix_whitelist", "wrong_type"),
            (#"{"prefix_whitelist": []}"#, "/prefix_whitelist", "wrong_type"),
            (#"{"prefix_whitelist": {"a": null}}"#, "/prefix_whitelist/a", "wrong_type"),
            (#"{"prefix_whitelist": {"a": "2001:db8::/32"}}"#, "/prefix_whitelist/a", "wrong_type"),
            (#"{"prefix_whitelist": {"a": {}}}"#, "/prefix_whitelist/a", "wrong_type"),
            (#"{"prefix_whitelist": {"a": [1]}}"#, "/prefix_whitelist/a/0", "wrong_type"),
            (#"{"prefix_whitelist": {"a": [null]}}"#, "/prefix_whitelist/a/0", "wrong_type"),
            (#"{"prefix_whitelist": {"a": [], "a": []}}"#, "", "bad_json"),
            (#"{"prefix_whitelist": {}, "prefix_whitelist": {}}"#, "", "bad_json"),
            (#"{"prefix_whitelist": {"a.vnet": [], "A.VNET": []}}"#, "/prefix_whitelist/A.VNET", "duplicate_name"),
            (#"{"prefix_whitelist": {}, "Prefix_Whitelist": {}}"#, "/Prefix_Whitelist", "case_variant"),
            ("{\"prefix_whitelist\": {}, \"prefix_white\u{17F}ist\": {}}", nil, nil),
            ("{\"prefix_whitelist\": {}, \"prefix_whiteli\u{17F}t\": {}}", "/prefix_whiteli\u{17F}t", "case_variant"),
            ("{\"prefix_whitelist\": {}, \"revo\u{212A}ed\": []}", "/revo\u{212A}ed", "case_variant"),
            (#"{"prefix_whitelist": {"": []}}"#, "/prefix_whitelist/", "bad_name"),
            (#"{"prefix_whitelist": {"a.vnet.": []}}"#, "/prefix_whitelist/a.vnet.", "bad_name"),
            (#"{"prefix_whitelist": {"a b": []}}"#, "/prefix_whitelist/a b", "bad_name"),
            (#"{"prefix_whitelist": {"a\u0000": []}}"#, "/prefix_whitelist/a\u{0}", "bad_name"),
            (#"{"prefix_whitelist": {"sha256:12": []}}"#, "/prefix_whitelist/sha256:12", "bad_name"),
            (#"{"prefix_whitelist": {}, "default": "Deny"}"#, "/default", "not_allowed"),
            (#"{"prefix_whitelist": {}, "default": null}"#, "/default", "wrong_type"),
            (#"{"prefix_whitelist": {}, "default": true}"#, "/default", "wrong_type"),
            (#"{"prefix_whitelist": {}, "external": []}"#, "/external", "wrong_type"),
            (#"{"prefix_whitelist": {}, "external": {"b": {}}}"#, "/external/b", "bad_fingerprint"),
            (#"{"prefix_whitelist": {}, "revoked": {}}"#, "/revoked", "wrong_type"),
            (#"{"prefix_whitelist": {}, "revoked": ["abc"]}"#, "/revoked/0", "bad_revocation"),
            (#"{"prefix_whitelist": {}, "revoked": ["serial:0x1:CN=x"]}"#, "/revoked/0", "bad_revocation"),
            (#"{"prefix_whitelist": {}, "revoked": ["serial:01"]}"#, "/revoked/0", "bad_revocation"),
            (#"{"prefix_whitelist": {}, "rollout": null}"#, "/rollout", "wrong_type"),
        ] as [(String, String?, String?)])
    func refused(json: String, pointer: String?, code: String?) throws {
        guard let pointer, let code else {
            // Looks like a key of ours, but folds into none.
            #expect(try parse(json).warnings.map(\.code) == ["unknown_field"])
            return
        }
        let issues = refusal(json)?.issues ?? []
        #expect(issues.contains { $0.pointer == pointer && $0.code == code }, "\(json): \(issues)")
    }

    @Test("B15: a policy of more than 1 MiB or 16 levels is refused before it is looked at")
    func bounds() throws {
        func padded(_ count: Int) -> String {
            let text = #"{"prefix_whitelist": {}}"#
            return text + String(repeating: " ", count: count - text.utf8.count)
        }
        #expect(throws: Never.self) { try parse(padded(1 << 20)) }
        #expect(refusal(padded(1 << 20 + 1))?.issues.first?.code == "bad_json")
        #expect(refusal(padded(8 << 20))?.issues.first?.code == "bad_json")
        func nested(_ depth: Int) -> String {
            #"{"prefix_whitelist": {}, "later": "# + String(repeating: "[", count: depth)
                + String(repeating: "]", count: depth) + "}"
        }
        #expect(throws: Never.self) { try parse(nested(15)) }
        #expect(refusal(nested(16))?.description.contains("too deep") == true)
        #expect(refusal(nested(1000))?.description.contains("too deep") == true)
    }

    @Test("all that is wrong is told at once")
    func several() {
        let error = refusal(#"{"prefix_whitelist": {"a": ["x", "::/0", "y"], "b.": []}, "default": 1}"#)
        #expect(
            error?.issues.map(\.pointer) == [
                "/prefix_whitelist/a/0", "/prefix_whitelist/a/2", "/prefix_whitelist/b.", "/default",
            ])
    }

    @Test("names are compared without ASCII case; one that is not in lower case is a warning")
    func names() throws {
        let policy = try parse(#"{"prefix_whitelist": {"A.vnet.Example.com": ["::/0"]}}"#)
        #expect(policy.whitelist.keys.sorted() == ["a.vnet.example.com"])
        #expect(policy.warnings.map(\.code) == ["not_lower_case"])
        #expect(PolicyContent.folded("Ä.VNET") == "Ä.vnet")
    }

    @Test("what is beyond v1: default, external peers, revocations, and keys kept for later")
    func extensions() throws {
        let policy = try parse(
            """
            {"prefix_whitelist": {"sha256:\(Self.fingerprint)": ["2001:db8::/32"]}, "default": "deny",
             "external": {"SHA256:\(Self.fingerprint.uppercased())": {"name": "X.example", "import": ["2001:db8:1::/48"],
                          "export": []}},
             "revoked": ["sha256:\(Self.fingerprint)", "spki:\(Self.fingerprint)", "ca:\(Self.fingerprint)", "serial:00Fe:CN=a:b"],
             "max_prefixes": 5, "origins": {}, "rollout": {"x": [1]}, "hello": 1}
            """)
        let pin = id([UInt8](repeating: 0xAB, count: 32))
        #expect(policy.isDefaultDeny)
        #expect(policy.whitelist.keys.sorted() == ["sha256:\(Self.fingerprint)"])
        #expect(policy.external[pin]?.name == "x.example")
        #expect(policy.external[pin]?.imports.map(\.description) == ["2001:db8:1::/48"])
        #expect(policy.external[pin]?.exports == [])
        #expect(policy.revoked == [.leaf(pin), .publicKey(pin), .authority(pin), .serial("fe", issuer: "CN=a:b")])
        #expect(policy.kept == ["max_prefixes": 5, "origins": [:], "rollout": ["x": [1]]])
        #expect(
            policy.warnings.map { "\($0.pointer) \($0.code)" } == [
                "/external/SHA256:\(Self.fingerprint.uppercased())/name not_lower_case", "/revoked not_enforced",
                "/max_prefixes not_enforced", "/origins not_enforced", "/rollout not_enforced", "/hello unknown_field",
            ])
    }

    @Test("an external peer's entry is strict too")
    func external() {
        let error = refusal(
            """
            {"prefix_whitelist": {}, "external": {
             "sha256:\(Self.fingerprint)": {"import": ["10.0.0.0/8"], "export": null, "nmae": "x"}}}
            """)
        let place = "/external/sha256:\(Self.fingerprint)"
        #expect(
            error?.issues.map { "\($0.pointer) \($0.code)" } == [
                "\(place)/import/0 bad_entry", "\(place)/export wrong_type", "\(place)/nmae unknown_field",
            ])
        #expect(error?.description.contains("external peer \(Self.fingerprint), entry 1, column 1") == true)
    }

    @Test("before signing: the same rules, and a word about every node that may announce nothing")
    func signing() throws {
        let policy = try PolicyContent.checkBeforeSigning(
            Array(#"{"prefix_whitelist": {"a": [], "b": ["::/0"]}}"#.utf8))
        #expect(policy.warnings.map(\.pointer) == ["/prefix_whitelist/a"])
        #expect(throws: PolicyError.self) { try PolicyContent.checkBeforeSigning(Array("null".utf8)) }
        #expect(
            policy.summary() == [
                "a: nothing", "b:", "  ::/0", "any other node of this network: anything",
                "warning: /prefix_whitelist/a: an empty list: this node may announce nothing",
            ])
    }

    @Test("property: damaged policies never trap, and one that is accepted is accepted again as written")
    func damage() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        let good = Array(
            """
            {"prefix_whitelist":{"a.b":["2001:db8::/32,max_prefix_len=64","::/0"],"c":[]},"default":"deny","revoked":["ca:\(Self.fingerprint)"]}
            """.utf8)
        var refused = 0
        for _ in 0..<5000 {
            let bytes = generator.damaged(good)
            do throws(PolicyError) { _ = try PolicyContent.parse(bytes).summary() } catch {
                refused += 1
                #expect(!error.issues.isEmpty, "seed \(seed)")
            }
        }
        #expect(refused > 2000 && refused < 5000, "seed \(seed)")
    }
}
