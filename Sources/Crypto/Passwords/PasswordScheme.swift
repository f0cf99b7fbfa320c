/// The forms of stored passwords that can be verified.
package enum PasswordScheme: Sendable, Hashable, CaseIterable {
    /// Apache's variant of MD5 crypt: `$apr1$`.
    case apr1
    /// MD5 crypt: `$1$`.
    case md5crypt
    /// bcrypt: `$2a$`, `$2b$`, `$2y$`.
    case bcrypt
    /// SHA-256 crypt: `$5$`.
    case sha256crypt
    /// SHA-512 crypt: `$6$`.
    case sha512crypt
    /// yescrypt: `$y$`.
    case yescrypt
    /// Base64 of an unsalted SHA-1: `{SHA}`.
    case sha1
    /// Base64 of a SHA-1 of password and salt, then the salt: `{SSHA}`.
    case saltedSHA1
    /// The password itself: `{PLAIN}`.
    case plain
    /// Traditional DES crypt: thirteen characters without a prefix.
    case des

    /// What people call it.
    package var name: StaticString {
        switch self {
        case .apr1: "apr1"
        case .md5crypt: "MD5 crypt"
        case .bcrypt: "bcrypt"
        case .sha256crypt: "SHA-256 crypt"
        case .sha512crypt: "SHA-512 crypt"
        case .yescrypt: "yescrypt"
        case .sha1: "{SHA}"
        case .saltedSHA1: "{SSHA}"
        case .plain: "{PLAIN}"
        case .des: "DES crypt"
        }
    }
}

/// Why a stored password gives little protection, or costs too much to check.
package enum PasswordWeakness: Sendable, Hashable {
    /// `{PLAIN}`: whoever reads the file has the password.
    case plainText
    /// `{SHA}`: equal passwords look equal, and tables of all common ones exist.
    case unsalted
    /// `{SSHA}`: one round of a fast digest.
    case fast
    /// DES crypt: all but the first eight characters count for nothing.
    case eightCharacters
    /// `$1$`, `$apr1$`: a thousand rounds of MD5, which graphics cards try by the million each second.
    case outdated
    /// bcrypt with a cost below 10, or SHA crypt with fewer than 5000 rounds.
    case cheap
    /// Takes more than two seconds to check.
    case excessive

    /// One sentence for whoever runs the server.
    package var note: StaticString {
        switch self {
        case .plainText: "the password is stored as it is; whoever reads the file has it"
        case .unsalted: "an unsalted SHA-1 can be looked up in tables"
        case .fast: "a single round of SHA-1 can be tried billions of times a second"
        case .eightCharacters: "DES crypt ignores all but the first eight characters"
        case .outdated: "a thousand rounds of MD5 no longer slow anyone down"
        case .cheap: "its cost is below what is advised today"
        case .excessive: "checking it takes more than two seconds"
        }
    }
}
