import Bytes
import EventLoop

/// Open streams whose callers may be locked out meanwhile: WebSockets, event streams, long bodies.
extension Worker {
    /// Nanoseconds between two looks at them.
    private static var interval: UInt64 { 250_000_000 }

    /// Watches over what the exchange's client has open from now on.
    mutating func watch(_ exchange: Ref<Exchange>) {
        guard exchange.value.principal.proof != .none, exchange.value.principal.proof != .address else { return }
        let client = exchange.value.client
        guard let caller = GuardedCaller(exchange.value, services) else { return }
        client.value.caller = caller
        if client.value.isWatched { return }
        client.value.isWatched = true
        if callers.isEmpty { timers.set(callerTimer, deadline: now &+ Self.interval) }
        callers.append(client.value.slot)
    }

    /// Ends what is open for those who wouldn't be let in any more.
    mutating func checkCallers() {
        let date = services.identity.date(now)
        var kept = NumberList()
        for position in 0..<callers.count {
            let slot = callers[position]
            let client = clients[slot]
            if let caller = client.value.caller {
                if caller.isStillProved(runtime, services, now: date) {
                    kept.append(slot)
                    continue
                }
                client.value.caller = nil
                evict(client)
            }
            client.value.isWatched = false
        }
        callers = kept
        if !callers.isEmpty { timers.set(callerTimer, deadline: now &+ Self.interval) }
    }

    private mutating func evict(_ client: Ref<ClientConnection>) {
        counters.add(.evictedStreams)
        services.log.notice("what client \(client.value.peer) had open ends: its caller is let in no more")
        client.value.exchange?.value.refusal = .revoked
        if client.value.state == .tunneling {
            // Policy violation (RFC 6455, section 7.4.1).
            closeWebSocket(client, code: 1008)
            if client.value.isStream { announce(client) }
            if let upstream = client.value.tunnel { endTunnel(client, upstream) }
        } else {
            abort(client)
        }
    }
}
