import Access
import Bytes
import Limits

/// `auth_failures`: who guesses is not listened to for a while.
struct FailureCheck {
    /// Seconds for which neither this place nor this user is listened to; nil when both are.
    static func lock(_ request: RequestContext, _ login: LoginRuntime, _ services: Services) -> Int? {
        let exchange = request.exchange
        guard login.limitsFailures else { return nil }
        let verdict = services.identity.failures.check(
            place: place(exchange),
            user: exchange.value.user.readable,
            isKnownDevice: DeviceCookies.read(request, services)?.isUsers ?? false,
            now: services.identity.date(request.now)
        )
        if case .locked(let seconds) = verdict { return Int(seconds) }
        return nil
    }

    /// Credentials were wrong.
    static func failed(_ request: RequestContext, _ login: LoginRuntime, _ services: Services) {
        let exchange = request.exchange
        guard login.limitsFailures else { return }
        let locks = services.identity.failures.failed(
            place: place(exchange),
            user: exchange.value.user.readable,
            login.failures,
            now: services.identity.date(request.now)
        )
        if locks.place || locks.user { services.identity.locked(locks, exchange, login.failures) }
    }

    /// Credentials were right.
    static func succeeded(_ request: RequestContext, _ login: LoginRuntime, _ services: Services) {
        guard login.limitsFailures else { return }
        services.identity.failures.succeeded(
            place: place(request.exchange),
            user: request.exchange.value.user.readable
        )
    }

    private static func place(_ exchange: Ref<Exchange>) -> LimitKey {
        LimitKey(exchange.value.remote, ipv6PrefixLength: 64)
    }
}
