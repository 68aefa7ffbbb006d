// Pinned certificates of external peers, added and removed by the API.
//
// A certificate is a file in the state directory and a path in the configuration, so that a restart finds it where any
// other is found. Content-addressed: the same certificate twice is one.

import JSON
import ManagementAPI
import Mesh
import Platform
import TLS

struct ExternalCertificates {
    /// The most that a PEM may be.
    static let limit = 64 << 10
    let loop: ControlLoop

    init(_ loop: ControlLoop) { self.loop = loop }

    func add(
        pem: [UInt8], options: WriteOptions, completion: @escaping (Result<(ApplyResultBody, String), Problem>) -> Void
    ) {
        let certificate: Certificate
        do { certificate = try parse(pem) } catch { return completion(.failure(error)) }
        let id = Hex.text(certificate.fingerprint)
        let path = loop.state.externalCertificatePath(id)
        guard !loop.identity.external.contains(where: { $0.certificate.fingerprint == certificate.fingerprint }) else {
            let status = loop.configuration.status
            let same = ApplyResultBody(
                isChanged: false, isDryRun: options.isDryRun, revision: loop.configuration.revision,
                isPersisted: status.runningMatchesFile)
            return completion(.success((same, id)))
        }
        // The file first: a path in the configuration must lead somewhere, in a dry run too. One that nobody names
        // harms nobody. One that was there before is not ours to clear away: the document on the disk may name it.
        let isNew = (try? Files.status(path)) == nil
        do { try Files.write(path, Array(certificate.pem.utf8), mode: 0o644) } catch {
            return completion(.failure(Problem(.persistUnavailable, "\(error); nothing was changed")))
        }
        var proposed = loop.configuration.running
        proposed.externalPeerCertificates.append(path)
        let changes = [ChangeBody(.add, "/external_peer_certs/\(id)", to: .string(path))]
        loop.apply(proposed, changes: changes, options: options) { result in
            var isKept = false
            if case .success = result { isKept = !options.isDryRun }
            if isNew, !isKept { try? Files.remove(path) }
            completion(result.map { ($0, id) }.mapError(\.problem))
        }
    }

    func remove(
        id: String, force: Bool, options: WriteOptions, completion: @escaping (Result<ApplyResultBody, Problem>) -> Void
    ) {
        let named = loop.identity.external.filter { Hex.text($0.certificate.fingerprint) == id }
        guard !named.isEmpty else {
            return completion(.failure(Problem(.notFound, "no external peer's certificate has this id")))
        }
        let isLive = (loop.links?.links.values ?? [:].values).contains { link in
            link.isLive && link.certificate.map { Hex.text($0.fingerprint) } == id
        }
        guard force || !isLive else {
            return completion(
                .failure(Problem(.inUse, "a session with this peer is up; repeat with force=true to end it")))
        }
        let paths = Set(named.map(\.path))
        var proposed = loop.configuration.running
        proposed.externalPeerCertificates.removeAll { paths.contains($0) }
        let changes = paths.sorted().map { ChangeBody(.remove, "/external_peer_certs/\(id)", from: .string($0)) }
        let own = loop.state.externalCertificatePath(id)
        loop.apply(proposed, changes: changes, options: options) { result in
            // Only what the API stored is the API's to remove, and only once no restart asks for it.
            if case .success(let applied) = result, applied.isPersisted, !options.isDryRun, paths.contains(own) {
                try? Files.remove(own)
            }
            completion(result.mapError(\.problem))
        }
    }

    private func parse(_ pem: [UInt8]) throws(Problem) -> Certificate {
        guard pem.count <= Self.limit else { throw Problem(.payloadTooLarge, "a certificate is at most 64 KiB") }
        let list: [Certificate]
        do { list = try Certificate.list(pem: pem) } catch {
            throw Problem.invalid([
                JSONIssue(pointer: "/certificate_pem", code: "not_a_certificate", detail: "\(error)")
            ])
        }
        guard let certificate = list.first, list.count == 1 else {
            throw Problem.invalid([
                JSONIssue(
                    pointer: "/certificate_pem", code: "not_one_certificate",
                    detail: "exactly one certificate is wanted")
            ])
        }
        guard !certificate.isCA else {
            throw Problem.invalid([
                JSONIssue(
                    pointer: "/certificate_pem", code: "is_ca",
                    detail: "this is a CA; an external peer is pinned by its own certificate")
            ])
        }
        return certificate
    }
}

extension WriteFailure {
    /// As an answer.
    var problem: Problem {
        switch self {
        case .refused(let problem): problem
        case .staleConfigChange: Problem(.preconditionFailed, "the configuration was changed meanwhile; try again")
        }
    }
}
