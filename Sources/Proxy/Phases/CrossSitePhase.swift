import Bytes
import HTTP

/// `cross_site deny`: a page of another origin can't have its visitor's browser do something here.
///
/// A browser adds by itself what lets a request in: a Basic login, a cookie, the network that it sits in. So for requests
/// that may change something (any method but GET, HEAD and OPTIONS) or that open a WebSocket, it must also say that the
/// page is one of ours: by `Sec-Fetch-Site`, or where that is missing by `Origin`. A request with neither is no browser's.
struct CrossSitePhase {
    /// Whether the request may change something or opens a WebSocket. Most do neither: this is all they cost.
    @inline(__always)
    static func concerns(_ exchange: Ref<Exchange>) -> Bool {
        switch exchange.value.head.method {
        case .get, .head, .options: exchange.value.head.upgrade == .webSocket
        case .other, .post, .put, .delete, .patch, .connect, .trace: true
        }
    }

    static func decide(_ request: RequestContext) -> Decision {
        let exchange = request.exchange
        guard concerns(exchange), request.location.value.refusesCrossSite else { return .next }
        // A key is in no browser's keeping, to be sent along with whatever a page asks for.
        if exchange.value.principal.proof == .key { return .next }
        if isOurs(request) || isExcepted(request) || isScripted(exchange) { return .next }
        exchange.value.refusal = .crossSite
        return .respond(Reply(403))
    }

    /// Whether a browser says that the page is another's.
    static func isForeign(_ request: RequestContext) -> Bool { !isOurs(request) }

    /// Whether the browser says that the page is ours, or no browser says anything.
    private static func isOurs(_ request: RequestContext) -> Bool {
        let exchange = request.exchange
        if let index = exchange.value.head.fields.first(.secFetchSite) {
            // No browser sends two, nor a word that this list lacks and that means something better than `cross-site`.
            if exchange.value.head.fields.isRepeated(.secFetchSite) { return false }
            let value = exchange.value.headBytes.written.extracting(exchange.value.head.fields[index].value.range)
            // `none`: the user's own doing, such as a bookmark.
            return value.equals("same-origin") || value.equals("none")
        }
        guard let index = exchange.value.head.fields.first(.origin) else { return true }
        if exchange.value.head.fields.isRepeated(.origin) { return false }
        return isOwnOrigin(request, exchange.value.head.fields[index].value.range)
    }

    /// Whether the origin at `range` has the scheme, host and port that the client used for this request.
    private static func isOwnOrigin(_ request: RequestContext, _ range: Range<Int>) -> Bool {
        let exchange = request.exchange
        let bytes = exchange.value.headBytes.written
        let isSecure = request.client.connection.value.transport.isSecure
        let schemeCount = isSecure ? 8 : 7
        guard range.count > schemeCount else { return false }
        let host = range.lowerBound + schemeCount
        let scheme = bytes.extracting(range.lowerBound..<host)
        guard isSecure ? scheme.equalsIgnoringCase("https://") : scheme.equalsIgnoringCase("http://"),
            let authority = Authority(bytes, ByteRange(host..<range.upperBound))
        else { return false }
        let defaultPort = isSecure ? 443 : 80
        return (authority.port ?? defaultPort) == (exchange.value.head.port ?? defaultPort)
            && bytes.extracting(authority.host.range)
                .equalsIgnoringCase(bytes.extracting(exchange.value.head.hostName.range))
    }

    /// Whether the origin is one that the configuration names.
    private static func isExcepted(_ request: RequestContext) -> Bool {
        let exchange = request.exchange
        let exceptions = request.location.value.crossSiteExceptions
        guard !exceptions.isEmpty, let index = exchange.value.head.fields.first(.origin),
            !exchange.value.head.fields.isRepeated(.origin)
        else { return false }
        let origin = exchange.value.headBytes.written.extracting(exchange.value.head.fields[index].value.range)
        for index in 0..<exceptions.count
        where exceptions[index].withSpan({ $0.equalsIgnoringCase(origin) }) { return true }
        return false
    }

    /// Whether it carries a Bearer token and no login of ours let it in. A page of another origin can send one only after
    /// the gateway has agreed to it in a preflight (Fetch, section 3.3): asked, and not by the browser's own doing.
    private static func isScripted(_ exchange: Ref<Exchange>) -> Bool {
        guard !exchange.value.hasUser, let index = exchange.value.head.fields.first(.authorization),
            !exchange.value.head.fields.isRepeated(.authorization)
        else { return false }
        let range = exchange.value.head.fields[index].value.range
        guard range.count > 7 else { return false }
        return exchange.value.headBytes.written.extracting(range.lowerBound..<(range.lowerBound + 7))
            .equalsIgnoringCase("bearer ")
    }
}
