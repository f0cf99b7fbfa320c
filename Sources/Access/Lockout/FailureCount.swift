/// The wrong credentials of one address or user.
///
///     counting ──policy.count failures within policy.window──▶ locked ──policy.lock──▶ counting from zero
///
/// A window begins with its first failure. So there can be up to twice the count less two within its length, at the border of
/// two windows, without a lock.
struct FailureCount: BitwiseCopyable {
    private(set) var failures: UInt32 = 0
    private var windowEnd: Int64 = .min
    /// Zero while nothing is locked.
    private(set) var lockedUntil: Int64 = 0

    /// Seconds that the lock goes on, begun ones whole; 0 when open.
    func secondsLocked(now: Int64) -> Int64 {
        lockedUntil > now ? (lockedUntil - now - 1) / 1000 + 1 : 0
    }

    /// Counts a failure. True when it locks what was open. What is locked stays locked as long as it was going to.
    mutating func fail(_ policy: FailurePolicy, now: Int64) -> Bool {
        if lockedUntil > now { return false }
        if lockedUntil != 0 || now >= windowEnd {
            self = FailureCount()
            windowEnd = now + policy.window
        }
        failures = failures &+ 1
        guard failures >= policy.count else { return false }
        lockedUntil = now + policy.lock
        return lockedUntil > now
    }
}
