import Access
import Bytes
import HTTP

/// What a caller gets who isn't let in.
struct CallerAnswer {
    /// Nothing came that proves anything.
    static func unproved(_ request: RequestContext, _ login: LoginRuntime) -> Decision {
        challenge(request, login, .credentialsMissing)
    }

    /// 401, and how to do better: the page to log in on for a browser that opens a page, else `WWW-Authenticate`.
    static func challenge(_ request: RequestContext, _ login: LoginRuntime, _ refusal: Refusal) -> Decision {
        let exchange = request.exchange
        exchange.value.refusal = refusal
        exchange.value.hashJob = nil
        exchange.value.hasUser = false
        if login.hasForm, isNavigation(exchange) {
            return page(request, .none, status: 401, user: false)
        }
        var reply = Reply(401)
        // A page's own requests must not make the browser ask for a password over the page.
        reply.challenges = !(login.hasForm && exchange.value.head.fields.first(.secFetchMode) != nil)
        if let words = words(for: refusal) {
            exchange.value.ownBody.clear()
            exchange.value.ownBody.append(words)
            reply.body = .detailed
        }
        return .respond(reply)
    }

    private static func words(for refusal: Refusal) -> StaticString? {
        switch refusal {
        case .keyUnknown: "no such API key"
        case .keyMalformed: "the API key is mistyped: its checksum is wrong"
        case .keyExpired: "the API key has expired"
        default: nil
        }
    }

    /// Too many wrong credentials came from there, or for this user.
    static func locked(_ request: RequestContext, _ login: LoginRuntime, seconds: Int) -> Decision {
        let exchange = request.exchange
        exchange.value.refusal = .locked
        exchange.value.hashJob = nil
        exchange.value.hasUser = false
        if login.hasForm, isNavigation(exchange) || exchange.value.ownPage == .login {
            return page(request, .locked(seconds), status: 429, user: true, retryAfter: max(seconds, 1))
        }
        exchange.value.ownBody.clear()
        exchange.value.ownBody.append("too many wrong credentials: try again later")
        var reply = Reply(429)
        reply.body = .detailed
        reply.retryAfter = max(seconds, 1)
        return .respond(reply)
    }

    /// The page to log in on again in a moment.
    static func busy(_ request: RequestContext, _ refusal: Refusal) -> Decision {
        request.exchange.value.refusal = refusal
        request.exchange.value.hashJob = nil
        return page(request, .busy, status: 503, user: true, retryAfter: 1)
    }

    static func forbidden(_ request: RequestContext, _ refusal: Refusal, _ words: StaticString) -> Decision {
        let exchange = request.exchange
        exchange.value.refusal = refusal
        exchange.value.ownBody.clear()
        exchange.value.ownBody.append(words)
        var reply = Reply(403)
        reply.body = .detailed
        return .respond(reply)
    }

    /// The page to log in on.
    static func page(
        _ request: RequestContext,
        _ notice: LoginPage.Notice,
        status: Int,
        user: Bool,
        retryAfter: Int = 0
    ) -> Decision {
        let exchange = request.exchange
        var target = ByteBuffer()
        if exchange.value.ownPage == .none, exchange.value.head.method == .get {
            var asked = ByteBuffer()
            request.appendTarget(to: &asked)
            ReturnTarget.append(asked.readable, to: &target)
        } else if let form = FormFields(exchange.value.form.readable) {
            form.withValue("return") { ReturnTarget.append($0, to: &target) }
        } else {
            target.append(ASCII.slash)
        }
        var title = ByteBuffer()
        request.append(request.location.value.realm, to: &title)
        var name = ByteBuffer()
        if user { name.append(exchange.value.user.readable) }
        var page = ByteBuffer()
        LoginPage.write(
            title: title.readable,
            notice: notice,
            user: name.readable,
            target: target.readable,
            isSecure: request.client.connection.value.transport.isSecure || exchange.value.isPeerTrusted,
            to: &page
        )
        swap(&page, &exchange.value.ownBody)
        // A cookie that proves nothing any more is dropped.
        if CookieCrumbs.find(CookieCrumbs.session, in: exchange) != nil {
            SessionProof.eraseCookie(to: &exchange.value.setCookies)
        }
        var reply = Reply(status)
        reply.body = .page
        reply.retryAfter = retryAfter
        return .respond(reply)
    }

    /// Whether a browser opens a page: it says so, or, where it doesn't, asks for HTML as only browsers do.
    static func isNavigation(_ exchange: Ref<Exchange>) -> Bool {
        guard exchange.value.head.method == .get || exchange.value.head.method == .head else { return false }
        let bytes = exchange.value.headBytes.written
        if let index = exchange.value.head.fields.first(.secFetchMode) {
            return bytes.extracting(exchange.value.head.fields[index].value.range).equals("navigate")
        }
        guard exchange.value.head.upgrade != .webSocket, let index = exchange.value.head.fields.first(.accept) else {
            return false
        }
        return bytes.extracting(exchange.value.head.fields[index].value.range).contains("text/html")
    }
}
