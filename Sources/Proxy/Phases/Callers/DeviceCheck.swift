import Access
import Bytes
import EventLoop
import HTTP
import Limits

/// `device_pairing`: a browser that nobody at the machine has let in yet waits, whoever logs in on it.
struct DeviceCheck {
    /// An answer, unless the device is known.
    static func decide(_ request: RequestContext, _ login: LoginRuntime, _ services: Services) -> Decision? {
        let exchange = request.exchange
        let identity = services.identity
        let date = identity.date(request.now)
        let device = DeviceCookies.id(request, services)
        if let device {
            switch identity.devices.state(device, user: exchange.value.user.readable, now: date) {
            case .approved:
                exchange.value.principal.device = device
                identity.devices.use(device, user: exchange.value.user.readable, now: date) {
                    var address = ByteBuffer()
                    exchange.value.remote.appendAddress(to: &address)
                    return address.readable.string
                }
                return nil
            case .pending(let code, let until): return wait(request, code: code, left: until - date)
            case .unknown:
                // Its page asks again by itself: somebody has to want that first.
                if CallerAnswer.isNavigation(exchange),
                    identity.devices.takeRefusal(device, user: exchange.value.user.readable, now: date)
                {
                    return refuse(request)
                }
            }
        }
        return ask(request, login, device, services, date)
    }

    private static func ask(
        _ request: RequestContext,
        _ login: LoginRuntime,
        _ known: DeviceID?,
        _ services: Services,
        _ date: Int64
    ) -> Decision? {
        let exchange = request.exchange
        let identity = services.identity
        let user = exchange.value.user.readable.array
        // The login that this very request was may have given it its cookie.
        let given = known == nil ? minted(exchange, identity) : nil
        let id = known ?? given ?? DeviceID.random()
        var address = ByteBuffer()
        exchange.value.remote.appendAddress(to: &address)
        let (result, ended) = identity.devices.request(
            id,
            user: user,
            agent: request.agent,
            address: address.readable.string,
            place: LimitKey(exchange.value.remote, ipv6PrefixLength: 64),
            hadCookie: known != nil,
            login.pairing,
            now: date
        )
        if known == nil, given == nil { DeviceCookies.write(id, request, services) }
        identity.refused(ended, because: "max_pending")
        switch result {
        case .known: exchange.value.principal.device = id
        case .approved(let record):
            exchange.value.principal.device = id
            identity.approved(record)
        case .pending(let device):
            identity.waits(device)
            return wait(request, code: device.code, left: device.until - date)
        case .full:
            return CallerAnswer.forbidden(request, .devicePending, "no room for another device: remove one first")
        }
        return nil
    }

    /// The device of the session that this request began. That of a session it came with proves nothing about a browser
    /// that hasn't the device's cookie.
    private static func minted(_ exchange: Ref<Exchange>, _ identity: IdentityService) -> DeviceID? {
        guard exchange.value.principal.proof == .password,
            let device = identity.sessions.facts(exchange.value.principal.session)?.device, device != .none
        else { return nil }
        return device
    }

    private static func refuse(_ request: RequestContext) -> Decision {
        let exchange = request.exchange
        exchange.value.refusal = .devicePending
        exchange.value.ownBody.clear()
        DevicePage.writeRefused(to: &exchange.value.ownBody)
        var reply = Reply(403)
        reply.body = .page
        return .respond(reply)
    }

    /// The code, and how many milliseconds are left to approve it.
    private static func wait(_ request: RequestContext, code: String, left: Int64) -> Decision {
        let exchange = request.exchange
        exchange.value.refusal = .devicePending
        var reply = Reply(403)
        exchange.value.ownBody.clear()
        if CallerAnswer.isNavigation(exchange) {
            let seconds = Int((left + 999) / 1000)
            DevicePage.write(code: Array(code.utf8).span, seconds: seconds, to: &exchange.value.ownBody)
            reply.body = .page
        } else {
            exchange.value.ownBody.append("{\"status\":403,\"error\":\"device pairing required\",\"code\":\"")
            exchange.value.ownBody.append(text: code)
            exchange.value.ownBody.append("\",\"approve\":\"postern devices approve ")
            exchange.value.ownBody.append(text: code)
            exchange.value.ownBody.append("\",\"request_id\":\"")
            request.appendIdentifier(to: &exchange.value.ownBody)
            exchange.value.ownBody.append("\"}\n")
            reply.body = .json
        }
        return .respond(reply)
    }
}

/// The cookie that tells browsers apart. It also shows whether a user proved themselves on the browser before.
enum DeviceCookies {
    struct Reading {
        let id: DeviceID
        /// The exchange's user did so.
        let isUsers: Bool
    }

    /// The device, if its cookie is one of ours. Allocates nothing.
    static func id(_ request: RequestContext, _ services: Services) -> DeviceID? {
        let exchange = request.exchange
        guard let range = CookieCrumbs.find(CookieCrumbs.device, in: exchange), range.count > DeviceKey.cookieCount
        else { return nil }
        let cookie = exchange.value.headBytes.written.extracting(range.prefix(DeviceKey.cookieCount))
        // A stream shares what its connection proved.
        let client = request.client.connection
        let proofs = request.environment.value.proofs
        let number = services.identity.deviceKeyNumber
        if let id = client.value.device.matches(cookie, key: number, proofs) { return id }
        guard let id = services.identity.deviceKey.verify(cookie) else { return nil }
        client.value.device.remember(cookie, key: number, proofs, id)
        return id
    }

    /// The same, and whose it is.
    static func read(_ request: RequestContext, _ services: Services) -> Reading? {
        let exchange = request.exchange
        guard let range = CookieCrumbs.find(CookieCrumbs.device, in: exchange), let id = id(request, services)
        else { return nil }
        let bytes = exchange.value.headBytes.written
        let middle = range.lowerBound + DeviceKey.cookieCount
        let proof = services.identity.deviceKey.proof(id, user: exchange.value.user.readable)
        let isUsers = constantTimeEquals(proof.span, bytes.extracting(middle..<range.upperBound))
        return Reading(id: id, isUsers: isUsers)
    }

    static func write(_ id: DeviceID, _ request: RequestContext, _ services: Services) {
        let exchange = request.exchange
        let key = services.identity.deviceKey
        let proof = key.proof(id, user: exchange.value.user.readable)
        exchange.value.setCookies.append("Set-Cookie: ")
        exchange.value.setCookies.append(CookieCrumbs.device)
        exchange.value.setCookies.append(key.sign(id))
        exchange.value.setCookies.append(proof)
        // 400 days: browsers keep none for longer.
        exchange.value.setCookies.append("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=34560000\r\n")
    }
}
