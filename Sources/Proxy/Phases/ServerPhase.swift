import Bytes
import EventLoop
import HTTP

/// Chooses the virtual server, decides whose address the request has, and answers what a server answers as a whole.
struct ServerPhase {
    static func decide(_ request: RequestContext, _ choice: Ref<ServerChoice>) -> Decision {
        let exchange = request.exchange
        let host = exchange.value.head.hostName.range
        let index = choice.value.names.find(exchange.value.headBytes.written.extracting(host))
        let server = choice.value.servers[index]
        exchange.value.server = server
        exchange.value.location = server.value.root
        exchange.value.remote = clientAddress(request, server)
        let handshake = request.client.connection.value.handshakePolicy
        if handshake != server.value.handshakePolicy, handshake != .none { return misdirected(exchange) }
        if let refusal = ClientCertificate.refuse(request, server) { return .respond(refusal) }
        if exchange.value.withPathAsReceived({ $0.equals("/.postern/ready") }) {
            return readiness(exchange)
        }
        if server.value.hasSessions { exchange.value.ownPage = ownPage(exchange) }
        if choice.value.redirectsToHTTPS {
            var reply = Reply(exchange.value.head.method == .get || exchange.value.head.method == .head ? 301 : 308)
            reply.body = .toHTTPS
            return .respond(reply)
        }
        if server.value.hasReturn {
            return .respond(
                Reply(
                    returning: server.value.returnStatus,
                    server.value.returnText,
                    isRedirect: server.value.returnIsRedirect,
                    hasText: server.value.returnHasText
                )
            )
        }
        return .next
    }

    /// The page of Postern's own that is asked for, if any. Only by its plain name: no gateway reads another as it.
    private static func ownPage(_ exchange: Ref<Exchange>) -> OwnPage {
        exchange.value.withPathAsReceived { path in
            if path.equals("/.postern/login") { return .login }
            return path.equals("/.postern/logout") ? .logout : .none
        }
    }

    /// The connection's handshake was for a server with other demands: the client may come again on another connection.
    private static func misdirected(_ exchange: Ref<Exchange>) -> Decision {
        exchange.value.refusal = .misdirected
        var reply = Reply(421)
        reply.closes = true
        return .respond(reply)
    }

    private static func readiness(_ exchange: Ref<Exchange>) -> Decision {
        guard let isReady = exchange.value.readiness else { return .suspend(.readiness) }
        var reply = Reply(isReady ? 200 : 503)
        reply.body = isReady ? .ready : .notReady
        return .respond(reply)
    }

    /// The peer's address, or the one that a trusted peer names.
    private static func clientAddress(_ request: RequestContext, _ server: Ref<ServerRuntime>) -> SocketAddress {
        let peer = request.client.value.peer
        guard isTrusted(peer, server) else { return peer }
        if let relayed = relayedAddress(request.client, server) { return relayed }
        guard server.value.readsRealIPField else { return peer }
        request.exchange.value.isPeerTrusted = true
        let exchange = request.exchange
        let fields = exchange.value.headBytes.written
        var current = peer
        // The last field of that name is the nearest; within a field, the last element.
        var index = exchange.value.head.fields.count - 1
        while index >= 0 {
            let field = exchange.value.head.fields[index]
            index -= 1
            guard !field.isAlias, field.id == server.value.realIPHeader else { continue }
            if field.id == .other {
                let name = fields.extracting(field.name.range)
                guard server.value.realIPName.withSpan({ $0.equalsIgnoringCase(name) }) else { continue }
            }
            let value = fields.extracting(field.value.range)
            var end = value.count
            while end > 0 {
                var start = end
                while start > 0, value[start - 1] != ASCII.comma { start -= 1 }
                // An empty element says nothing (RFC 9110, section 5.6.1), wherever it stands.
                if isBlank(value, start..<end) {
                    end = start - 1
                    continue
                }
                guard let address = parse(value.extracting(start..<end)) else { return current }
                current = address
                if !server.value.realIPIsRecursive || !isTrusted(address, server) { return current }
                end = start - 1
            }
            // Only a list spreads over several fields.
            if server.value.realIPHeader != .xForwardedFor { return current }
        }
        return current
    }

    private static func isBlank(_ value: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
        for index in range where value[index] != ASCII.space && value[index] != ASCII.tab { return false }
        return true
    }

    /// The address that the PROXY protocol's header of a trusted peer holds, if the server goes by that; nil to look at fields.
    ///
    /// Who speaks that protocol relays the client's fields as they came: its word counts for the address, not for them.
    private static func relayedAddress(
        _ client: Ref<ClientConnection>,
        _ server: Ref<ServerRuntime>
    ) -> SocketAddress? {
        guard client.value.isIntroduced, server.value.prefersProxyProtocol else { return nil }
        return client.value.relayed?.source ?? client.value.peer
    }

    /// The client's address as far as it is known without a request's fields.
    static func connectionAddress(_ client: Ref<ClientConnection>, _ server: Ref<ServerRuntime>) -> SocketAddress {
        guard client.value.isIntroduced, isTrusted(client.value.peer, server) else { return client.value.peer }
        return relayedAddress(client, server) ?? client.value.peer
    }

    static func isTrusted(_ address: SocketAddress, _ server: Ref<ServerRuntime>) -> Bool {
        if address.family == .unix { return server.value.trustsUnixSockets }
        let ip = address.ipBytes
        for index in 0..<server.value.trusted.count
        where server.value.trusted[index].contains(high: ip.high, low: ip.low) { return true }
        return false
    }

    /// An address as X-Forwarded-For has it: with or without port, brackets, spaces around.
    private static func parse(_ text: borrowing Span<UInt8>) -> SocketAddress? {
        var start = 0
        var end = text.count
        while start < end, text[start] == ASCII.space || text[start] == ASCII.tab { start += 1 }
        while end > start, text[end - 1] == ASCII.space || text[end - 1] == ASCII.tab { end -= 1 }
        if let ip = SocketAddress.parseIP(text.extracting(start..<end)) { return SocketAddress(ip: ip, port: 0) }
        if start < end, text[start] == 0x5B, let close = text.firstIndex(of: 0x5D, in: start..<end) {
            guard let ip = SocketAddress.parseIP(text.extracting((start + 1)..<close)) else { return nil }
            let port = close + 2 < end ? text.extracting((close + 2)..<end).decimalValue() ?? 0 : 0
            return SocketAddress(ip: ip, port: UInt16(clamping: port))
        }
        guard let colon = text.firstIndex(of: ASCII.colon, in: start..<end),
            let ip = SocketAddress.parseIP(text.extracting(start..<colon))
        else { return nil }
        return SocketAddress(ip: ip, port: UInt16(clamping: text.extracting((colon + 1)..<end).decimalValue() ?? 0))
    }
}

extension Reply {
    /// The answer of a `return`.
    init(returning status: Int, _ text: CompiledTemplate, isRedirect: Bool, hasText: Bool) {
        self.init(status)
        if hasText {
            body = .template
            template = text
            self.isRedirect = isRedirect
        }
    }
}

extension Exchange {
    /// The path as it stands in the request line.
    func withPathAsReceived<Result>(_ body: (borrowing Span<UInt8>) -> Result) -> Result {
        body(headBytes.written.extracting(head.path.range))
    }
}
