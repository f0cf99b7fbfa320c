import Bytes

/// Whether credentials are a user's: at once when they were verified before, otherwise by a hash to be computed elsewhere.
package enum PasswordCheck {
    package enum Decision: Sendable {
        case granted
        case refused(Refusal)
        /// Run this on the hashing threads. Access is granted if its outcome says so.
        case needsHash(HashJob)
    }

    /// Why nobody is let in without further ado.
    package enum Refusal: Sendable, Equatable {
        /// The table has no user who could log in.
        case noUsers
    }

    /// Decides on credentials that `parse` has taken in; `now` in nanoseconds. Wipe the credentials afterwards.
    ///
    /// An unknown name, or one whose stored password can't be verified, gets a hash to compute as well, whose outcome is
    /// always a refusal: so it takes as long as a wrong password.
    package static func decide(
        _ credentials: borrowing BasicCredentials,
        _ table: PasswordTable,
        _ cache: CredentialCache,
        now: UInt64
    ) -> Decision {
        let text = credentials.decoded.written
        let name = text.extracting(credentials.user)
        let password = text.extracting(credentials.password)
        if let user = table.find(name), table.hash(of: user) != nil {
            return table.withStored(user) { stored in
                let digest = cache.digest(user: name, stored: stored, password: password)
                if cache.contains(digest, now: now) { return .granted }
                return .needsHash(
                    HashJob(digest: digest, stored: stored, password: password, isDummy: false, cache: cache)
                )
            }
        }
        let job = table.withDummy { stored in
            let digest = cache.digest(user: name, stored: stored, password: password)
            // Asked in vain, because a known name's would be.
            _ = cache.contains(digest, now: now)
            return HashJob(digest: digest, stored: stored, password: password, isDummy: true, cache: cache)
        }
        return job.map { .needsHash($0) } ?? .refused(.noUsers)
    }
}
