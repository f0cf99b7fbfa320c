/// After how many wrong credentials, and for how long, no more are looked at.
package struct FailurePolicy: BitwiseCopyable, Sendable, Equatable {
    /// Failures within a window that lock. At least 1.
    package var count: UInt32
    /// Milliseconds from the first failure of a window to its end.
    package var window: Int64
    /// Milliseconds that a lock lasts.
    package var lock: Int64

    package init(count: UInt32 = 10, window: Int64 = 60_000, lock: Int64 = 300_000) {
        self.count = count
        self.window = window
        self.lock = lock
    }
}

/// Whether credentials are looked at.
package enum LockState: Sendable, Equatable {
    case open
    /// For so many seconds more, at least 1: what `Retry-After` says.
    case locked(seconds: Int64)
}

/// What a failure has locked that was open before.
package struct NewLocks: Sendable, Equatable {
    package var place: Bool
    package var user: Bool

    package init(place: Bool = false, user: Bool = false) {
        self.place = place
        self.user = user
    }
}

/// An address or a user that is locked.
package struct LockRecord: Sendable, Equatable {
    package enum Kind: Sendable, Equatable { case address, user }

    package var kind: Kind
    /// `192.0.2.1`, `2001:db8:0:1::/64`, or a user's name (its first 64 bytes).
    package var subject: String
    /// Milliseconds since 1970, UTC.
    package var until: Int64
    /// Failures that led to the lock.
    package var failures: UInt32
}
