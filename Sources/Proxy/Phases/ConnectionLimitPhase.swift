import Bytes
import Limits

/// `limit_conn`: how many requests of one key may be under way at the same time.
///
/// Runs twice, as `LimitPhase` does: before access, and after it for limits of the proved user. What a request counts for it
/// gives back when it ends; an upgraded connection when that ends.
struct ConnectionLimitPhase {
    static func decide(_ request: RequestContext, runtime: Runtime, ofUsers: Bool) -> Decision {
        let exchange = request.exchange
        let location = request.location
        if location.value.connectionLimits.isEmpty { return .next }
        for index in 0..<location.value.connectionLimits.count {
            let limit = location.value.connectionLimits[index]
            let zone = runtime.connectionZones[Int(limit.zone)]
            guard (zone.subject.kind == .user) == ofUsers,
                let key = zone.subject.key(of: request, hash: { zone.table.key(of: $0) })
            else { continue }
            switch zone.table.acquire(key, limit: limit.count) {
            case .acquired:
                exchange.value.held.append(zone: limit.zone, key)
                if exchange.value.connectionOutcome == .none { exchange.value.connectionOutcome = .passed }
            case .limited, .full:
                // Nginx, too, counts a request in none of the zones that come after.
                if location.value.connectionLimitIsDryRun {
                    exchange.value.connectionOutcome = .rejectedDryRun
                    return .next
                }
                exchange.value.connectionOutcome = .rejected
                exchange.value.refusal = .connectionsLimited
                exchange.value.held.release(runtime)
                var reply = Reply(location.value.connectionLimitStatus)
                reply.retryAfter = 1
                return .respond(reply)
            }
        }
        return .next
    }
}

/// What a request counts for in zones of `limit_conn`.
struct HeldCounts: BitwiseCopyable {
    private(set) var count = 0
    private var zones = InlineArray<8, Int32>(repeating: 0)
    private var keys = InlineArray<8, LimitKey>(repeating: LimitKey(high: 0, low: 0))

    var isEmpty: Bool { count == 0 }

    /// Notes one that was acquired. There are no more than a location has limits.
    mutating func append(zone: Int32, _ key: LimitKey) {
        zones[count] = zone
        keys[count] = key
        count += 1
    }

    /// Gives all of them back, once.
    mutating func release(_ runtime: Runtime) {
        while count > 0 {
            count -= 1
            runtime.connectionZones[Int(zones[count])].table.release(keys[count])
        }
    }
}

/// `$limit_conn_status`
enum ConnectionOutcome: UInt8 {
    case none, passed, rejected, rejectedDryRun

    var text: StaticString {
        switch self {
        case .none: ""
        case .passed: "PASSED"
        case .rejected: "REJECTED"
        case .rejectedDryRun: "REJECTED_DRY_RUN"
        }
    }
}
