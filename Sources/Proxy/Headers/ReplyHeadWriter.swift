import Bytes
import HTTP

/// Writes the head of an upstream's reply as the client gets it.
struct ReplyHeadWriter {
    /// - Parameter bytes: where the reply's head stands.
    static func write(
        _ request: RequestContext,
        _ proxy: Ref<ProxyRuntime>,
        _ bytes: borrowing Span<UInt8>,
        to output: inout ByteBuffer
    ) {
        let exchange = request.exchange
        writeStatusLine(exchange.value.reply.status, to: &output)
        // What passes from the upstream takes the place of Postern's own.
        if proxy.value.hidesServer { writeServer(request, to: &output) }
        if proxy.value.hidesDate { writeDate(request, to: &output) }
        let start = output.writeIndex
        writeConnection(exchange, to: &output)
        writeFraming(exchange, bytes, to: &output)
        let replaced = ResponseFields.replaced(in: request.location, status: exchange.value.reply.status)
        let dropped = FieldID.hopByHopBits | FieldID.contentLength.bit
        let redirected = proxy.value.redirects.isEmpty ? 0 : FieldID.location.bit | FieldID.refresh.bit
        let count = exchange.value.reply.fields.count
        var run = FieldRun()
        var index = 0
        while index < count {
            let field = exchange.value.reply.fields[index]
            index &+= 1
            if dropped & field.id.bit != 0 || field.isNominated { continue }
            if proxy.value.hiddenFields.contains(field, of: bytes) { continue }
            if replaced.contains(field, of: bytes) { continue }
            if redirected & field.id.bit != 0 {
                run.flush(bytes, to: &output)
                let name = bytes.extracting(field.name.range)
                let value = bytes.extracting(field.value.range)
                if writeRedirect(request, proxy, name, value, field.id, to: &output) { continue }
            }
            run.keep(field, bytes, to: &output)
        }
        run.flush(bytes, to: &output)
        if !exchange.value.setCookies.isEmpty { output.append(exchange.value.setCookies.readable) }
        ResponseFields.write(request, status: exchange.value.reply.status, from: start, to: &output)
        output.append("\r\n")
    }

    /// The head of 101 and of further interim replies, whose connection fields are the reply itself.
    static func writeInterim(
        _ request: RequestContext,
        _ bytes: borrowing Span<UInt8>,
        to output: inout ByteBuffer
    ) {
        let exchange = request.exchange
        let isFinal = exchange.value.reply.status == 101
        // To an extended CONNECT the upstream's 101 is a 200 (RFC 8441, section 5).
        writeStatusLine(isFinal ? exchange.value.status : exchange.value.reply.status, to: &output)
        if isFinal {
            writeServer(request, to: &output)
            writeDate(request, to: &output)
        }
        let start = output.writeIndex
        if isFinal {
            output.append("Connection: upgrade\r\nUpgrade: websocket\r\n")
        }
        var run = FieldRun()
        for index in 0..<exchange.value.reply.fields.count {
            let field = exchange.value.reply.fields[index]
            if field.isNominated || field.id.isHopByHop || field.id == .contentLength { continue }
            if isFinal, field.id == .server || field.id == .date { continue }
            if field.id == .secWebSocketAccept, exchange.value.isStream { continue }
            run.keep(field, bytes, to: &output)
        }
        run.flush(bytes, to: &output)
        if isFinal, !exchange.value.setCookies.isEmpty { output.append(exchange.value.setCookies.readable) }
        if isFinal { ResponseFields.write(request, status: 101, from: start, to: &output) }
        output.append("\r\n")
    }

    static func writeStatusLine(_ status: Int, to output: inout ByteBuffer) {
        if status == 200 {
            output.append("HTTP/1.1 200 OK\r\n")
            return
        }
        output.append("HTTP/1.1 ")
        output.append(decimal: status)
        output.append(ASCII.space)
        output.append(Status.reason(status))
        output.append("\r\n")
    }

    /// `Server`, `Date` and what becomes of the connection.
    static func writeGeneral(_ request: RequestContext, to output: inout ByteBuffer) {
        writeServer(request, to: &output)
        writeDate(request, to: &output)
        writeConnection(request.exchange, to: &output)
    }

    private static func writeServer(_ request: RequestContext, to output: inout ByteBuffer) {
        if request.exchange.value.location?.value.showsServerVersion ?? false {
            output.append(request.environment.value.serverField.readable)
        } else {
            output.append("Server: postern\r\n")
        }
    }

    private static func writeDate(_ request: RequestContext, to output: inout ByteBuffer) {
        output.append("Date: ")
        output.append(request.environment.value.time.httpDate.readable)
        output.append("\r\n")
    }

