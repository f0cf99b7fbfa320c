import Bytes
import Crypto

/// What a key that is about to be made will be.
package struct NewAPIKey: Sendable {
    package var id: String
    package var name: String
    package var permissions: [String]
    /// Milliseconds since 1970, UTC.
    package var createdAt: Int64
    /// Milliseconds since 1970, UTC; nil: never.
    package var expiresAt: Int64?
    /// Requests an hour; nil: no limit.
    package var ratePerHour: UInt32?

    package init(
        id: String,
        name: String,
        permissions: [String],
        createdAt: Int64,
        expiresAt: Int64? = nil,
        ratePerHour: UInt32? = nil
    ) {
        self.id = id
        self.name = name
        self.permissions = permissions
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.ratePerHour = ratePerHour
    }

    /// Why it can't be, or nil.
    package var flaw: String? {
        if let flaw = APIKeyRecord.flaw(id: Array(id.utf8)) { return "the id \(flaw)" }
        if name.utf8.count > APIKeyRecord.longestName {
            return "the name is longer than \(APIKeyRecord.longestName) bytes"
        }
        if ratePerHour == 0 {
            return "a rate limit of 0 would refuse every request: leave it out for no limit, or revoke the key"
        }
        return nil
    }

    /// Members of its entry in a file, in the order they are written.
    func members(hash: String) -> [String] {
        [
            "\"id\": \(JSONText.string(id))",
            "\"hash\": \"\(hash)\"",
            "\"name\": \(JSONText.string(name))",
            "\"permissions\": [\(permissions.map(JSONText.string).joined(separator: ", "))]",
            "\"created_at\": \"\(Timestamp.text(createdAt))\"",
            "\"expires_at\": \(expiresAt.map { "\"\(Timestamp.text($0))\"" } ?? "null")",
            "\"rate_limit\": \(ratePerHour.map { "\($0)" } ?? "null")",
        ]
    }

    /// What is kept of a secret.
    static func hash(_ secret: String) -> String {
        var bytes = Array(secret.utf8)
        defer { wipe(&bytes) }
        return APIKeyRecord.hashPrefix + SHA256.hash(bytes.span).hexadecimal
    }

    /// An id made of a name, such as `build-server` of "Build server", that isn't in `taken`.
    package static func id(of name: String, taken: [String]) -> String {
        var id = ""
        for byte in name.utf8.prefix(64) {
            if ASCII.isLetter(byte) || ASCII.isDigit(byte) {
                id.unicodeScalars.append(Unicode.Scalar(ASCII.lowercased(byte)))
            } else if !id.isEmpty, id.utf8.last != ASCII.hyphen {
                id += "-"
            }
        }
        while id.utf8.last == ASCII.hyphen { id.removeLast() }
        if id.isEmpty { id = "key" }
        let known = Set(taken)
        if !known.contains(id) { return id }
        var number = 2
        while known.contains("\(id)-\(number)") { number += 1 }
        return "\(id)-\(number)"
    }
}
