/// How a new stored password is to be made.
package enum PasswordRecipe: Sendable, Hashable {
    /// `$2y$` with 2 to the power of `cost` rounds; 4 to 31.
    case bcrypt(cost: Int)
    /// `$apr1$`, for what can read nothing better.
    case apr1
    /// `$6$` with libcrypt's default of 5000 rounds.
    case sha512
    /// `$y$` with libcrypt's default cost.
    case yescrypt

    /// What is made when nobody asks for anything else.
    package static var standard: PasswordRecipe { .bcrypt(cost: 12) }

    /// Bytes a password may have: beyond 72 bcrypt would ignore them in silence.
    package var maximumPasswordCount: Int {
        switch self {
        case .bcrypt: 72
        case .apr1, .sha512, .yescrypt: 511
        }
    }

    /// The prefix that libcrypt knows it by; nil where we do it ourselves.
    var prefix: String? {
        switch self {
        case .bcrypt: "$2y$"
        case .apr1: nil
        case .sha512: "$6$"
        case .yescrypt: "$y$"
        }
    }

    /// The cost parameter; 0 is libcrypt's default.
    var count: UInt {
        if case .bcrypt(let cost) = self { UInt(cost.magnitude) } else { 0 }
    }
}

/// Why a password can't be stored.
package enum PasswordError: Error, Sendable, Equatable, CustomStringConvertible {
    case empty
    case containsNul
    case tooLong(count: Int, limit: Int)
    /// libcrypt refuses the recipe, for a cost out of range or a scheme it was built without.
    case unsupported(PasswordRecipe)

    package var description: String {
        switch self {
        case .empty: "the password is empty"
        case .containsNul: "the password contains a NUL byte"
        case .tooLong(let count, let limit):
            "the password has \(count) bytes, and only the first \(limit) would count: choose a shorter one"
        case .unsupported(let recipe):
            "libcrypt can't make \(recipe): its cost is out of range, or the scheme is missing"
        }
    }
}
