import Bytes
import EventLoop
import HTTP
import Synchronization

extension Connection {
    /// Reads a request's head and decides what is to be done.
    func readHead(_ now: UInt64) -> Bool {
        if input.isEmpty {
            guard fill() else { return false }
            deadline = now + options.idleTimeout
        }
        let isComplete: Bool
        do {
            isComplete = try parser.parse(input.readable, into: &head) != nil
        } catch {
            request = Request()
            refuse(.error(error.status, "\(error.reason)"), now)
            return true
        }
        guard isComplete else { return fill() }
        request = Request(head, input.readable)
        requestCount += 1
        counters.requests.add(1, ordering: .relaxed)
        closesAfterReply = !request.isKeepAlive
        route = Route(request.method, path: request.path)
        if head.upgrade == .webSocket {
            upgrade(now)
        } else {
            input.consume(head.byteCount)
            begin(expectsContinue: head.expectsContinue, now)
        }
        head.reset()
        return true
    }

    /// Answers and closes: for what leaves the stream of requests unreadable, or its rest unwanted.
    func refuse(_ response: Response, _ now: UInt64) {
        closesAfterReply = true
        send(response, now)
    }

    private func begin(expectsContinue: Bool, _ now: UInt64) {
        body = RequestBody(request.framing, use: route.bodyUse)
        if let refusal = refusal() {
            if body.hasEnded { send(refusal, now) } else { refuse(refusal, now) }
            return
        }
        if expectsContinue, input.isEmpty { output.append("HTTP/1.1 100 Continue\r\n\r\n") }
        deadline = now + options.idleTimeout
        phase = .body
    }

    /// The answer to a request whose body need not be read, or nil.
    private func refusal() -> Response? {
        if route.needsAuthentication, !isAuthenticated {
            return Response.error(401, "unauthorized").with("WWW-Authenticate", "Bearer")
        }
        if body.isTooLarge { return .error(413, "the body is too large") }
        if route.answersAtOnce { return answer() }
        return nil
    }

    /// Whether the request proves who sent it, as far as the gateway asks for that.
    private var isAuthenticated: Bool {
        switch options.authentication {
        case .open: return true
        case .token(let token):
            guard let bearer = request.bearer else { return false }
            return constantTimeEquals(Array(bearer.utf8), Array(token.utf8))
        case .trustedProxy: return request.field("x-forwarded-user")?.isEmpty == false
        }
    }

    /// Reads the body, then answers.
    func readBody(_ now: UInt64) -> Bool {
        let before = body.count
        let progress = body.read(&input)
        let count = body.count - before
        if count > 0 {
            counters.uploaded.add(Int(count), ordering: .relaxed)
            deadline = now + options.idleTimeout
        }
        switch progress {
        case .needsMore: return fill()
        case .malformed: refuse(.error(400, "the chunked body is malformed"), now)
        case .tooLarge: refuse(.error(413, "the body is too large"), now)
        case .ended:
            if input.isEmpty { releaseInput() }
            reply(now)
        }
        return true
    }

    /// An idle connection holds no buffer.
    private func releaseInput() { input = ByteBuffer() }

    private func reply(_ now: UInt64) {
        switch route {
        case .bytes(let count):
            writeHead(200, "application/octet-stream", .length(UInt64(count)))
            start(.bytes(remaining: count, offset: 0), now)
        case .slow:
            let delay = request.query.number("ms", in: 0...600_000, otherwise: 1000)
            phase = .reply(.delayed(.text("waited \(delay) ms\n"), at: now + UInt64(delay) * 1_000_000))
        case .events:
            let count = request.query.number("count", in: 0...1_000_000, otherwise: 10)
            let gap = request.query.number("gap_ms", in: 0...600_000, otherwise: 100)
            startEvents(EventStream(.counter(count), gap: UInt64(gap) * 1_000_000, now: now), now)
        case .chat:
            guard let call = JSON.decode(ChatRequest.self, body.collected) else { return send(malformedJSON, now) }
            let completion = ChatCompletion(call, id: number)
            guard call.stream == true else { return send(.json(completion.whole), now) }
            startEvents(EventStream(.list(completion.events), gap: wordGap, now: now), now)
        case .responses:
            guard let call = JSON.decode(ResponsesRequest.self, body.collected) else { return send(malformedJSON, now) }
            let reply = ResponsesReply(call, id: number)
            guard call.stream == true else { return send(.json(reply.whole), now) }
            startEvents(EventStream(.list(reply.events), gap: wordGap, now: now), now)
        default:
            send(answer(), now)
        }
    }

    private var malformedJSON: Response { .error(400, "the body isn't the JSON that this endpoint takes") }

    private var wordGap: UInt64 {
        let fallback = Int(options.wordGap / 1_000_000)
        return UInt64(request.query.number("gap_ms", in: 0...600_000, otherwise: fallback)) * 1_000_000
    }

    /// The answer of a route that has one at once.
    private func answer() -> Response {
        switch route {
        case .live: return .json(text: #"{"ok":true,"status":"live"}"#)
        case .ready, .started:
            return isGatewayReady ? .json(text: #"{"ready":true}"#) : .json(text: #"{"ready":false}"#, status: 503)
        case .page:
            return Response(contentType: "text/html; charset=utf-8", body: Array(Page.html(for: request, peer).utf8))
                .with("Cache-Control", "no-store")
        case .script: return Response(contentType: "text/javascript; charset=utf-8", body: Array(Page.script.utf8))
        case .style: return Response(contentType: "text/css; charset=utf-8", body: Array(Page.style.utf8))
        case .manifest: return Response(contentType: "application/manifest+json", body: Array(Page.manifest.utf8))
        case .serviceWorker:
            return Response(contentType: "text/javascript; charset=utf-8", body: Array(Page.serviceWorker.utf8))
        case .uiConfiguration:
            return .json(text: #"{"basePath":"","assistantName":"Demo","assistantAvatar":"/avatar/main"}"#)
        case .avatar: return Response(contentType: "image/svg+xml", body: Array(Page.avatar.utf8))
        case .embeddings:
            guard let call = JSON.decode(EmbeddingsRequest.self, body.collected) else { return malformedJSON }
            return .json(EmbeddingsReply(call))
        case .models: return .json(text: #"{"data":[{"id":"openclaw/default","object":"model"}],"object":"list"}"#)
        case .model: return .json(text: #"{"id":"openclaw/default","object":"model","owned_by":"openclaw"}"#)
        case .invokeTool:
            guard let call = JSON.decode(ToolCall.self, body.collected) else { return malformedJSON }
            return .json(ToolReply(ok: true, tool: call.tool, result: "invoked"))
        case .hook: return hookAnswer()
        case .echo: return .json(EchoReply(self))
        case .upload: return .json(UploadReply(bytes: body.count, sha256: body.finishDigest()))
        case .status(let status): return .text(Status.isBodiless(status) ? "" : "status \(status)\n", status: status)
        case .wrongMethod(let allowed): return Response.error(405, "method not allowed").with("Allow", allowed)
        case .notFound, .bytes, .slow, .events, .chat, .responses: return .error(404, "not found")
        }
    }

    private func hookAnswer() -> Response {
        if let token = options.hookToken {
            let given = request.bearer ?? request.field("x-openclaw-token") ?? ""
            guard constantTimeEquals(Array(given.utf8), Array(token.utf8)) else { return .error(401, "unauthorized") }
        }
        return .json(text: #"{"ok":true}"#, status: 202)
    }
}
