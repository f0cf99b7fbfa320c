import Bytes
import Crypto

/// One entry of a file of API keys, as it counts.
struct APIKeyRecord {
    var id: [UInt8] = []
    var name: [UInt8] = []
    var digest = Digest32((0, 0, 0, 0))
    var permissions: PermissionSet = []
    var createdAt: Int64?
    var expiresAt: Int64?
    var ratePerHour: UInt32?

    /// Bytes an id may have.
    static let longestID = 128
    /// Bytes a name may have.
    static let longestName = 256
    /// What Postern reads of an entry.
    static let fields = ["id", "key", "hash", "name", "permissions", "created_at", "expires_at", "rate_limit"]
    /// Before the 64 digits of a digest.
    static let hashPrefix = "sha256:"

    /// The first reason why `id` can't be one, or nil. It goes into headers and logs, so it is plain.
    static func flaw(id: [UInt8]) -> String? {
        if id.isEmpty { return "is empty" }
        if id.count > longestID { return "is longer than \(longestID) bytes" }
        if !id.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != ASCII.quote && $0 != ASCII.comma && $0 != ASCII.backslash })
        {
            return "has characters other than visible ASCII, or a quote, a comma or a backslash"
        }
        return nil
    }

    /// The first reason why `key` can't be one, or nil.
    static func flaw(key: [UInt8]) -> String? {
        if key.isEmpty { return "is empty" }
        if key.count > APIKeyTable.longestKey { return "is longer than \(APIKeyTable.longestKey) bytes" }
        if !key.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            return "has spaces or characters other than visible ASCII, which no client can send"
        }
        if APIKeyText.form(key.span) == .malformed {
            return "starts with \"\(APIKeyText.prefix)\" but isn't whole or was mistyped: its checksum is wrong"
        }
        return nil
    }

    /// The digest that the text of a `hash` field stands for, or nil.
    static func digest(hash: [UInt8]) -> Digest32? {
        guard hash.starts(with: hashPrefix.utf8), hash.count == hashPrefix.utf8.count + 64 else { return nil }
        let digits = Array(hash.dropFirst(hashPrefix.utf8.count))
        guard let bytes = Hexadecimal.decode(digits.span) else { return nil }
        return Digest32(bytes.span)
    }
}
