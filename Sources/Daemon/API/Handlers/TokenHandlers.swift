// /v1/tokens: bearer tokens for TCP. The secret is said once, in the answer that makes it.

import JSON
import ManagementAPI

extension APIService {
    func listTokens() -> Answer { .json(.object(["items": tokens.tokens().json])) }

    func createToken(_ call: APICall) throws(Problem) -> Answer {
        var reader = JSONObjectReader(try call.jsonBody())
        let name = reader.string("name", length: 1...63)
        if let name, let flaw = Name.flaw(inToken: name) { reader.report("name", code: "not_a_name", detail: flaw) }
        let role = reader.choice("role", among: Role.allCases.map(\.rawValue)).flatMap(Role.init)
        let seconds = reader.int("expires_in_seconds", .optional, in: 60...315_360_000)
        let issues = reader.finish()
        guard issues.isEmpty, let name, let role else { throw .invalid(issues) }
        let request = TokenRequestBody(name: name, role: role, expiresInSeconds: seconds)
        let secret = try tokens.createToken(request, now: environment.now())
        return Answer(status: 201, body: .json(secret.json), isChanged: true, pointers: ["/tokens/\(name)"])
    }

    func deleteToken(_ call: APICall) throws(Problem) -> Answer {
        let name = try call.pathText("token_name")
        guard try tokens.deleteToken(named: name) else { throw Problem(.notFound, "there is no such token") }
        return Answer(status: 204, body: .none, isChanged: true, pointers: ["/tokens/\(name)"])
    }
}
