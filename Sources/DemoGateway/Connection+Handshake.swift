import Bytes
import Crypto
import EventLoop
import HTTP
import Synchronization

extension Connection {
    /// Answers a request to become a WebSocket; its head is still in `input`.
    func upgrade(_ now: UInt64) {
        let key: ByteRange
        do {
            key = try WebSocketHandshake.validate(head, input.readable)
        } catch {
            let refusal = Response.error(error.status, "not a WebSocket handshake").with("Sec-WebSocket-Version", "13")
            input.consume(head.byteCount)
            return refuse(refusal, now)
        }
        var text = ByteBuffer(capacity: 64)
        WebSocketHandshake.appendAcceptInput(key: input.readable.extracting(key.range), to: &text)
        input.consume(head.byteCount)
        if case .status(let status) = route { return send(.text("status \(status)\n", status: status), now) }
        guard isOriginAllowed else { return send(.error(403, "the origin isn't this host"), now) }
        output.append(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        )
        let digest = SHA1.hash(text.readable)
        WebSocketHandshake.appendAccept(digest: digest.span, to: &output)
        output.append("\r\n\r\n")
        openWebSocket(now)
    }

    /// `Origin` must name the host that the request is for; one that is missing comes from no browser.
    private var isOriginAllowed: Bool {
        guard options.checksOrigin, let origin = request.field("origin") else { return true }
        guard let scheme = origin.firstRange(of: "://") else { return false }
        return origin[scheme.upperBound...].lowercased() == request.field("host")?.lowercased()
    }

    private func openWebSocket(_ now: UInt64) {
        counters.webSockets.add(1, ordering: .relaxed)
        phase = .webSocket
        let isPlainEcho = request.path == "/ws-echo"
        let user = request.field("x-forwarded-user")
        if isPlainEcho {
            webSocket = WebSocketState(
                stage: .open,
                user: user,
                parser: WebSocketFrameParser(peer: .client, maximumMessage: UInt64(options.maximumPayload)),
                nextPing: now + options.pingInterval
            )
            return
        }
        let nonce = Self.identifier()
        webSocket = WebSocketState(
            stage: .awaitsConnect(nonce: nonce, deadline: now + options.connectTimeout),
            user: user,
            parser: WebSocketFrameParser(peer: .client, maximumMessage: UInt64(options.maximumHandshake)),
            nextPing: now + options.pingInterval
        )
        sendText(
            WebSocketMessages.Event(
                event: "connect.challenge",
                payload: WebSocketMessages.Challenge(nonce: nonce, ts: Clock.realtimeMilliseconds())
            )
        )
    }

    /// A random identifier in the form of a UUID.
    static func identifier() -> String {
        let digits = Array(Random.hexToken(bytes: 16))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }

    /// Judges the first message of a client.
    func connectReceived(_ now: UInt64) {
        guard let state = webSocket, case .awaitsConnect(let nonce, _) = state.stage else { return }
        guard let connect = JSON.decode(WebSocketMessages.Connect.self, state.handshake),
            connect.type == "req", connect.method == "connect"
        else { return closeWebSocket(WebSocketCloseCode.policyViolation, "the first request must be connect") }
        webSocket?.handshake = []
        if let failure = failure(of: connect.params, nonce) {
            sendText(WebSocketMessages.Answer<WebSocketMessages.Hello>(id: connect.id, ok: false, error: failure))
            return closeWebSocket(WebSocketCloseCode.policyViolation, "connect refused")
        }
        let hello = WebSocketMessages.Hello(
            server: .init(connId: Self.identifier()),
            auth: .init(role: connect.params.role ?? "operator", scopes: connect.params.scopes ?? []),
            policy: .init(
                maxPayload: options.maximumPayload,
                maxBufferedBytes: options.maximumPayload * 2,
                tickIntervalMs: options.tickInterval / 1_000_000
            )
        )
        sendText(WebSocketMessages.Answer(id: connect.id, ok: true, payload: hello))
        webSocket?.stage = .open
        webSocket?.parser.maximumMessage = UInt64(options.maximumPayload)
        webSocket?.nextTick = now + options.tickInterval
    }

    private func failure(
        of parameters: WebSocketMessages.Connect.Parameters,
        _ nonce: String
    ) -> WebSocketMessages.Failure? {
        guard (parameters.minProtocol...max(parameters.minProtocol, parameters.maxProtocol)).contains(4) else {
            return .init(code: "INVALID_REQUEST", message: "protocol mismatch")
        }
        switch options.authentication {
        case .open: break
        case .token(let token):
            let given = parameters.auth?.token ?? parameters.auth?.password ?? ""
            guard constantTimeEquals(Array(given.utf8), Array(token.utf8)) else {
                return .init(
                    code: "INVALID_REQUEST",
                    message: "unauthorized",
                    details: .init(code: "AUTH_TOKEN_MISMATCH", reason: "token_mismatch")
                )
            }
        case .trustedProxy:
            guard webSocket?.user?.isEmpty == false else {
                return .init(
                    code: "INVALID_REQUEST",
                    message: "unauthorized",
                    details: .init(code: "AUTH_UNAUTHORIZED", reason: "trusted_proxy_user_missing")
                )
            }
        }
        if let given = parameters.device?.nonce, given != nonce {
            return .init(code: "INVALID_REQUEST", message: "device nonce mismatch")
        }
        if case .required(let devices) = options.pairing {
            guard let device = parameters.device?.id, devices.contains(device) else {
                return .init(
                    code: "NOT_PAIRED",
                    message: "pairing required",
                    details: .init(code: "PAIRING_REQUIRED", reason: "not-paired", requestId: Self.identifier())
                )
            }
        }
        return nil
    }
}
