import Access
import ArgumentParser
import Glibc

/// `postern key`
struct Key: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Edit a file of API keys, safely while Postern runs and while others edit it.",
        discussion:
            "A change counts from the next request on; nothing needs a reload. A key is shown once, when it is made.",
        subcommands: [AddKey.self, ListKeys.self, KeyUses.self, RevokeKey.self, RotateKey.self, HashKeys.self]
    )
}

/// The file and the key.
struct KeyArguments: ParsableArguments {
    @Argument(help: "The file of API keys (JSON).", completion: .file())
    var file: String

    @Argument(help: "The key's id.")
    var id: String

    var editor: APIKeyFileEditor { APIKeyFileEditor(path: file) }
}

/// Times as options have them.
enum KeyTime {
    /// Milliseconds since 1970, UTC.
    static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// The milliseconds of `45s`, `30m`, `12h`, `90d` or `2w`; nil for anything else, for 0, and for more than 100 years.
    static func duration(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        guard let last = text.last, let unit = units[last], let count = Int64(text.dropLast()),
            text.utf8.first.map({ $0 != UInt8(ascii: "+") }) == true, count > 0, count <= 100 * 366 * 86_400 / unit
        else { return nil }
        return count * unit * 1000
    }

    /// The instant that `text` names, or that lies so far after `now`. Throws what is wrong with it.
    static func instant(_ text: String, now: Int64) throws(ValidationError) -> Int64 {
        if let duration = duration(text) { return now / 1000 * 1000 + duration }
        let bytes = Array(text.utf8)
        guard let instant = Timestamp.parse(bytes.span) else {
            throw ValidationError(
                "\"\(text)\" is no time: write 2026-12-31T00:00:00Z, or 90d from now (s, m, h, d, w)."
            )
        }
        if instant <= now { throw ValidationError("\(text) has passed; the key would never be valid.") }
        return instant
    }
}

/// What is shown of a key that was made: this once.
struct MadeKey {
    let id: String
    let secret: String
    /// Milliseconds since 1970, UTC.
    let expiresAt: Int64?

    /// One line for each fact, the key last; or one JSON object.
    func text(asJSON: Bool) -> String {
        let expires = expiresAt.map { Timestamp.text($0) }
        if asJSON {
            let time = expires.map { "\"\($0)\"" } ?? "null"
            return "{\"id\": \(JSONText.string(id)), \"key\": \"\(secret)\", \"expires_at\": \(time)}"
        }
        return "id \(id)\nexpires \(expires ?? "never")\nkey \(secret)"
    }
}
