import Access
import Bytes
import EventLoop
import HTTP

/// Makes one `Principal` of whatever a request proves itself by, and asks whether that one may.
///
/// ```
/// public method? ─▶ API key ─▶ session cookie ─▶ Basic ─▶ (nobody: 401, or the page to log in on)
///                      └──────────┴────────────────┴─▶ device known? ─▶ permitted? ─▶ next phase
/// ```
struct CallerCheck {
    /// What came of one kind of credentials.
    enum Proof {
        /// None of that kind came.
        case none
        /// The principal is in the exchange.
        case proved
        /// It ends here, or has to wait.
        case decided(Decision)
    }

    static func decide(_ request: RequestContext, runtime: Runtime, services: Services) -> Decision {
        let exchange = request.exchange
        let login = request.location.value.login
        let isWebSocket = exchange.value.head.upgrade == .webSocket
        if login.openMethods.contains(exchange.value.head.method, isWebSocket: isWebSocket) {
            withhold(request, runtime)
            return .next
        }
        // Postern would go by one of them, and the gateway by another.
        if exchange.value.head.fields.isRepeated(.authorization) {
            exchange.value.refusal = .credentialsRepeated
            return .respond(Reply(400))
        }
        switch prove(request, login, runtime, services) {
        case .none: return CallerAnswer.unproved(request, login)
        case .decided(let decision): return decision
        case .proved: break
        }
        if login.hasPasswords, let index = exchange.value.head.fields.first(.authorization), isBasic(exchange, index) {
            exchange.value.hidesAuthorization = true
        }
        // Keys belong to programs, which have no browser to tell apart.
        if login.pairsDevices, exchange.value.principal.proof != .key,
            let decision = DeviceCheck.decide(request, login, services)
        {
            return decision
        }
        return PermissionCheck.decide(request, runtime)
    }

    /// Keeps from the gateway what proves a caller to Postern, where nobody has to prove anything: browsers send a password
    /// to open paths unasked, and programs a key.
    static func withhold(_ request: RequestContext, _ runtime: Runtime) {
        let exchange = request.exchange
        let login = request.location.value.login
        var next = exchange.value.head.fields.first(.authorization)
        while let index = next {
            next = exchange.value.head.fields.next(.authorization, after: index)
            if login.hasPasswords, isBasic(exchange, index) { exchange.value.hidesAuthorization = true }
            if login.hasKeys, let token = KeyProof.bearer(exchange, index),
                KeyProof.isOurs(
                    exchange.value.headBytes.written.extracting(token),
                    runtime.keyFiles[login.keyFile].latest
                )
            {
                exchange.value.hidesKey = true
            }
        }
    }

    /// Whether there is a name and a password in the field, right or wrong: not for the gateway's eyes.
    private static func isBasic(_ exchange: Ref<Exchange>, _ index: Int) -> Bool {
        let range = exchange.value.head.fields[index].value.range
        guard range.count >= 6 else { return true }
        return exchange.value.headBytes.written.extracting(range.lowerBound..<(range.lowerBound + 6))
            .equalsIgnoringCase("basic ")
    }

    private static func prove(
        _ request: RequestContext,
        _ login: LoginRuntime,
        _ runtime: Runtime,
        _ services: Services
    ) -> Proof {
        let exchange = request.exchange
        // Its hash was computed: there is nothing else to ask.
        if exchange.value.hashOutcome == .none {
            if login.hasKeys {
                let proof = KeyProof.decide(request, login, runtime, services)
                guard case .none = proof else { return proof }
            }
            if login.hasSession {
                let proof = SessionProof.decide(request, login, services)
                guard case .none = proof else { return proof }
            }
        }
        guard login.hasPasswords else { return .none }
        return PasswordProof.decide(request, login, runtime, services)
    }
}
