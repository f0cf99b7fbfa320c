/// What is wrong with one secret. Says where it is kept and what to do, never what it is.
package struct SecretProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// The place as a configuration writes it: `env:NAME`, `file:PATH`, `secret:NAME` or `secrets PATH`.
    package let place: String
    package let message: String
    package let hint: String

    init(_ place: String, _ message: String, hint: String) {
        self.place = place
        self.message = message
        self.hint = hint
    }

    package var description: String { "\(place): \(message): \(hint)" }
}

/// Why a configuration's secrets can't be had: all that is wrong with them.
package struct SecretError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Never empty.
    package let problems: [SecretProblem]
    /// What is unwise besides.
    package let warnings: [SecretProblem]

    package var description: String { problems.map(\.description).joined(separator: "; ") }
}

extension SecretReference: CustomStringConvertible {
    /// As a configuration writes it.
    package var description: String {
        switch self {
        case .environment(let name): "env:\(name)"
        case .file(let path): "file:\(path)"
        case .named(let name): "secret:\(name)"
        }
    }
}
