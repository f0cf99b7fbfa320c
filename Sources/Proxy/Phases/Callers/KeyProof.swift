import Access
import Bytes
import EventLoop
import HTTP
import Limits

/// API keys, in `X-API-Key` or `Authorization: Bearer`.
///
/// What is in `X-API-Key` is meant for Postern, so that it must be right. A Bearer token may be the gateway's own affair: one
/// that is no key proves nothing and passes, if something else proves the caller. One that is of our make and no good (expired,
/// unknown, mistyped) does no harm then either, but stays here.
struct KeyProof {
    static func decide(
        _ request: RequestContext,
        _ login: LoginRuntime,
        _ runtime: Runtime,
        _ services: Services
    ) -> CallerCheck.Proof {
        let exchange = request.exchange
        let field = exchange.value.head.fields.first(.xAPIKey)
        let token = exchange.value.head.fields.first(.authorization).flatMap { bearer(exchange, $0) }
        if field == nil, token == nil { return .none }
        let ring: KeyRing
        switch runtime.keySources[login.keyFile].current(now: request.now) {
        case .table(let current): ring = current
        case let state: return .decided(AccessPhase.await(.keys, state, request))
        }
        if let field {
            if exchange.value.head.fields.isRepeated(.xAPIKey) {
                exchange.value.refusal = .credentialsRepeated
                return .decided(.respond(Reply(400)))
            }
            let value = exchange.value.head.fields[field].value.range
            if let token, isOurs(exchange.value.headBytes.written.extracting(token), ring) {
                exchange.value.hidesKey = true
            }
            if let index = find(request, ring, value) {
                return take(request, login, ring, index, services)
            }
            return .decided(wrong(request, login, value, services))
        }
        guard let token else { return .none }
        if let index = find(request, ring, token) {
            exchange.value.hidesKey = true
            if ring.key(index).value.isExpired(now: services.identity.date(request.now)),
                isSession(request, login, services)
            {
                return .proved
            }
            return take(request, login, ring, index, services)
        }
        switch APIKeyText.form(exchange.value.headBytes.written.extracting(token)) {
        case .foreign: return .none
        case .malformed, .wellFormed:
            // Once one of ours, or one that was mistyped: not for the gateway's eyes. A session may still prove the caller.
            exchange.value.hidesKey = true
            if isSession(request, login, services) { return .proved }
            return .decided(wrong(request, login, token, services))
        }
    }

    /// Whether the session's cookie proves the caller, whom a Bearer token that is no good doesn't.
    private static func isSession(_ request: RequestContext, _ login: LoginRuntime, _ services: Services) -> Bool {
        if login.hasSession, case .proved = SessionProof.decide(request, login, services) { return true }
        return false
    }

    /// The key that stands at `range`: the one that the connection proved last, or else looked up.
    private static func find(
        _ request: RequestContext,
        _ ring: KeyRing,
        _ range: Range<Int>
    ) -> APIKeyTable.Index? {
        // A stream shares what its connection proved.
        let client = request.client.connection
        let proofs = request.environment.value.proofs
        let presented = request.exchange.value.headBytes.written.extracting(range)
        if let index = client.value.key.matches(presented, table: ring.number, proofs) { return index }
        guard let index = ring.table.find(presented) else { return nil }
        client.value.key.remember(presented, ring.table, proofs, index)
        return index
    }

    /// Whether a Bearer token is a key, was one, or is a mistyped one: not for the gateway's eyes.
    static func isOurs(_ token: borrowing Span<UInt8>, _ ring: KeyRing?) -> Bool {
        APIKeyText.form(token) != .foreign || ring?.table.find(token) != nil
    }

    /// Where the token stands, if the field at `index` is `Authorization: Bearer`.
    static func bearer(_ exchange: Ref<Exchange>, _ index: Int) -> Range<Int>? {
        let range = exchange.value.head.fields[index].value.range
        let value = exchange.value.headBytes.written
        guard range.count > 7, value.extracting(range.lowerBound..<(range.lowerBound + 7)).equalsIgnoringCase("bearer ")
        else { return nil }
        var start = range.lowerBound + 7
        while start < range.upperBound, value[start] == ASCII.space { start += 1 }
        return start < range.upperBound ? start..<range.upperBound : nil
    }

    private static func take(
        _ request: RequestContext,
        _ login: LoginRuntime,
        _ ring: KeyRing,
        _ index: APIKeyTable.Index,
        _ services: Services
    ) -> CallerCheck.Proof {
        let exchange = request.exchange
        let found = ring.key(index)
        let date = services.identity.date(request.now)
        exchange.value.user.clear()
        ring.appendID(found, to: &exchange.value.user)
        if found.value.isExpired(now: date) {
            return .decided(CallerAnswer.challenge(request, login, .keyExpired))
        }
        if let rule = found.value.rule {
            let key = services.identity.keyRates.key(of: exchange.value.user.readable)
            if case .reject(let retryAfter, _) = services.identity.keyRates.decide(key, rule, now: request.now) {
                exchange.value.refusal = .keyLimited
                var reply = Reply(429)
                reply.retryAfter = Int((retryAfter + 999_999_999) / 1_000_000_000)
                return .decided(.respond(reply))
            }
        }
        ring.note(index, now: date)
        exchange.value.hasUser = true
        exchange.value.principal.proof = .key
        exchange.value.principal.permissions = found.value.permissions
        exchange.value.principal.expiresAt = found.value.expiresAt
        exchange.value.principal.stamp = found.value.stamp
        return .proved
    }

    /// Says whether it is a key that nobody has, or one that was mistyped.
    private static func wrong(
        _ request: RequestContext,
        _ login: LoginRuntime,
        _ value: Range<Int>,
        _ services: Services
    ) -> Decision {
        let exchange = request.exchange
        let form = APIKeyText.form(exchange.value.headBytes.written.extracting(value))
        exchange.value.user.clear()
        if let seconds = FailureCheck.lock(request, login, services) {
            return CallerAnswer.locked(request, login, seconds: seconds)
        }
        FailureCheck.failed(request, login, services)
        return CallerAnswer.challenge(request, login, form == .malformed ? .keyMalformed : .keyUnknown)
    }
}
