// Exit statuses and error lines.

import JSON
import ManagementAPI
import Testing

@testable import vmesh

@Suite("Failures")
struct FailureTests {
    @Test(
        "C40: an HTTP status has its exit status",
        arguments: [
            (400, 7), (401, 5), (403, 5), (404, 4), (405, 7), (406, 7), (409, 6), (412, 6), (413, 7), (415, 7),
            (422, 7),
            (428, 6), (429, 1), (500, 1), (503, 1), (504, 8), (302, 1),
        ])
    func statuses(http: Int, exit: Int32) {
        #expect(ExitStatus(httpStatus: http).rawValue == exit)
    }

    @Test("C40: every problem code comes to a documented status", arguments: ProblemCode.allCases)
    func codes(code: ProblemCode) {
        #expect([1, 4, 5, 6, 7, 8].contains(ExitStatus(httpStatus: code.status).rawValue))
    }

    @Test(
        "C40: what fails on this side has its own status",
        arguments: [
            (Failure.usage(""), 2), (.unreachable(""), 3), (.denied(""), 5), (.timeout(action: "", seconds: ""), 8),
            (.malformed(action: "", reason: ""), 1), (.local(""), 1), (.checkedBad, 9), (.declined, 1),
            (.readerGone, 0),
        ] as [(Failure, Int32)])
    func own(failure: Failure, exit: Int32) {
        #expect(failure.status.rawValue == exit)
    }

    @Test("nothing is said where the answer was printed, or the reader is gone")
    func silent() {
        #expect(Failure.checkedBad.line == nil && Failure.readerGone.line == nil)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let body: String
        let line: String
    }

    @Test(
        "a problem in one line",
        arguments: [
            Row(
                testDescription: "the wrong place, the code, the request",
                body: """
                    {"code":"validation-failed","status":422,"title":"t","detail":"d","request_id":"01JD",
                     "errors":[{"pointer":"/addrs/0","code":"not_host_port","detail":"'192.0.2.1' has no port"}]}
                    """,
                line: "cannot set peer b: addrs[0]: '192.0.2.1' has no port (validation-failed, request 01JD)"),
            Row(
                testDescription: "without places the detail",
                body: #"{"code":"exists","title":"t","detail":"there is a b","request_id":"1"}"#,
                line: "cannot set peer b: there is a b (exists, request 1)"),
            Row(
                testDescription: "without a detail the title", body: #"{"code":"internal","title":"It failed"}"#,
                line: "cannot set peer b: It failed (internal)"),
            Row(
                testDescription: "a reason and a parameter",
                body: """
                    {"code":"distributed-config-invalid","reason":"expired","detail":"old","request_id":"1",
                     "errors":[{"parameter":"prefix","code":"x","detail":"is none"}]}
                    """,
                line: "cannot set peer b: prefix: is none (distributed-config-invalid: expired, request 1)"),
            Row(
                testDescription: "a hint where one is known", body: #"{"code":"unauthorized","detail":"no token"}"#,
                line: "cannot set peer b: no token (unauthorized): name a token with --token-file or VMESH_TOKEN_FILE"),
            Row(
                testDescription: "control characters are shown",
                body: #"{"code":"exists","detail":"a\u001b[2Jb\u202e"}"#,
                line: #"cannot set peer b: a\u{1b}[2Jb\u{202e} (exists)"#),
        ])
    func problem(row: Row) throws {
        let failure = Failure.refused(action: "set peer b", httpStatus: 422, body: try json(row.body), hint: nil)
        #expect(failure.line == row.line)
    }

    @Test("of many wrong places five are named")
    func many() throws {
        let errors = (0..<8).map { JSONValue.object(["pointer": .string("/peers/\($0)/udp"), "detail": "x"]) }
        let body: JSONValue = ["code": "validation-failed", "errors": .array(errors)]
        let line = Failure.refused(action: "set", httpStatus: 422, body: body, hint: nil).line ?? ""
        #expect(line.contains("peers[4].udp: x; and 3 more (validation-failed)"))
    }

    @Test("an answer without a problem document")
    func bare() {
        #expect(
            Failure.refused(action: "set", httpStatus: 502, body: nil, hint: nil).line == "cannot set: HTTP status 502")
    }
}
