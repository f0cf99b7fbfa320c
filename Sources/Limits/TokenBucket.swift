/// What a limit says of one request.
package enum LimitDecision: Sendable, Equatable {
    /// It passes. So many more would pass at this instant; in `resetAfter` nanoseconds the whole burst is there again.
    case pass(remaining: UInt32, resetAfter: UInt64)
    /// It passes after waiting so many nanoseconds. It counts already.
    case delay(UInt64, remaining: UInt32, resetAfter: UInt64)
    /// It doesn't pass and doesn't count; one that comes in `retryAfter` nanoseconds would, if no other comes before it.
    case reject(retryAfter: UInt64, resetAfter: UInt64)

    package var isReject: Bool {
        if case .reject = self { return true }
        return false
    }
}

/// One bucket of Nginx's `limit_req`, exact to the fraction of a nanosecond.
///
/// Nginx counts an `excess` that each request raises by one and that drains at the rate. Here the same figure is a time: the
/// instant at which the bucket will have drained. A request that comes earlier exceeds the rate by the time left, counted in
/// the cost of a request; it is rejected when that is more than the burst.
package struct TokenBucket: Sendable, Equatable, BitwiseCopyable {
    /// When the bucket will be empty: nanoseconds of the caller's clock, and a part over the rate's `requests`.
    private var drained = ExactDuration()

    /// A bucket that is empty since ever.
    package init() {}

    /// Takes one request into account, unless it is rejected. `now` in nanoseconds; must not fall between calls.
    package mutating func take(_ rule: LimitRule, now: UInt64) -> LimitDecision {
        let requests = rule.rate.requests
        // The rate may have changed by a reload; the part is then over another denominator.
        if drained.part >= requests { drained = ExactDuration(nanoseconds: drained.nanoseconds &+ 1) }
        var backlog = ExactDuration()
        if drained.nanoseconds >= now {
            backlog = ExactDuration(nanoseconds: drained.nanoseconds &- now, part: drained.part)
            if backlog.exceeds(rule.burstCost) {
                var wait = backlog
                wait.subtract(rule.burstCost, over: requests)
                return .reject(retryAfter: wait.roundedUp, resetAfter: backlog.roundedUp)
            }
        }
        var wait = ExactDuration()
        if backlog.exceeds(rule.delayCost) {
            wait = backlog
            wait.subtract(rule.delayCost, over: requests)
        }
        backlog.add(rule.rate.cost, over: requests)
        drained = ExactDuration(nanoseconds: now &+ backlog.nanoseconds, part: backlog.part)
        let remaining = Self.remaining(rule, backlog)
        if wait == ExactDuration() { return .pass(remaining: remaining, resetAfter: backlog.roundedUp) }
        return .delay(wait.roundedUp, remaining: remaining, resetAfter: backlog.roundedUp)
    }

    /// Takes back one request that `take` has let through, because another limit rejected it.
    package mutating func giveBack(_ rule: LimitRule) {
        let cost = rule.rate.cost
        guard drained.exceeds(cost), drained.part < rule.rate.requests else { return }
        drained.subtract(cost, over: rule.rate.requests)
    }

    /// How many more requests would pass on top of `backlog`: burst + 1 - ⌈backlog / cost⌉.
    private static func remaining(_ rule: LimitRule, _ backlog: ExactDuration) -> UInt32 {
        // At most (burst + 1) × period, which the rule has checked.
        let parts = backlog.nanoseconds &* UInt64(rule.rate.requests) &+ UInt64(backlog.part)
        let used = (parts &+ (rule.rate.period &- 1)) / rule.rate.period
        let whole = UInt64(rule.burst) &+ 1
        return used >= whole ? 0 : UInt32(whole &- used)
    }
}
