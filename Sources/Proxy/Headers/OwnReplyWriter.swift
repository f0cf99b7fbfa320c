import Bytes
import HTTP

/// Writes an answer that Postern makes by itself: head and body in one.
struct OwnReplyWriter {
    /// - Parameter isReady: what `/.postern/ready` is to say.
    /// - Returns: bytes of the head.
    static func write(_ request: RequestContext, _ reply: Reply, to output: inout ByteBuffer) -> Int {
        let exchange = request.exchange
        let before = output.readableCount
        var body = ByteBuffer()
        var location = ByteBuffer()
        makeBody(request, reply, &body, &location)
        ReplyHeadWriter.writeStatusLine(reply.status, to: &output)
        ReplyHeadWriter.writeGeneral(request, to: &output)
        let start = output.writeIndex
        let hasBody = !Status.isBodiless(reply.status)
        if hasBody {
            if body.readableCount > 0 || reply.status < 300 { writeContentType(request, reply, to: &output) }
            output.append("Content-Length: ")
            output.append(decimal: body.readableCount)
            output.append("\r\n")
        }
        if location.readableCount > 0 {
            output.append("Location: ")
            output.append(location.readable)
            output.append("\r\n")
        }
        if reply.retryAfter > 0 {
            output.append("Retry-After: ")
            output.append(decimal: reply.retryAfter)
            output.append("\r\n")
        }
        if exchange.value.limitOutcome == .rejected {
            ResponseFields.writeRateLimit(exchange.value.rateLimit, to: &output)
        }
        if reply.challenges { writeChallenge(request, to: &output) }
        if !exchange.value.setCookies.isEmpty { output.append(exchange.value.setCookies.readable) }
        if reply.status >= 400 || reply.body == .healthy || reply.body == .metrics || reply.body == .page {
            output.append("Cache-Control: no-store\r\n")
        }
        if reply.status >= 400, reply.status != 404 {
            output.append("X-Request-ID: ")
            request.appendIdentifier(to: &output)
            output.append("\r\n")
        }
        ResponseFields.write(request, status: reply.status, from: start, to: &output)
        // Of two referrer policies the last counts: with a rule's `no-referrer` no form of ours would say where it is from.
        if reply.body == .page { PageWriter.appendFields(to: &output) }
        output.append("\r\n")
        let count = output.readableCount - before
        let isHead = exchange.value.head.method == .head
        if hasBody, !isHead {
            output.append(body.readable)
            exchange.value.bodyBytesSent += UInt64(body.readableCount)
        }
        return count
    }

    /// The body's type, unless a rule of the location sets one.
    private static func writeContentType(_ request: RequestContext, _ reply: Reply, to output: inout ByteBuffer) {
        let location = request.exchange.value.location
        if let location, ResponseFields.replaced(in: location, status: reply.status).contains(.contentType) { return }
        output.append("Content-Type: ")
        switch reply.body {
        case .template where !reply.isRedirect && location != nil,
            .standard where reply.status < 300 && location != nil:
            output.append(location!.value.defaultType)
        case .standard where wantsJSON(request), .detailed where wantsJSON(request), .ready where wantsJSON(request),
            .notReady where wantsJSON(request), .json:
            output.append("application/json")
        case .page: output.append("text/html; charset=utf-8")
        case .metrics: output.append(request.environment.value.page?.format.contentType ?? "text/plain")
        case .stubStatus: output.append("text/plain")
        case .standard, .detailed, .template, .healthy, .ready, .notReady, .toHTTPS, .plainHTTP, .certificateMissing,
            .certificateUntrusted, .location:
            output.append("text/plain; charset=utf-8")
        }
        output.append("\r\n")
    }

