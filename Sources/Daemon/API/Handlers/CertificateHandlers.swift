// /v1/certificates: what the router trusts and shows. Certificates are public; keys are never read here.

import JSON
import ManagementAPI

extension APIService {
    func listCertificates(_ call: APICall) throws(Problem) -> Answer {
        let page = try Page(call)
        let role = try call.choice("role", of: CertificateBody.Role.self)
        let within = try call.integer("expires_within_seconds", in: 0...9_007_199_254_740_991)
        let certificates = router.certificates().filter { certificate in
            (role == nil || certificate.role == role) && (within.map { certificate.expiresInSeconds <= $0 } ?? true)
        }
        return page.answer(sorting: certificates, eventID: router.eventID) { "\($0.role.rawValue)|\($0.id)" }
    }

    func getCertificate(_ call: APICall) throws(Problem) -> Answer {
        let id = try call.pathText("id")
        guard let certificate = router.certificates().first(where: { $0.id == id }) else {
            throw Problem(.notFound, "there is no such certificate")
        }
        if call.answerType == "application/x-pem-file" {
            return .text(certificate.pem, type: "application/x-pem-file")
        }
        return .json(certificate.json)
    }

    func addExternalPeerCertificate(_ call: APICall, _ done: @escaping (Outcome) -> Void) {
        enqueue(done) { [router] answer throws(Problem) in
            let options = try call.writeOptions()
            router.addExternalCertificate(pem: try Self.pem(call), options: options) { result in
                answer(
                    result.map { applied, id in
                        var answer = Answer.applied(
                            applied, status: applied.isChanged && !options.isDryRun ? 201 : 200)
                        if answer.pointers.isEmpty { answer.pointers = ["/external_peer_certs/\(id)"] }
                        return answer
                    })
            }
        }
    }

    func removeExternalPeerCertificate(_ call: APICall, _ done: @escaping (Outcome) -> Void) {
        enqueue(done) { [router] answer throws(Problem) in
            let id = try call.pathText("id")
            let force = try call.flag("force") ?? false
            let options = try call.writeOptions()
            guard router.certificates().contains(where: { $0.id == id && $0.role == .externalPeer }) else {
                throw Problem(.notFound, "there is no such external peer's certificate")
            }
            router.removeExternalCertificate(id: id, force: force, options: options) { result in
                answer(result.map { .applied($0) })
            }
        }
    }

    /// From JSON or as it is; exactly what a certificate file may hold is the router's to say.
    private static func pem(_ call: APICall) throws(Problem) -> [UInt8] {
        guard call.bodyType == "application/json" else {
            guard !call.request.body.isEmpty else {
                throw .invalid([JSONIssue(pointer: "", code: "required", detail: "the body is empty")])
            }
            return call.request.body
        }
        var reader = JSONObjectReader(try call.jsonBody())
        let text = reader.string("certificate_pem", length: 1...65_536)
        let issues = reader.finish()
        guard issues.isEmpty, let text else { throw .invalid(issues) }
        return Array(text.utf8)
    }
}
