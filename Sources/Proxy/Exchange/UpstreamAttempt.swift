import EventLoop

/// One attempt to have a reply from an upstream, as `$upstream_…` tell of it. Instants in nanoseconds, 0 for those that
/// never came.
struct UpstreamAttempt: BitwiseCopyable {
    /// nil where no peer could be chosen.
    var address: SocketAddress?
    /// What the upstream answered, or what its failure stands for; 0 for neither.
    var status: Int
    var startedAt: UInt64
    var connectedAt: UInt64
    var headReceivedAt: UInt64
    var endedAt: UInt64
    /// Of the reply's body.
    var bodyBytes: UInt64
    var bytesReceived: UInt64
    var bytesSent: UInt64
}

extension Exchange {
    /// Attempts of a request that are remembered: all but the last of these, and the one that was made last.
    static var attemptLimit: Int { 16 }

    /// Whether an upstream was to be asked at all.
    var hasAttempt: Bool { attemptStartedAt > 0 }

    /// The attempt under way, or the last one.
    var attempt: UpstreamAttempt {
        UpstreamAttempt(
            address: lastUpstreamAddress,
            status: lastUpstreamStatus,
            startedAt: attemptStartedAt,
            connectedAt: connectedAt,
            headReceivedAt: headReceivedAt,
            endedAt: upstreamEndedAt,
            bodyBytes: headReceivedAt > 0 ? upstreamBytes : 0,
            bytesReceived: upstreamHeadBytes + upstreamBytes,
            bytesSent: upstreamBytesSent
        )
    }

    /// Begins an attempt. One before it has ended by now, and is kept for the logs.
    mutating func beginAttempt(now: UInt64) {
        if hasAttempt { keepAttempt(now: now) }
        attemptStartedAt = now
        connectedAt = 0
        headReceivedAt = 0
        upstreamEndedAt = 0
    }

    private mutating func keepAttempt(now: UInt64) {
        upstreamEndedAt = now
        if earlierAttempts.count + 1 < Self.attemptLimit { earlierAttempts.append(attempt) }
        lastUpstreamStatus = 0
        lastUpstreamAddress = nil
        upstreamBytes = 0
        upstreamHeadBytes = 0
        upstreamBytesSent = 0
    }
}