    private static func makeBody(
        _ request: RequestContext,
        _ reply: Reply,
        _ body: inout ByteBuffer,
        _ location: inout ByteBuffer
    ) {
        switch reply.body {
        case .template:
            if reply.isRedirect {
                FieldValue.append(reply.template, of: request, to: &location)
                makeStandard(request, reply.status, &body)
            } else {
                request.append(reply.template, to: &body)
            }
        case .healthy: body.append("healthy\n")
        case .metrics: request.environment.value.page?.append(to: &body)
        case .stubStatus: StubStatusHandler.write(request, to: &body)
        case .ready: makeReadiness(request, json: "{\"ready\":true", text: "ready\n", &body)
        case .notReady: makeReadiness(request, json: "{\"ready\":false", text: "not ready\n", &body)
        case .toHTTPS:
            location.append("https://")
            request.appendHost(to: &location)
            // `*` of OPTIONS has no place behind a host.
            if request.exchange.value.head.targetForm == .asterisk {
                location.append(ASCII.slash)
            } else {
                request.appendTarget(to: &location)
            }
            makeStandard(request, reply.status, &body)
        case .plainHTTP:
            body.append("400 Bad Request: this is an HTTPS port, write https:// in the address\n")
        case .certificateMissing: body.append("400 No required SSL certificate was sent\n")
        case .certificateUntrusted: body.append("400 The SSL certificate error\n")
        case .page, .json: body.append(request.exchange.value.ownBody.readable)
        case .location:
            location.append(request.exchange.value.ownBody.readable)
            request.exchange.value.ownBody.clear()
            makeStandard(request, reply.status, &body)
        case .detailed: makeStandard(request, reply.status, &body)
        // `return 200;` says nothing.
        case .standard: if reply.status >= 300 { makeStandard(request, reply.status, &body) }
        }
    }

    /// Whether requests can be served, and, beside that, whether what must outlive the process can be kept.
    private static func makeReadiness(
        _ request: RequestContext,
        json: StaticString,
        text: StaticString,
        _ body: inout ByteBuffer
    ) {
        let isFailing = request.exchange.value.isStateFailing
        if wantsJSON(request) {
            body.append(json)
            body.append(isFailing ? ",\"state\":\"failing\"}\n" : "}\n")
        } else {
            body.append(text)
            if isFailing { body.append("state: failing\n") }
        }
    }

    /// The status in words, with the request's identifier to quote.
    private static func makeStandard(_ request: RequestContext, _ status: Int, _ body: inout ByteBuffer) {
        if wantsJSON(request) {
            body.append("{\"status\":")
            body.append(decimal: status)
            body.append(",\"error\":\"")
            body.append(Status.reason(status))
            appendDetail(request, "\",\"detail\":\"", &body)
            body.append("\",\"request_id\":\"")
            request.appendIdentifier(to: &body)
            body.append("\"}\n")
        } else {
            body.append(decimal: status)
            body.append(ASCII.space)
            body.append(Status.reason(status))
            appendDetail(request, ": ", &body)
            body.append("\n")
            if status >= 400 {
                body.append("request id: ")
                request.appendIdentifier(to: &body)
                body.append("\n")
            }
        }
    }

    /// What a phase has to say of its refusal: words of ours, which need no escaping.
    private static func appendDetail(_ request: RequestContext, _ lead: StaticString, _ body: inout ByteBuffer) {
        guard !request.exchange.value.ownBody.isEmpty else { return }
        body.append(lead)
        body.append(request.exchange.value.ownBody.readable)
    }

    private static func writeChallenge(_ request: RequestContext, to output: inout ByteBuffer) {
        if request.location.value.login.hasPasswords { writeChallenge("Basic", request, to: &output) }
        if request.location.value.login.hasKeys { writeChallenge("Bearer", request, to: &output) }
    }

    private static func writeChallenge(
        _ scheme: StaticString,
        _ request: RequestContext,
        to output: inout ByteBuffer
    ) {
        output.append("WWW-Authenticate: ")
        output.append(scheme)
        output.append(" realm=\"")
        var realm = ByteBuffer()
        FieldValue.append(request.location.value.realm, of: request, to: &realm)
        for index in 0..<realm.readableCount {
            let byte = realm.readable[index]
            if byte == ASCII.quote || byte == ASCII.backslash { output.append(ASCII.backslash) }
            output.append(byte)
        }
        let isCharsetSaid = request.location.value.announcesCharset && scheme.utf8CodeUnitCount == 5
        output.append(isCharsetSaid ? "\", charset=\"UTF-8\"\r\n" : "\"\r\n")
    }

    /// Whether `Accept` names JSON and not HTML: a program asks.
    private static func wantsJSON(_ request: RequestContext) -> Bool {
        let exchange = request.exchange
        guard let index = exchange.value.head.fields.first(.accept) else { return false }
        let value = exchange.value.headBytes.written.extracting(exchange.value.head.fields[index].value.range)
        return value.contains("application/json") && !value.contains("text/html")
    }
}

extension Span where Element == UInt8 {
    /// Whether `text` stands somewhere in the bytes.
    func contains(_ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard count >= length else { return false }
        for start in 0...(count - length) where extracting(start..<(start + length)).equals(text) { return true }
        return false
    }
}
