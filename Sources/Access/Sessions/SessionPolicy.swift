/// How long sessions last, and how many one user may have.
package struct SessionPolicy: Sendable, Equatable {
    /// Milliseconds from the login after which a session ends however much it is used. At least 1.
    package var timeout: Int64
    /// Milliseconds without use after which it ends; 0 for no such limit.
    package var idle: Int64
    /// Live sessions of one user of one realm at the most; 0 for no limit but the table's.
    package var maxConcurrent: Int
    /// Whether one more login ends the user's least recently used session, or is refused.
    package var evictsOldest: Bool

    package init(
        timeout: Int64 = 7_200_000,
        idle: Int64 = 1_800_000,
        maxConcurrent: Int = 10,
        evictsOldest: Bool = true
    ) {
        self.timeout = timeout
        self.idle = idle
        self.maxConcurrent = maxConcurrent
        self.evictsOldest = evictsOldest
    }
}
