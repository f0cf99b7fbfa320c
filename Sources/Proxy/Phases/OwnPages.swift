import Access
import Bytes
import EventLoop
import HTTP

/// `/.postern/login` and `/.postern/logout`: what a browser's forms lead to.
struct OwnPages {
    static func decide(_ request: RequestContext, runtime: Runtime, services: Services) -> Decision {
        let exchange = request.exchange
        let method = exchange.value.head.method
        guard method == .get || method == .head || method == .post else { return refuse(exchange, 405, .badRequest) }
        // Somebody else's page must not log its visitor in or out, whatever the location allows otherwise.
        if method == .post, CrossSitePhase.isForeign(request) {
            return refuse(exchange, 403, .crossSite)
        }
        switch exchange.value.ownPage {
        case .none: return .next
        case .login:
            if method == .post { return logIn(request, runtime, services) }
            guard let location = formLocation(request, target: Span()) else {
                return refuse(exchange, 404, .noSuchLocation)
            }
            exchange.value.location = location
            return CallerAnswer.page(request, .none, status: 200, user: false)
        case .logout: return method == .post ? logOut(request, services) : askToLogOut(request)
        }
    }

    private static func refuse(_ exchange: Ref<Exchange>, _ status: Int, _ refusal: Refusal) -> Decision {
        exchange.value.refusal = refusal
        return .respond(Reply(status))
    }

    // MARK: Login

    private static func logIn(_ request: RequestContext, _ runtime: Runtime, _ services: Services) -> Decision {
        let exchange = request.exchange
        guard isForm(exchange) else { return refuse(exchange, 415, .badRequest) }
        if exchange.value.awaitsRequestBody { return .suspend(.form) }
        guard let form = FormFields(exchange.value.form.readable) else {
            return refuse(exchange, 400, .badRequest)
        }
        // The login counts where it is to lead.
        var target = ByteBuffer()
        form.withValue("return") { ReturnTarget.append($0, to: &target) }
        guard let location = formLocation(request, target: target.readable) else {
            return refuse(exchange, 404, .noSuchLocation)
        }
        exchange.value.location = location
        let login = location.value.login
        let table: PasswordTable
        switch runtime.passwordFiles[login.passwordFile].current(now: request.now) {
        case .table(let current): table = current
        case let state: return AccessPhase.await(.passwords, state, request)
        }
        switch exchange.value.hashOutcome {
        case .matches:
            exchange.value.hashJob = nil
            return succeed(request, login, table, target.readable, services)
        case .differs: return fail(request, login, services)
        case .shed: return CallerAnswer.busy(request, .hashQueueFull)
        case .none: break
        }
        let environment = request.environment
        defer { environment.value.credentials.wipe() }
        let isWellFormed = form.withValue("user") { user in
            form.withValue("password") { environment.value.credentials.take(user: user, password: $0) }
        }
        guard isWellFormed else { return fail(request, login, services) }
        switch PasswordProof.check(request, login, table, services) {
        case .granted: return succeed(request, login, table, target.readable, services)
        case .refused: return fail(request, login, services)
        case .locked(let seconds): return CallerAnswer.locked(request, login, seconds: seconds)
        case .needsHash: return .suspend(.hashing)
        }
    }

    private static func succeed(
        _ request: RequestContext,
        _ login: LoginRuntime,
        _ table: PasswordTable,
        _ target: borrowing Span<UInt8>,
        _ services: Services
    ) -> Decision {
        let exchange = request.exchange
        exchange.value.hasUser = true
        FailureCheck.succeeded(request, login, services)
        switch SessionProof.begin(request, login, table, services) {
        case .began: break
        case .refused(.tooMany):
            exchange.value.refusal = .sessionsLimited
            return CallerAnswer.page(request, .tooManySessions, status: 403, user: true)
        case .refused:
            return CallerAnswer.busy(request, .sessionsLimited)
        }
        exchange.value.ownBody.clear()
        exchange.value.ownBody.append(target)
        var reply = Reply(303)
        reply.body = .location
        return .respond(reply)
    }

    private static func fail(_ request: RequestContext, _ login: LoginRuntime, _ services: Services) -> Decision {
        let exchange = request.exchange
        exchange.value.hashJob = nil
        exchange.value.refusal = .credentialsWrong
        FailureCheck.failed(request, login, services)
        return CallerAnswer.page(request, .wrong, status: 401, user: true)
    }

    /// The location whose login the form is for: the target's, or else any with a form.
    private static func formLocation(
        _ request: RequestContext,
        target: borrowing Span<UInt8>
    ) -> Ref<LocationRuntime>? {
        let server = request.exchange.value.server!
        if target.count > 0 {
            var path = ByteBuffer()
            let end = target.firstIndex(of: ASCII.question, in: 0..<target.count) ?? target.count
            let normalized = try? PathNormalizer.normalize(
                target.extracting(0..<end),
                mergeSlashes: server.value.mergesSlashes,
                into: &path
            )
            if let normalized {
                let found =
                    normalized.isPlain
                    ? server.value.tree.find(target.extracting(0..<end)) : server.value.tree.find(path.readable)
                let location = found < 0 ? server.value.root : server.value.locations[found]
                if location.value.login.hasForm { return location }
            }
        }
        if server.value.root.value.login.hasForm { return server.value.root }
        for index in 0..<server.value.locations.count where server.value.locations[index].value.login.hasForm {
            return server.value.locations[index]
        }
        return nil
    }

    private static func isForm(_ exchange: Ref<Exchange>) -> Bool {
        guard let index = exchange.value.head.fields.first(.contentType) else { return false }
        let value = exchange.value.headBytes.written.extracting(exchange.value.head.fields[index].value.range)
        let type: StaticString = "application/x-www-form-urlencoded"
        let count = type.utf8CodeUnitCount
        guard value.count >= count, value.extracting(0..<count).equalsIgnoringCase(type) else { return false }
        return value.count == count || value[count] == ASCII.semicolon || value[count] == ASCII.space
    }

    // MARK: Logout

    private static func logOut(_ request: RequestContext, _ services: Services) -> Decision {
        let exchange = request.exchange
        if let range = CookieCrumbs.find(CookieCrumbs.session, in: exchange) {
            let date = services.identity.date(request.now)
            let sessions = services.identity.sessions
            if let handle = sessions.find(exchange.value.headBytes.written.extracting(range), now: date) {
                services.identity.ended(sessions.end(handle).map { [$0] } ?? [], because: "logout")
            }
        }
        request.client.connection.value.login.forget()
        SessionProof.eraseCookie(to: &exchange.value.setCookies)
        exchange.value.ownBody.clear()
        LogoutPage.writeDone(to: &exchange.value.ownBody)
        var reply = Reply(200)
        reply.body = .page
        return .respond(reply)
    }

    private static func askToLogOut(_ request: RequestContext) -> Decision {
        let exchange = request.exchange
        exchange.value.ownBody.clear()
        LogoutPage.writeQuestion(to: &exchange.value.ownBody)
        var reply = Reply(200)
        reply.body = .page
        return .respond(reply)
    }
}