    private static func writeConnection(_ exchange: Ref<Exchange>, to output: inout ByteBuffer) {
        if !exchange.value.keepsAlive {
            output.append("Connection: close\r\n")
        } else if exchange.value.head.minorVersion == 0 {
            output.append("Connection: keep-alive\r\n")
        }
    }

    private static func writeFraming(
        _ exchange: Ref<Exchange>,
        _ bytes: borrowing Span<UInt8>,
        to output: inout ByteBuffer
    ) {
        switch exchange.value.replyFraming {
        case .chunked: output.append("Transfer-Encoding: chunked\r\n")
        case .untilClose, .stream: break
        case .length, .none:
            // For HEAD and 304 the length is that of the body that isn't there.
            guard let index = exchange.value.reply.fields.first(.contentLength), exchange.value.reply.status != 204
            else { return }
            output.append("Content-Length: ")
            output.append(bytes, exchange.value.reply.fields[index].value.range)
            output.append("\r\n")
        }
    }

    /// Writes a `Location` or `Refresh` that begins as a `proxy_redirect` says; false when none fits.
    private static func writeRedirect(
        _ request: RequestContext,
        _ proxy: Ref<ProxyRuntime>,
        _ name: borrowing Span<UInt8>,
        _ value: borrowing Span<UInt8>,
        _ id: FieldID,
        to output: inout ByteBuffer
    ) -> Bool {
        // `Refresh: 5; url=…`
        var start = 0
        if id == .refresh {
            guard let equals = value.firstIndex(of: ASCII.equals, in: 0..<value.count) else { return false }
            start = equals + 1
        }
        for index in 0..<proxy.value.redirects.count {
            let rule = proxy.value.redirects[index]
            let end = start + rule.from.count
            guard end <= value.count, rule.from.withSpan({ $0.equals(value.extracting(start..<end)) }) else { continue }
            output.append(name)
            output.append(": ")
            output.append(value, 0..<start)
            FieldValue.append(rule.replacement, of: request, to: &output)
            output.append(value, end..<value.count)
            output.append("\r\n")
            return true
        }
        return false
    }
}

/// `add_header` and the fields that tell of limits.
enum ResponseFields {
    /// - Parameter start: where the head's fields begin that `$sent_http_…` tell of.
    static func write(_ request: RequestContext, status: Int, from start: Int, to output: inout ByteBuffer) {
        guard let location = request.exchange.value.location else { return }
        let isListed = isListed(status)
        let readsSentFields = location.value.readsSentFields
        var index = 0
        while index < location.value.responseFields.count {
            let field = location.value.responseFields[index]
            index &+= 1
            if isListed ? !field.isOnListed : !field.isOnOthers { continue }
            // The rule's value may be made of what stands before it.
            if readsSentFields { keep(request.exchange, output, from: start) }
            field.field.append(of: request, to: &output)
        }
        if readsSentFields { keep(request.exchange, output, from: start) }
    }

    /// Keeps what was written from `start` on, as far as it isn't kept yet.
    private static func keep(_ exchange: Ref<Exchange>, _ output: borrowing ByteBuffer, from start: Int) {
        let kept = start + exchange.value.sentFields.writeIndex
        exchange.value.sentFields.append(output.written, kept..<output.writeIndex)
    }

    /// Names of fields of a reply's own whose place a rule's field takes, now that its status is known.
    static func replaced(in location: Ref<LocationRuntime>, status: Int) -> FieldNameSet {
        isListed(status) ? location.value.replacedOnListed : location.value.replacedOnOthers
    }

    /// Statuses that Nginx adds fields to without `always`.
    private static func isListed(_ status: Int) -> Bool {
        switch status {
        case 200, 201, 204, 206, 301, 302, 303, 304, 307, 308: true
        default: false
        }
    }

    /// The limit that is closest to its end (draft-ietf-httpapi-ratelimit-headers).
    static func writeRateLimit(_ state: RateLimitState, to output: inout ByteBuffer) {
        guard state.isKnown else { return }
        let second: UInt64 = 1_000_000_000
        output.append("RateLimit-Policy: \"default\";q=")
        output.append(decimal: UInt64(state.limit))
        output.append(";w=")
        output.append(decimal: max((state.window + second - 1) / second, 1))
        output.append("\r\nRateLimit: \"default\";r=")
        output.append(decimal: UInt64(state.remaining))
        output.append(";t=")
        output.append(decimal: (state.resetAfter + second - 1) / second)
        output.append("\r\n")
    }
}
