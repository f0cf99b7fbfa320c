import Bytes
package import Crypto

/// A password to be tried against a stored one, away from the loops.
package final class HashJob: Sendable {
    /// Stands for name, stored password and password: equal jobs have equal ones.
    package let digest: Digest32
    private let stored: SecretBytes
    private let password: SecretBytes
    private let isDummy: Bool
    private let cache: CredentialCache?

    /// A dummy takes as long as any other and always fails. Successes are put into `cache`.
    package init(
        digest: Digest32,
        stored: borrowing Span<UInt8>,
        password: borrowing Span<UInt8>,
        isDummy: Bool,
        cache: CredentialCache?
    ) {
        self.digest = digest
        self.stored = SecretBytes(stored)
        self.password = SecretBytes(password)
        self.isDummy = isDummy
        self.cache = cache
    }

    /// Hashes. Blocks for as long as the scheme takes. `now` gives the time at its end, in nanoseconds.
    package func run(_ verifier: inout PasswordVerifier, now: () -> UInt64) -> Bool {
        let fits = password.withBytes { password in
            stored.withBytes { verifier.verify(password: password, against: $0) }
        }
        guard fits, !isDummy else { return false }
        cache?.insert(digest, now: now())
        return true
    }
}
