/// When a request that failed at one peer goes to the next: `proxy_next_upstream`, `_tries` and `_timeout`.
///
/// Nothing is retried once a byte of the reply has come, apart from a complete head whose status or form the
/// configuration names. A request that a peer may have acted on goes out again only when its method is idempotent
/// (RFC 9110, section 9.2.2) or `non_idempotent` is set. A kept connection that breaks before any byte of the reply says
/// nothing about the peer: the same peer gets the request over a fresh connection, under the same rule, whatever the
/// configuration says of errors.
package struct RetryPolicy: Sendable, Equatable {
    /// What `proxy_next_upstream` lists. Empty is `off`.
    package struct Conditions: OptionSet, Sendable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }

        package static let error = Conditions(rawValue: 1 << 0)
        package static let timeout = Conditions(rawValue: 1 << 1)
        package static let invalidHeader = Conditions(rawValue: 1 << 2)
        package static let status500 = Conditions(rawValue: 1 << 3)
        package static let status502 = Conditions(rawValue: 1 << 4)
        package static let status503 = Conditions(rawValue: 1 << 5)
        package static let status504 = Conditions(rawValue: 1 << 6)
        package static let status403 = Conditions(rawValue: 1 << 7)
        package static let status404 = Conditions(rawValue: 1 << 8)
        package static let status429 = Conditions(rawValue: 1 << 9)
        package static let nonIdempotent = Conditions(rawValue: 1 << 10)

        /// The condition that names a reply's status, or nil when none does.
        package static func forStatus(_ status: Int) -> Conditions? {
            switch status {
            case 500: .status500
            case 502: .status502
            case 503: .status503
            case 504: .status504
            case 403: .status403
            case 404: .status404
            case 429: .status429
            default: nil
            }
        }
    }

    package var conditions: Conditions
    /// Attempts in all, the first among them; 0 is no limit.
    package var tries: Int
    /// Time from the request's first attempt after which none is begun, in nanoseconds; 0 is no limit.
    package var timeout: UInt64

    package init(conditions: Conditions = [.error, .timeout], tries: Int = 0, timeout: UInt64 = 0) {
        self.conditions = conditions
        self.tries = tries
        self.timeout = timeout
    }

    /// What is known of a request and its present attempt when that goes wrong.
    package struct Attempt: Sendable, Equatable {
        /// The connection came from the pool and had carried a request before.
        package var isReused: Bool
        /// Bytes of the request that the peer may have taken: those written, unless it is known that none was acknowledged.
        package var bytesTaken: Int
        /// Everything sent so far can be sent again: no part of the body has been let go.
        package var isReplayable: Bool
        /// The method is idempotent.
        package var isIdempotent: Bool
        /// Attempts so far, this one among them. One that ended in `retrySamePeerFresh` doesn't count.
        package var number: Int
        /// Since the first attempt began, in nanoseconds.
        package var elapsed: UInt64

        package init(
            isReused: Bool = false,
            bytesTaken: Int = 0,
            isReplayable: Bool = true,
            isIdempotent: Bool = true,
            number: Int = 1,
            elapsed: UInt64 = 0
        ) {
            self.isReused = isReused
            self.bytesTaken = bytesTaken
            self.isReplayable = isReplayable
            self.isIdempotent = isIdempotent
            self.number = number
            self.elapsed = elapsed
        }
    }

    package enum Decision: Sendable, Equatable {
        /// Ask for another peer. When none is left, the request ends with this failure's status.
        case retryOther
        /// The kept connection was stale: connect to the same peer. Neither counts as an attempt nor against the peer.
        case retrySamePeerFresh
        case giveUp(status: Int)
    }

    /// Decides what follows a failed attempt.
    package func decide(_ failure: UpstreamFailure, _ attempt: Attempt) -> Decision {
        let giveUp = Decision.giveUp(status: failure.status)
        switch failure.stage {
        case .choosing, .afterHead:
            return giveUp
        case .readingHead:
            // The reply has begun. Only one that can't be read may be asked for elsewhere, and only by configuration.
            guard case .badHead = failure.cause else { return giveUp }
        case .connecting, .sendingRequest, .waitingForHead:
            break
        }
        guard let condition = condition(for: failure.cause), mayRepeat(attempt) else { return giveUp }
        if attempt.isReused && failure.isBreak { return .retrySamePeerFresh }
        return conditions.contains(condition) && hasBudget(attempt) ? .retryOther : giveUp
    }

    /// Whether a complete head with this status, of which the client has seen nothing, is dropped and the next peer asked.
    package func retries(status: Int, _ attempt: Attempt) -> Bool {
        guard let condition = Conditions.forStatus(status) else { return false }
        return conditions.contains(condition) && mayRepeat(attempt) && hasBudget(attempt)
    }

    private func condition(for cause: UpstreamFailure.Cause) -> Conditions? {
        switch cause {
        case .refused, .system, .closedEarly, .tls: .error
        case .timedOut: .timeout
        case .badHead: .invalidHeader
        case .unresolved, .noLivePeers: nil
        }
    }

    private func mayRepeat(_ attempt: Attempt) -> Bool {
        if attempt.bytesTaken == 0 { return attempt.isReplayable }
        return attempt.isReplayable && (attempt.isIdempotent || conditions.contains(.nonIdempotent))
    }

    private func hasBudget(_ attempt: Attempt) -> Bool {
        (tries == 0 || attempt.number < tries) && (timeout == 0 || attempt.elapsed < timeout)
    }
}
