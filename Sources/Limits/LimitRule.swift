/// How many requests a period allows, exactly.
///
/// What one request costs is `period / requests` nanoseconds. The remainder of that division is kept as a numerator over
/// `requests`, so that three requests a second stay three requests a second for ever.
package struct LimitRate: Sendable, Hashable, BitwiseCopyable {
    /// Requests in a period, after both are divided by their greatest common divisor.
    package let requests: UInt32
    /// Nanoseconds in that period.
    package let period: UInt64
    /// What one request costs.
    let cost: ExactDuration

    /// Nil when either is zero, the period exceeds 366 days, or `requests` exceeds 2³¹.
    package init?(requests: UInt64, per period: UInt64) {
        guard requests > 0, requests <= 1 << 31, period > 0, period <= 366 * 86_400_000_000_000 else { return nil }
        var (left, right) = (requests, period)
        while right != 0 { (left, right) = (right, left % right) }
        self.requests = UInt32(requests / left)
        self.period = period / left
        cost = ExactDuration(
            nanoseconds: self.period / UInt64(self.requests),
            part: UInt32(self.period % UInt64(self.requests))
        )
    }

    /// So many requests in each second. Nil for zero and beyond 2³¹.
    package static func perSecond(_ requests: UInt64) -> LimitRate? {
        LimitRate(requests: requests, per: 1_000_000_000)
    }
    /// So many requests in each minute. Nil for zero and beyond 2³¹.
    package static func perMinute(_ requests: UInt64) -> LimitRate? {
        LimitRate(requests: requests, per: 60_000_000_000)
    }
    /// So many requests in each hour. Nil for zero and beyond 2³¹.
    package static func perHour(_ requests: UInt64) -> LimitRate? {
        LimitRate(requests: requests, per: 3_600_000_000_000)
    }

    /// What `count` requests cost, or nil when that exceeds 2⁶² nanoseconds.
    func cost(of count: UInt32) -> ExactDuration? {
        let (product, overflow) = period.multipliedReportingOverflow(by: UInt64(count))
        guard !overflow, product < 1 << 62 else { return nil }
        return ExactDuration(nanoseconds: product / UInt64(requests), part: UInt32(product % UInt64(requests)))
    }
}

/// Which requests of a burst wait until the rate has room for them (`nodelay` and `delay=` of Nginx's `limit_req`).
package enum LimitDelay: Sendable, Hashable, BitwiseCopyable {
    /// None waits: `nodelay`.
    case none
    /// Those beyond the first so many wait: `delay=N`.
    case after(UInt32)
    /// Every request beyond the rate waits: the default of `limit_req`.
    case all
}

/// A rate, how far it may be exceeded, and which of the exceeding requests wait.
package struct LimitRule: Sendable, Hashable, BitwiseCopyable {
    package let rate: LimitRate
    /// Requests beyond the rate that still pass.
    package let burst: UInt32
    package let delay: LimitDelay
    /// What the burst costs: a bucket that is fuller rejects.
    let burstCost: ExactDuration
    /// What the part of the burst that doesn't wait costs.
    let delayCost: ExactDuration

    /// Nil when draining the burst would take more than 2⁶² nanoseconds.
    package init?(rate: LimitRate, burst: UInt32 = 0, delay: LimitDelay = .all) {
        // One request more than the burst must fit too: that is the fullest a bucket gets.
        guard burst < .max, rate.cost(of: burst + 1) != nil, let burstCost = rate.cost(of: burst) else { return nil }
        self.rate = rate
        self.burst = burst
        self.delay = delay
        self.burstCost = burstCost
        switch delay {
        case .none: delayCost = burstCost
        case .after(let count): delayCost = rate.cost(of: min(count, burst)) ?? burstCost
        case .all: delayCost = ExactDuration()
        }
    }
}

/// A duration in nanoseconds and a numerator over some rate's `requests`. `part` is less than that.
struct ExactDuration: Sendable, Hashable, BitwiseCopyable {
    var nanoseconds: UInt64 = 0
    var part: UInt32 = 0

    /// Whole nanoseconds, rounded up.
    var roundedUp: UInt64 { part == 0 ? nanoseconds : nanoseconds + 1 }

    func exceeds(_ other: ExactDuration) -> Bool {
        nanoseconds > other.nanoseconds || (nanoseconds == other.nanoseconds && part > other.part)
    }

    /// Adds `other`; both count parts over `denominator`.
    mutating func add(_ other: ExactDuration, over denominator: UInt32) {
        nanoseconds &+= other.nanoseconds
        // Denominators are at most 2³¹, so the sum of two parts fits.
        part &+= other.part
        if part >= denominator {
            part &-= denominator
            nanoseconds &+= 1
        }
    }

    /// Subtracts `other`, which must not be greater; both count parts over `denominator`.
    mutating func subtract(_ other: ExactDuration, over denominator: UInt32) {
        nanoseconds &-= other.nanoseconds
        if part < other.part {
            nanoseconds &-= 1
            part &+= denominator
        }
        part &-= other.part
    }
}
