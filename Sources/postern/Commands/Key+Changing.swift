import Access
import ArgumentParser

/// `postern key add`
struct AddKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Make a key and show it, this once; the file is made if there is none."
    )

    @Argument(help: "The file of API keys (JSON).", completion: .file())
    var file: String

    @Option(help: "What people call the key.")
    var name: String

    @Option(name: .customLong("permission"), help: "What the key may do; may be given several times.")
    var permissions: [String]

    @Flag(name: .customLong("custom"), help: "Take permissions that only your configuration knows.")
    var takesCustomPermissions = false

    @Option(help: "Until when it is valid: 2026-12-31T00:00:00Z, or 90d from now. (default: forever)")
    var expires: String?

    @Option(name: .customLong("rate"), help: "Requests an hour. (default: no limit)")
    var rate: UInt32?

    @Option(help: "The key's id. (default: made of the name)")
    var id: String?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if rate == 0 { throw ValidationError("--rate 0 would refuse every request: leave it out for no limit.") }
        for name in permissions where !PermissionTable.isName(name) {
            throw ValidationError("\"\(name)\" can't be a permission.")
        }
        if let expires { _ = try KeyTime.instant(expires, now: KeyTime.now()) }
    }

    func run() throws {
        let now = KeyTime.now()
        let expiresAt = try expires.map { try KeyTime.instant($0, now: now) }
        let secret = APIKeyText.make()
        var made = id ?? ""
        try APIKeyFileEditor(path: file).edit(creating: true) { document throws(APIKeyFileError) in
            try check(document)
            let key = NewAPIKey(
                id: id ?? NewAPIKey.id(of: name, taken: document.ids),
                name: name,
                permissions: permissions,
                createdAt: now / 1000 * 1000,
                expiresAt: expiresAt,
                ratePerHour: rate
            )
            made = key.id
            try document.add(key, secret: secret)
        }
        Console.print(MadeKey(id: made, secret: secret, expiresAt: expiresAt).text(asJSON: json))
    }

    /// Known are the standard permissions and those that the file's keys have.
    private func check(_ document: APIKeyDocument) throws(APIKeyFileError) {
        if takesCustomPermissions { return }
        var known = PermissionTable.standard.permissions.map(\.name)
        for name in document.permissions where !known.contains(name) { known.append(name) }
        for name in permissions where !known.contains(name) {
            throw .refused(
                "there is no permission \"\(name)\"; known are \(known.joined(separator: ", ")). "
                    + "Give --custom if your configuration has it."
            )
        }
    }
}

/// `postern key revoke`
struct RevokeKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Remove a key, which counts for nothing at the next request."
    )

    @OptionGroup var key: KeyArguments

    func run() throws {
        try key.editor.edit { document throws(APIKeyFileError) in try document.remove(key.id) }
        Console.print("revoked \(key.id) in \(key.file)")
    }
}

/// `postern key rotate`
struct RotateKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Give a key another secret and show it, this once."
    )

    @OptionGroup var key: KeyArguments

    @Option(help: "How long the old secret stays valid, as ID-old: 30m, 12h, 7d. (default: not at all)")
    var grace: String?

    @Option(help: "Until when the key is valid: 2026-12-31T00:00:00Z, or 90d from now. (default: as before)")
    var expires: String?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if let grace, KeyTime.duration(grace) == nil {
            throw ValidationError("\"\(grace)\" is no duration: write 30m, 12h or 7d (s, m, h, d, w).")
        }
        if let expires { _ = try KeyTime.instant(expires, now: KeyTime.now()) }
    }

    func run() throws {
        let now = KeyTime.now() / 1000 * 1000
        let expiresAt = try expires.map { try KeyTime.instant($0, now: now) }
        let secret = APIKeyText.make()
        var end: Int64?
        try key.editor.edit { document throws(APIKeyFileError) in
            try document.rotate(
                key.id,
                secret: secret,
                now: now,
                grace: grace.flatMap { KeyTime.duration($0) },
                expiresAt: expiresAt
            )
            end = document.expiry(of: key.id)
        }
        Console.print(MadeKey(id: key.id, secret: secret, expiresAt: end).text(asJSON: json))
    }
}

/// `postern key hash`
struct HashKeys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hash",
        abstract: "Put hashes in the place of keys that stand in the file in the clear; they stay valid."
    )

    @Argument(help: "The file of API keys (JSON).", completion: .file())
    var file: String

    func run() throws {
        var ids: [String] = []
        try APIKeyFileEditor(path: file).edit { document throws(APIKeyFileError) in ids = try document.hashKeys() }
        Console.print(
            ids.isEmpty ? "no key stands in \(file) in the clear" : "hashed \(ids.joined(separator: ", ")) in \(file)"
        )
    }
}
