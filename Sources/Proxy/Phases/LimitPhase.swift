import Bytes
import EventLoop
import HTTP
import Limits

/// `limit_req`: every zone that is looked at together must let the request pass, else it counts in none of them.
///
/// Runs twice: before access for what is known of anyone, and after it for limits of the proved user. What counted before
/// access goes on counting when a user's own limit refuses: the request did come, and was let in.
struct LimitPhase {
    static func decide(_ request: RequestContext, runtime: Runtime, ofUsers: Bool) -> Decision {
        let exchange = request.exchange
        let location = request.location
        if location.value.limits.isEmpty { return .next }
        var delay: UInt64 = 0
        var counted = 0
        var applied = false
        while counted < location.value.limits.count {
            let limit = location.value.limits[counted]
            let zone = runtime.zones[Int(limit.zone)]
            guard (zone.subject.kind == .user) == ofUsers, let key = key(request, zone) else {
                counted += 1
                continue
            }
            applied = true
            switch zone.table.decide(key, limit.rule, now: request.now) {
            case .pass(let remaining, let resetAfter):
                note(exchange, limit.rule, remaining, resetAfter)
            case .delay(let wait, let remaining, let resetAfter):
                delay = max(delay, wait)
                note(exchange, limit.rule, remaining, resetAfter)
            case .reject(let retryAfter, let resetAfter):
                for index in 0..<counted {
                    let earlier = location.value.limits[index]
                    let zone = runtime.zones[Int(earlier.zone)]
                    if (zone.subject.kind == .user) == ofUsers, let key = self.key(request, zone) {
                        zone.table.refund(key, earlier.rule)
                    }
                }
                if location.value.limitIsDryRun {
                    exchange.value.limitOutcome = .rejectedDryRun
                    return .next
                }
                exchange.value.limitOutcome = .rejected
                exchange.value.refusal = .rateLimited
                exchange.value.rateLimit = RateLimitState()
                note(exchange, limit.rule, 0, resetAfter)
                var reply = Reply(location.value.limitStatus)
                reply.retryAfter = Int((retryAfter + 999_999_999) / 1_000_000_000)
                return .respond(reply)
            }
            counted += 1
        }
        if !applied { return .next }
        if delay == 0 {
            if exchange.value.limitOutcome == .none { exchange.value.limitOutcome = .passed }
            return .next
        }
        if location.value.limitIsDryRun {
            exchange.value.limitOutcome = .delayedDryRun
            return .next
        }
        exchange.value.limitOutcome = .delayed
        return .suspend(.until(request.now &+ delay))
    }

    /// Keeps what the tightest limit says.
    private static func note(_ exchange: Ref<Exchange>, _ rule: LimitRule, _ remaining: UInt32, _ resetAfter: UInt64) {
        if exchange.value.rateLimit.isKnown, exchange.value.rateLimit.remaining <= remaining { return }
        exchange.value.rateLimit = RateLimitState(
            isKnown: true,
            remaining: remaining,
            resetAfter: resetAfter,
            limit: rule.burst &+ 1,
            window: rule.rate.period / UInt64(rule.rate.requests) &* UInt64(rule.burst &+ 1)
        )
    }

    private static func key(_ request: RequestContext, _ zone: ZoneRuntime) -> LimitKey? {
        zone.subject.key(of: request) { zone.table.key(of: $0) }
    }
}

extension LimitKey {
    /// Whom requests from an address count for: IPv6 cut to a prefix, all of a path's socket as one.
    init(_ address: SocketAddress, ipv6PrefixLength: Int) {
        if address.family == .unix {
            // Beyond every address: ::1 and its network must not share it.
            self.init(high: .max, low: .max)
            return
        }
        let ip = address.ipBytes
        if ip.isIPv4 {
            self.init(ipv4: UInt32(truncatingIfNeeded: ip.low))
        } else {
            self.init(ipv6: (high: ip.high, low: ip.low), prefix: ipv6PrefixLength)
        }
    }
}
