import Access
import Bytes
import EventLoop
import HTTP
import Limits

/// Name and password in `Authorization: Basic` (RFC 7617).
struct PasswordProof {
    static func decide(
        _ request: RequestContext,
        _ login: LoginRuntime,
        _ runtime: Runtime,
        _ services: Services
    ) -> CallerCheck.Proof {
        let exchange = request.exchange
        let table: PasswordTable
        switch runtime.passwordSources[login.passwordFile].current(now: request.now) {
        case .table(let current): table = current
        case let state: return .decided(AccessPhase.await(.passwords, state, request))
        }
        switch exchange.value.hashOutcome {
        case .matches:
            exchange.value.hashJob = nil
            FailureCheck.succeeded(request, login, services)
            return proved(request, login, table, stamp(request, table), services)
        case .differs: return .decided(wrong(request, login, services))
        case .shed:
            exchange.value.refusal = .hashQueueFull
            var reply = Reply(503)
            reply.retryAfter = 1
            return .decided(.respond(reply))
        case .none: break
        }
        guard let index = exchange.value.head.fields.first(.authorization) else { return .none }
        if exchange.value.head.fields.isRepeated(.authorization) {
            exchange.value.refusal = .credentialsRepeated
            return .decided(.respond(Reply(400)))
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
            return proved(request, login, table, client.value.proved.stamp, services)
        }
        defer { environment.value.credentials.wipe() }
        switch environment.value.credentials.parse(exchange.value.headBytes.written.extracting(value)) {
        case .otherScheme: return .none
        case .malformed: return .decided(CallerAnswer.challenge(request, login, .credentialsWrong))
        case .parsed: break
        }
        switch check(request, login, table, services) {
        case .granted:
            let stamp = stamp(request, table)
            client.value.proved.remember(
                exchange.value.headBytes.written.extracting(value),
                table,
                environment.value.proofs,
                user: exchange.value.user.readable,
                stamp: stamp
            )
            FailureCheck.succeeded(request, login, services)
            return proved(request, login, table, stamp, services)
        case .refused: return .decided(wrong(request, login, services))
        case .locked(let seconds): return .decided(CallerAnswer.locked(request, login, seconds: seconds))
        case .needsHash: return .decided(.suspend(.hashing))
        }
    }

    enum Verdict {
        case granted, refused
        /// For so many seconds.
        case locked(Int)
        /// The job is the exchange's.
        case needsHash
    }

    /// What the credentials that were taken apart are worth. Their name becomes the exchange's user.
    static func check(
        _ request: RequestContext,
        _ login: LoginRuntime,
        _ table: PasswordTable,
        _ services: Services
    ) -> Verdict {
        let exchange = request.exchange
        let environment = request.environment
        exchange.value.user.clear()
        exchange.value.user.append(
            environment.value.credentials.decoded.written.extracting(environment.value.credentials.user)
        )
        // Those who are locked out are told nothing, and cost no hash.
        if let seconds = FailureCheck.lock(request, login, services) {
            return .locked(seconds)
        }
        switch PasswordCheck.decide(environment.value.credentials, table, services.credentials, now: request.now) {
        case .granted: return .granted
        case .refused: return .refused
        case .needsHash(let job):
            exchange.value.hashJob = job
            return .needsHash
        }
    }

    private static func proved(
        _ request: RequestContext,
        _ login: LoginRuntime,
        _ table: PasswordTable,
        _ stamp: UInt64,
        _ services: Services
    ) -> CallerCheck.Proof {
        let exchange = request.exchange
        exchange.value.hasUser = true
        exchange.value.hidesAuthorization = true
        exchange.value.principal.proof = .password
        exchange.value.principal.permissions = services.identity.everything
        exchange.value.principal.stamp = stamp
        if login.hasSession, exchange.value.hashOutcome == .none || exchange.value.hashOutcome == .matches,
            let decision = SessionProof.mint(request, login, table, services)
        {
            return .decided(decision)
        }
        return .proved
    }

    private static func stamp(_ request: RequestContext, _ table: PasswordTable) -> UInt64 {
        table.stamp(of: request.exchange.value.user.readable) ?? 0
    }

    private static func wrong(_ request: RequestContext, _ login: LoginRuntime, _ services: Services) -> Decision {
        request.exchange.value.hashJob = nil
        FailureCheck.failed(request, login, services)
        return CallerAnswer.challenge(request, login, .credentialsWrong)
    }
}

extension PasswordTable {
    /// What stands for the user's stored password: another one once that is changed. Nil for a user who isn't there.
    func stamp(of user: borrowing Span<UInt8>) -> UInt64? {
        guard let index = find(user), hash(of: index) != nil else { return nil }
        return withStored(index) { PasswordStamp.make($0) }
    }
}
