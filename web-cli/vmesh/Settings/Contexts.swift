// Routers that a person works with, by name: `contexts.json` in `$XDG_CONFIG_HOME/vmesh`, mode 0600.
//
// It says where each router's API is and which file holds its token; the token itself is never stored here.

import JSON
import Platform

struct Contexts: Equatable {
    struct Context: Equatable {
        var api: String
        /// Path of the token's file.
        var tokenFile: String?
    }

    private(set) var all: [(name: String, context: Context)] = []
    private(set) var current: String?

    private static let maximumBytes = 256 << 10

    static func == (left: Contexts, right: Contexts) -> Bool { left.json == right.json }

    init() {}

    /// Reads the document.
    init(_ json: JSONValue) throws(Failure) {
        for member in json.at("contexts")?.objectValue?.members ?? [] {
            guard let api = member.value.raw("api") else {
                throw .usage("context \(Escaping.line(member.key)) has no api")
            }
            all.append((member.key, Context(api: api, tokenFile: member.value.raw("token_file"))))
        }
        current = json.raw("current")
    }

    var json: JSONValue {
        var members = JSONObject()
        for (name, context) in all {
            members[name] = ["api": .string(context.api), "token_file": JSONValue(context.tokenFile)]
        }
        return ["current": JSONValue(current), "contexts": .object(members)]
    }

    func context(_ name: String) throws(Failure) -> Context {
        guard let found = all.first(where: { $0.name == name }) else {
            let names = all.map { Escaping.line($0.name) }.joined(separator: ", ")
            throw .usage("no context '\(Escaping.line(name))'" + (names.isEmpty ? "" : "; there are \(names)"))
        }
        return found.context
    }

    mutating func use(_ name: String) throws(Failure) {
        _ = try context(name)
        current = name
    }

    mutating func set(_ name: String, _ context: Context) {
        if let index = all.firstIndex(where: { $0.name == name }) {
            all[index].context = context
        } else {
            all.append((name, context))
        }
    }

    mutating func remove(_ name: String) throws(Failure) {
        _ = try context(name)
        all.removeAll { $0.name == name }
        if current == name { current = nil }
    }

    // MARK: The file

    private static func folder() throws(Failure) -> String {
        if let folder = Environment.value("XDG_CONFIG_HOME"), folder.hasPrefix("/") { return folder }
        guard let person = Environment.value("HOME"), person.hasPrefix("/") else {
            throw .usage("neither XDG_CONFIG_HOME nor HOME says where contexts are kept")
        }
        return person + "/.config"
    }

    /// What is kept; nothing where there is no file.
    static func load() throws(Failure) -> Contexts {
        guard let folder = try? folder() else { return Contexts() }
        let path = folder + "/vmesh/contexts.json"
        let bytes: [UInt8]
        do throws(PlatformError) { bytes = try Files.read(path, limit: maximumBytes) } catch {
            if error.code == ErrorCode.notFound { return Contexts() }
            throw .usage(Escaping.line("\(error)"))
        }
        let json: JSONValue
        do throws(JSONError) { json = try JSONValue(parsing: bytes, maximumBytes: maximumBytes) } catch {
            throw .usage("\(Escaping.line(path)): \(error)")
        }
        return try Contexts(json)
    }

    func save() throws(Failure) {
        let folder = try Self.folder()
        do throws(PlatformError) {
            try Files.createDirectory(folder, mode: 0o700)
            try Files.createDirectory(folder + "/vmesh", mode: 0o700)
            let text = json.serialized(pretty: true) + [UInt8(ascii: "\n")]
            try Files.write(folder + "/vmesh/contexts.json", text, mode: 0o600)
        } catch {
            throw .local("cannot keep the context: \(Escaping.line("\(error)"))")
        }
    }
}
