// cert list, show, add-external, remove-external.

import ArgumentParser
import JSON
import ManagementAPI

struct CertificateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cert", abstract: "Certificates: ours, the CAs', those of external peers.",
        subcommands: [CertificateList.self, CertificateShow.self, CertificateAdd.self, CertificateRemove.self],
        defaultSubcommand: CertificateList.self)
}

struct CertificateList: APICommand {
    enum Role: String, CaseIterable, ExpressibleByArgument {
        case node, ca, external, api

        /// The API's word.
        var word: String { self == .external ? "external_peer" : rawValue }
    }

    static let configuration = CommandConfiguration(commandName: "list", abstract: "All certificates.")
    @Option(help: ArgumentHelp("Only those that expire within this span, like 30d.", valueName: "span"))
    var expiring: TimeSpan?
    @Option(help: "Only those of this role.") var role: Role?
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        var options = CallOptions()
        options.add("role", role?.word)
        options.add("expires_within_seconds", expiring.map { "\($0.milliseconds / 1000)" })
        try session.list(
            .listCertificates, options, to: "list certificates",
            nothing: role == nil && expiring == nil ? "no certificate" : "no such certificate",
            name: { $0.text("id") }, view: CertificateView.list)
    }
}

struct CertificateShow: APICommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "One certificate.")
    @Argument(help: "Its id, the beginning of it, or its name.", completion: DynamicCompletion.certificates)
    var id: String
    @Flag(help: "The certificate itself, as PEM.") var pem = false
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let action = "show certificate \(Escaping.line(id))"
        let found = try Lookup.certificate(id, session.client)
        if pem {
            let options = CallOptions(accept: "application/x-pem-file")
            return try session.screen.answer(
                text: try session.client.call(.getCertificate, [found], options, to: action).body)
        }
        try session.show(.getCertificate, [found], to: action, name: { $0.text("id") }, view: CertificateView.one)
    }
}

struct CertificateAdd: WriteCommand {
    static let configuration = CommandConfiguration(
        commandName: "add-external", abstract: "Trusts the certificate of an external peer.")
    @Argument(help: "A PEM file, or - for standard input.", completion: .file()) var file: String
    @OptionGroup(title: "Options of changes") var write: WriteOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let pem = try Input.bytes(file, limit: Operation.addExternalPeerCertificate.requestBody.maximumBytes)
        // A key that was taken for the certificate beside it must not travel.
        guard !String(decoding: pem, as: UTF8.self).contains("PRIVATE KEY") else {
            throw .usage("\(Escaping.line(file)) holds a private key; only its certificate is wanted")
        }
        let options = CallOptions(body: pem, mediaType: "application/x-pem-file")
        try session.change(.addExternalPeerCertificate, [], options, write: write, to: "add the certificate")
    }
}

struct CertificateRemove: WriteCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove-external", abstract: "Trusts the certificate of an external peer no longer.")
    @Argument(help: "Its id, the beginning of it, or its name.", completion: DynamicCompletion.certificates)
    var id: String
    @Flag(help: "Also while its peer is connected or configured.") var force = false
    @OptionGroup(title: "Options of changes") var write: WriteOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func run(in session: Session) throws(Failure) {
        let found = try Lookup.certificate(id, session.client)
        let shown = Escaping.line(id)
        var options = CallOptions()
        options.add("force", force ? "true" : nil)
        try session.change(
            .removeExternalPeerCertificate, [found], options, write: write, to: "remove certificate \(shown)",
            question: "Trust certificate \(shown) no longer?")
    }
}
