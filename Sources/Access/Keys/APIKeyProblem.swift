import Bytes

/// Something about a file of API keys that its author should know of. Never says what a key is.
package struct APIKeyProblem: Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The entry isn't an object.
        case notAnObject
        case missing(field: String)
        /// The field has another type than it must have.
        case expected(field: String, what: String)
        case twice(field: String)
        case id(reason: String)
        case bothKeyAndHash
        case key(reason: String)
        case hash
        case unknownPermission(String, known: [String])
        case time(field: String)
        case rate(String)
        /// The first one counts.
        case duplicateID(first: TextPosition)
        /// Another entry, which counts, has the same secret.
        case duplicateKey(first: String)

        case clear
        case short
        case noPermissions
        case likely(field: String, meant: String)
        case createdAt
        /// The file's mode lets strangers read or change it.
        case mode(UInt32, path: String)
    }

    /// Where the entry or its field begins; nil for what concerns the file as such.
    package let position: TextPosition?
    /// The key's id, control characters replaced; empty where it has none.
    package let id: String
    package let kind: Kind

    package init(position: TextPosition?, id: String, kind: Kind) {
        self.position = position
        self.id = id
        self.kind = kind
    }

    /// Whether a key counts for nothing because of it; the rest is advice.
    package var isError: Bool {
        switch kind {
        case .clear, .short, .noPermissions, .likely, .createdAt, .mode: false
        case .notAnObject, .missing, .expected, .twice, .id, .bothKeyAndHash, .key, .hash, .unknownPermission, .time,
            .rate, .duplicateID, .duplicateKey:
            true
        }
    }

    package var description: String {
        var text = position.map { "\($0): " } ?? ""
        if !id.isEmpty { text += "key \"\(id)\": " }
        return text + Self.text(kind) + (isError ? "; the key is ignored" : "")
    }

    private static func text(_ kind: Kind) -> String {
        switch kind {
        case .notAnObject: "expected an object for each key"
        case .missing(let field): "there is no \"\(field)\""
        case .expected(let field, let what): "\"\(field)\" must be \(what)"
        case .twice(let field): "\"\(field)\" is there twice"
        case .id(let reason): "the id \(reason)"
        case .bothKeyAndHash: "it has both \"key\" and \"hash\": remove one"
        case .key(let reason): "the key \(reason)"
        case .hash: "\"hash\" must be \"sha256:\" and 64 hexadecimal digits"
        case .unknownPermission(let name, let known):
            "there is no permission \"\(printable(name))\"; known are \(known.joined(separator: ", "))"
        case .time(let field):
            "\"\(field)\" must be null or a time such as \"2026-12-31T00:00:00Z\", with Z or an offset"
        case .rate(let digits):
            digits == "0"
                ? "a \"rate_limit\" of 0 would refuse every request: write null for no limit, or revoke the key"
                : "\"rate_limit\" must be null or a whole number of requests an hour, from 1 to \(UInt32.max)"
        case .duplicateID(let first): "the id is there already (\(first)), and that one counts"
        case .duplicateKey(let first): "it has the same key as \"\(first)\", which counts"
        case .clear: "the key stands in the file in the clear: run \"postern key hash FILE\""
        case .short: "the key has fewer than \(APIKeyFile.safeLength) characters, so it might be guessed"
        case .noPermissions: "it has no permissions, so it may do nothing"
        case .likely(let field, let meant): "\"\(printable(field))\" is ignored; was \"\(meant)\" meant?"
        case .createdAt: "\"created_at\" is no time such as \"2026-12-31T00:00:00Z\" and is ignored"
        case .mode(let mode, let path):
            "the file has mode 0\(String(mode, radix: 8)), so others on this machine can "
                + "\(mode & 0o022 == 0 ? "read" : "read or change") it: run \"chmod 600 \(path)\" as its owner"
        }
    }

    /// `text` without control characters, cut to a line's length.
    static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(128).map { isControl($0) ? "?" : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
