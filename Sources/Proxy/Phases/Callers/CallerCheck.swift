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
        if login.openMethods.contains(exchange.value.head.method, isWebSocket: isWebSocket) { return .next }
        switch prove(request, login, runtime, services) {
        case .none: return CallerAnswer.unproved(request, login)
        case .decided(let decision): return decision
        case .proved: break
        }
        if login.hasPasswords, isBasic(exchange) { exchange.value.hidesAuthorization = true }
        // Keys belong to programs, which have no browser to tell apart.
        if login.pairsDevices, exchange.value.principal.proof != .key,
            let decision = DeviceCheck.decide(request, login, services)
        {
            return decision
        }
        return PermissionCheck.decide(request, runtime)
    }

    /// Whether there is a name and a password in it, right or wrong: not for the gateway's eyes.
    private static func isBasic(_ exchange: Ref<Exchange>) -> Bool {
        guard let index = exchange.value.head.fields.first(.authorization) else { return false }
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
        if exchange.value.refusal != .none {
            // A key that isn't one, and nothing else.
            return .decided(CallerAnswer.challenge(request, login, exchange.value.refusal))
        }
        guard login.hasPasswords else { return .none }
        return PasswordProof.decide(request, login, runtime, services)
    }
}
