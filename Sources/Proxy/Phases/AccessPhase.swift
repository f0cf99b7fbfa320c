import Access
import Bytes
import EventLoop
import HTTP
import Limits

/// `allow`, `deny` and `auth_basic`: may this address, is this a user.
struct AccessPhase {
    /// Nanoseconds that a request waits for a password file to be read.
    static let readingPatience: UInt64 = 5_000_000_000

    static func decide(_ request: RequestContext, runtime: Runtime, services: Services) -> Decision {
        let location = request.location
        let isAllowed = isAddressAllowed(request.exchange.value.remote, location)
        if location.value.satisfiesAny, isAllowed == true { return .next }
        if !location.value.satisfiesAny || !location.value.hasAuth, isAllowed == false {
            request.exchange.value.refusal = .addressDenied
            return .respond(Reply(403))
        }
        guard location.value.hasAuth else { return .next }
        return authenticate(request, runtime, services)
    }

    /// What the address rules say; nil when there are none, or none fits.
    private static func isAddressAllowed(_ address: SocketAddress, _ location: Ref<LocationRuntime>) -> Bool? {
        let ip = address.ipBytes
        for index in 0..<location.value.addressChecks.count {
            let check = location.value.addressChecks[index]
            let fits =
                switch check.subject {
                case .all: true
                case .unix: address.family == .unix
                case .range: address.family != .unix && check.range.contains(high: ip.high, low: ip.low)
                }
            if fits { return check.isAllowed }
        }
        return nil
    }

    private static func authenticate(_ request: RequestContext, _ runtime: Runtime, _ services: Services) -> Decision {
        let exchange = request.exchange
        switch exchange.value.hashOutcome {
        case .matches:
            exchange.value.hashJob = nil
            exchange.value.hasUser = true
            return .next
        case .differs: return challenge(exchange, .credentialsWrong)
        case .shed:
            exchange.value.refusal = .hashQueueFull
            var reply = Reply(503)
            reply.retryAfter = 1
            return .respond(reply)
        case .none: break
        }
        let table: PasswordTable
        switch runtime.passwordFiles[request.location.value.passwordFile].current(now: request.now) {
        case .table(let current): table = current
        case .changed:
            if exchange.value.passwordDeadline == 0 { exchange.value.passwordDeadline = request.now &+ readingPatience }
            if request.now < exchange.value.passwordDeadline { return .suspend(.passwords) }
            exchange.value.refusal = .passwordFileUnavailable
            var reply = Reply(503)
            reply.retryAfter = 1
            return .respond(reply)
        case .missing:
            exchange.value.refusal = .passwordFileUnavailable
            return .respond(Reply(403))
        case .unreadable:
            exchange.value.refusal = .passwordFileUnavailable
            return .respond(Reply(500))
        }
        guard let index = exchange.value.head.fields.first(.authorization) else {
            return challenge(exchange, .credentialsMissing)
        }
        if exchange.value.head.fields.isRepeated(.authorization) {
            exchange.value.refusal = .credentialsRepeated
            return .respond(Reply(400))
        }
        let value = exchange.value.head.fields[index].value.range
        let environment = request.environment
        // A stream shares what its connection proved.
        let client = request.client.connection
        if client.value.proved.matches(
            exchange.value.headBytes.written.extracting(value),
            table,
            environment.value.proofs
        ) {
            exchange.value.user.clear()
            exchange.value.user.append(client.value.proved.user.readable)
            exchange.value.hasUser = true
            return .next
        }
        defer { environment.value.credentials.wipe() }
        switch environment.value.credentials.parse(exchange.value.headBytes.written.extracting(value)) {
        case .otherScheme: return challenge(exchange, .credentialsMissing)
        case .malformed: return challenge(exchange, .credentialsWrong)
        case .parsed: break
        }
        exchange.value.user.clear()
        exchange.value.user.append(
            environment.value.credentials.decoded.written.extracting(environment.value.credentials.user)
        )
        switch PasswordCheck.decide(environment.value.credentials, table, services.credentials, now: request.now) {
        case .granted:
            exchange.value.hasUser = true
            client.value.proved.remember(
                exchange.value.headBytes.written.extracting(value),
                table,
                environment.value.proofs,
                user: exchange.value.user.readable
            )
            return .next
        case .refused: return challenge(exchange, .credentialsWrong)
        case .needsHash(let job):
            exchange.value.hashJob = job
            return .suspend(.hashing)
        }
    }

    private static func challenge(_ exchange: Ref<Exchange>, _ refusal: Refusal) -> Decision {
        exchange.value.refusal = refusal
        exchange.value.hashJob = nil
        var reply = Reply(401)
        reply.challenges = true
        return .respond(reply)
    }

    /// Hands the hash to the threads. False when their queue is full for this address.
    static func submit(
        _ request: RequestContext,
        services: Services,
        deliver: @escaping @Sendable (HashVerdict) -> Void
    ) -> Bool {
        guard let job = request.exchange.value.hashJob else { return false }
        let address = LimitKey(request.exchange.value.remote, ipv6PrefixLength: 64)
        let ticket = request.client.value.serial
        let submission = services.hashing.submit(job, address: address, ticket: ticket) { outcome in
            deliver(outcome.isGranted ? .matches : .differs)
        }
        return submission == .accepted
    }

    /// Takes back the hash of a client that has left.
    static func withdraw(_ request: RequestContext, services: Services) {
        guard let job = request.exchange.value.hashJob else { return }
        let address = LimitKey(request.exchange.value.remote, ipv6PrefixLength: 64)
        services.hashing.cancel(job, address: address, ticket: request.client.value.serial)
    }

    /// Has the users read anew, beside the loops. False when too many wait for that already.
    static func readPasswords(
        _ request: RequestContext,
        runtime: Runtime,
        services: Services,
        deliver: @escaping @Sendable () -> Void
    ) -> Bool {
        runtime.passwordFiles[request.location.value.passwordFile].read(log: services.log, deliver: deliver)
    }
}
