import EventLoop

/// One address of one server: its weight, its health, its requests in flight. Belongs to one loop.
struct Peer {
    let address: SocketAddress
    /// The line of the configuration it comes from.
    let server: Int
    let weight: Int
    let maxFails: Int
    let failTimeout: UInt64
    let isBackup: Bool
    let isDown: Bool
    let maxConnections: Int

    /// What the smooth round robin has credited so far.
    var currentWeight = 0
    /// The weight, lowered by failures and recovering by one at each choice.
    var effectiveWeight: Int
    /// Failures counted in the present window.
    var fails = 0
    /// When it last failed.
    var failedAt: UInt64 = 0
    /// When the present window began: the last failure, or the choice that opened a new one.
    var checkedAt: UInt64 = 0
    /// When the latest attempt failed; nil when it went well or none was made.
    var brokenSince: UInt64?
    /// Requests in flight.
    var connections = 0
    /// The name no longer resolves to it; it stays until its last request has ended.
    var isVanished = false
    var statistics = PeerStatistics()

    init(address: SocketAddress, server: Int, configuration: ServerConfiguration) {
        self.address = address
        self.server = server
        weight = configuration.weight
        effectiveWeight = configuration.weight
        maxFails = configuration.maxFails
        failTimeout = configuration.failTimeout
        isBackup = configuration.isBackup
        isDown = configuration.isDown
        maxConnections = configuration.maxConnections
    }

    var isFull: Bool { maxConnections > 0 && connections >= maxConnections }

    /// Whether it rests after failures. One whose rest is over counts as not resting for a single choice.
    func isResting(now: UInt64) -> Bool {
        maxFails > 0 && fails >= maxFails && elapsed(since: checkedAt, now) <= failTimeout
    }

    /// Opens a new window when the present one is over, which also makes others wait for what this choice brings.
    mutating func noteChosen(now: UInt64) {
        if elapsed(since: checkedAt, now) > failTimeout { checkedAt = now }
    }

    /// Counts a failure and lowers the weight. Answers whether that sends the peer to rest.
    mutating func noteFailure(now: UInt64) -> Bool {
        fails += 1
        failedAt = now
        checkedAt = now
        guard maxFails > 0 else { return false }
        effectiveWeight = max(0, effectiveWeight - weight / maxFails)
        return fails >= maxFails
    }

    /// Forgets the failures of an earlier window.
    mutating func noteSuccess() {
        if failedAt < checkedAt { fails = 0 }
    }
}

/// What a peer has done since it was first listed, on one loop.
package struct PeerStatistics: Sendable, Equatable {
    /// Connections that were asked for.
    package var connects: UInt64 = 0
    /// Requests sent over a connection that was kept.
    package var reuses: UInt64 = 0
    /// Kept connections that turned out to be closed.
    package var stale: UInt64 = 0
    /// Reply heads that came.
    package var successes: UInt64 = 0
    /// Attempts that failed by the peer's doing.
    package var failures: UInt64 = 0
    /// How often it was sent to rest.
    package var rests: UInt64 = 0

    package init(
        connects: UInt64 = 0,
        reuses: UInt64 = 0,
        stale: UInt64 = 0,
        successes: UInt64 = 0,
        failures: UInt64 = 0,
        rests: UInt64 = 0
    ) {
        self.connects = connects
        self.reuses = reuses
        self.stale = stale
        self.successes = successes
        self.failures = failures
        self.rests = rests
    }
}

/// Nanoseconds from `start` to `now`, 0 when `start` lies ahead.
func elapsed(since start: UInt64, _ now: UInt64) -> UInt64 {
    now > start ? now - start : 0
}
