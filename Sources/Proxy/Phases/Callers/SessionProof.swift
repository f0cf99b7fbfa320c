import Access
import Bytes
import EventLoop
import HTTP
import Limits

/// The cookie that a login minted.
struct SessionProof {
    static func decide(_ request: RequestContext, _ login: LoginRuntime, _ services: Services) -> CallerCheck.Proof {
        let exchange = request.exchange
        guard let range = CookieCrumbs.find(CookieCrumbs.session, in: exchange) else { return .none }
        let date = services.identity.date(request.now)
        // A stream shares what its connection proved.
        let client = request.client.connection
        let cookie = exchange.value.headBytes.written.extracting(range)
        if let handle = client.value.login.session.matches(cookie, request.environment.value.proofs) {
            if client.value.login.realm == login.realm, services.identity.sessions.use(handle, now: date) {
                exchange.value.user.clear()
                exchange.value.user.append(client.value.login.user.readable)
                exchange.value.hasUser = true
                note(exchange, handle, services)
                return .proved
            }
            client.value.login.forget()
            return .none
        }
        return find(request, login, range, date, services)
    }

    /// Looks the token up, and remembers it for the connection.
    @inline(never)
    private static func find(
        _ request: RequestContext,
        _ login: LoginRuntime,
        _ range: Range<Int>,
        _ date: Int64,
        _ services: Services
    ) -> CallerCheck.Proof {
        let exchange = request.exchange
        let sessions = services.identity.sessions
        let cookie = exchange.value.headBytes.written.extracting(range)
        // What one password file proved counts where that file does.
        guard let handle = sessions.find(cookie, now: date), let facts = sessions.facts(handle),
            facts.realm == login.realm, sessions.use(handle, now: date)
        else { return .none }
        exchange.value.user.clear()
        guard sessions.appendUser(handle, to: &exchange.value.user) else { return .none }
        exchange.value.hasUser = true
        request.client.connection.value.login.remember(
            cookie,
            request.environment.value.proofs,
            handle,
            realm: facts.realm,
            user: exchange.value.user.readable
        )
        note(exchange, handle, services)
        return .proved
    }

    private static func note(_ exchange: Ref<Exchange>, _ handle: SessionHandle, _ services: Services) {
        // What went wrong with a key counts no more.
        exchange.value.refusal = .none
        exchange.value.principal.proof = .session
        exchange.value.principal.permissions = services.identity.everything
        exchange.value.principal.session = handle
    }

    // MARK: Minting

    /// Begins a session for a browser that has just proved who it is by `Authorization`. Not for programs, which would begin
    /// one with each request and keep none. An answer when the user may have no further one.
    static func mint(
        _ request: RequestContext,
        _ login: LoginRuntime,
        _ table: PasswordTable,
        _ services: Services
    ) -> Decision? {
        let exchange = request.exchange
        guard CallerAnswer.isNavigation(exchange), !isRecent(request) else { return nil }
        switch begin(request, login, table, services) {
        case .began: return nil
        case .refused(.tooMany):
            return CallerAnswer.forbidden(request, .sessionsLimited, "too many sessions of this user are open")
        case .refused: return nil
        }
    }

    /// Whether this connection was given a cookie a moment ago: a browser's other requests of the same page.
    private static func isRecent(_ request: RequestContext) -> Bool {
        let mintedAt = request.client.connection.value.login.mintedAt
        return mintedAt > 0 && request.now &- mintedAt < 60_000_000_000
    }

    /// Begins a session for the exchange's user, and has the reply carry its cookie. One that the browser had before ends.
    static func begin(
        _ request: RequestContext,
        _ login: LoginRuntime,
        _ table: PasswordTable,
        _ services: Services
    ) -> SessionStart {
        let exchange = request.exchange
        let identity = services.identity
        let date = identity.date(request.now)
        let user = exchange.value.user.readable.array
        var address = ByteBuffer()
        exchange.value.remote.appendAddress(to: &address)
        // A browser that comes without the cookie gets one with its session, which can then be ended with the device.
        let known = DeviceCookies.read(request, services)
        let device = known?.id ?? DeviceID.random()
        var earlier: SessionHandle?
        if let range = CookieCrumbs.find(CookieCrumbs.session, in: exchange) {
            earlier = identity.sessions.find(exchange.value.headBytes.written.extracting(range), now: date)
        }
        // The one that it takes the place of makes room for it.
        if let earlier, let facts = identity.sessions.facts(earlier), facts.realm == login.realm {
            identity.ended(identity.sessions.end(earlier).map { [$0] } ?? [], because: "another login")
        }
        let start = identity.sessions.begin(
            SessionLogin(
                user: user,
                realm: identity.realm(login.realm),
                stamp: table.stamp(of: user.span) ?? 0,
                device: device,
                address: address.readable.string,
                agent: request.agent
            ),
            login.sessionPolicy,
            now: date
        )
        guard case .began(let token, let handle, let ended) = start else { return start }
        identity.began(handle)
        identity.ended(ended, because: "max_concurrent")
        exchange.value.principal.session = handle
        request.client.connection.value.login.mintedAt = request.now
        writeCookie(token, login, to: &exchange.value.setCookies)
        // Notes in the browser that this user has proved themselves there.
        if known?.isUsers != true { DeviceCookies.write(device, request, services) }
        return start
    }

    private static func writeCookie(_ token: [UInt8], _ login: LoginRuntime, to lines: inout ByteBuffer) {
        lines.append("Set-Cookie: ")
        lines.append(CookieCrumbs.session)
        lines.append(token)
        lines.append("; Path=/; Secure; HttpOnly; SameSite=")
        lines.append(login.isSameSiteStrict ? "Strict" : "Lax")
        lines.append("; Max-Age=")
        lines.append(decimal: UInt64(max(login.timeout / 1000, 1)))
        lines.append("\r\nCache-Control: no-store\r\n")
    }

    /// Has the browser forget its cookie.
    static func eraseCookie(to lines: inout ByteBuffer) {
        lines.append("Set-Cookie: ")
        lines.append(CookieCrumbs.session)
        lines.append("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0\r\n")
    }
}

/// The session that a connection proved last, and whose it is.
struct ConnectionLogin: ~Copyable {
    private(set) var session = ProvedSession()
    private(set) var realm: Int32 = -1
    private(set) var user = ByteBuffer()
    /// When the connection was given a cookie last, in nanoseconds; 0 for never.
    var mintedAt: UInt64 = 0

    mutating func remember(
        _ cookie: borrowing Span<UInt8>,
        _ hasher: SipHash128,
        _ handle: SessionHandle,
        realm: Int32,
        user: borrowing Span<UInt8>
    ) {
        session.remember(cookie, hasher, handle)
        self.realm = realm
        if self.user.capacity < user.count { self.user = ByteBuffer(capacity: max(user.count, 16)) }
        self.user.clear()
        self.user.append(user)
    }

    /// Forgets it, and gives its storage back.
    mutating func forget() {
        mintedAt = 0
        if realm < 0 { return }
        session.forget()
        realm = -1
        user = ByteBuffer()
    }
}

extension RequestContext {
    /// What the client calls itself; empty when it doesn't say.
    var agent: String {
        guard let index = exchange.value.head.fields.first(.userAgent) else { return "" }
        let value = exchange.value.headBytes.written.extracting(exchange.value.head.fields[index].value.range)
        return value.extracting(0..<min(value.count, 128)).string
    }
}
