/// A token bucket for what a client may do without getting anywhere.
struct HTTP2Budget: Sendable {
    private let burst: UInt32
    private let rate: UInt32
    private var tokens: UInt32
    private var refilledAt: UInt64
    private var progress: UInt32 = 0

    init(burst: UInt32, rate: UInt32, now: UInt64) {
        self.burst = burst
        self.rate = rate
        tokens = burst
        refilledAt = now
    }

    /// Takes one token; false when none is left.
    mutating func take(_ now: UInt64) -> Bool {
        refill(now)
        guard tokens > 0 else { return false }
        tokens -= 1
        return true
    }

    private mutating func refill(_ now: UInt64) {
        guard now > refilledAt else { return }
        let second: UInt64 = 1_000_000_000
        let elapsed = now - refilledAt
        if rate == 0 || elapsed / second > UInt64(burst) {
            if rate > 0 { tokens = burst }
            refilledAt = now
            return
        }
        let earned = elapsed * UInt64(rate) / second
        if earned == 0 { return }
        if earned >= UInt64(burst - tokens) {
            tokens = burst
            refilledAt = now
        } else {
            tokens += UInt32(earned)
            // What is left of a token counts on.
            refilledAt += earned * second / UInt64(rate)
        }
    }

    /// Earns one token for each `price` bytes that moved.
    mutating func earn(_ bytes: Int, price: UInt32) {
        progress &+= UInt32(truncatingIfNeeded: min(bytes, 1 << 24))
        if progress < price { return }
        let earned = progress / max(price, 1)
        progress -= earned * max(price, 1)
        tokens = min(burst, tokens &+ min(earned, burst))
    }
}
