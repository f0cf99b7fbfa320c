import Bytes
import EventLoop
import HTTP

/// Writes the head of the request that goes upstream.
///
/// Order: request line, Postern's own fields, framing, then what the client sent and may send. A field that Postern sets is
/// never taken from the client, however it is spelt.
struct RequestHeadWriter {
    static func write(_ request: RequestContext, _ proxy: Ref<ProxyRuntime>, to output: inout ByteBuffer) {
        let exchange = request.exchange
        let bytes = exchange.value.headBytes.written
        output.append(bytes, exchange.value.head.methodRange.range)
        output.append(ASCII.space)
        writeTarget(request, proxy, to: &output)
        output.append(proxy.value.minorVersion == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n")
        writeOwnFields(request, proxy, to: &output)
        switch exchange.value.head.body {
        case .length(let count):
            output.append("Content-Length: ")
            output.append(decimal: count)
            output.append("\r\n")
        case .chunked:
            output.append("Transfer-Encoding: chunked\r\n")
        case .none, .untilClose:
            break
        }
        if exchange.value.passesUpgrade {
            output.append("Connection: upgrade\r\nUpgrade: websocket\r\n")
            if exchange.value.isStream { UpgradeKey.append(exchange, to: &output) }
        }
        writeClientFields(request, proxy, to: &output)
        output.append("\r\n")
    }

    /// The target as it came, or with the location's part of the path replaced.
    private static func writeTarget(
        _ request: RequestContext,
        _ proxy: Ref<ProxyRuntime>,
        to output: inout ByteBuffer
    ) {
        let exchange = request.exchange
        let bytes = exchange.value.headBytes.written
        if proxy.value.hasReplacementPath {
            output.append(proxy.value.replacementPath)
            let matched = request.location.value.matchedCount
            exchange.value.withPath { path in
                if matched < path.count { PathEscaping.append(path.extracting(matched..<path.count), to: &output) }
            }
        } else {
            output.append(bytes, exchange.value.head.path.range)
        }
        if let query = exchange.value.head.query {
            output.append(ASCII.question)
            output.append(bytes, query.range)
        }
    }

    private static func writeOwnFields(
        _ request: RequestContext,
        _ proxy: Ref<ProxyRuntime>,
        to output: inout ByteBuffer
    ) {
        let isUpgrade = request.exchange.value.passesUpgrade
        var index = 0
        while index < proxy.value.requestFields.count {
            let position = index
            index &+= 1
            switch proxy.value.requestFields[position].id {
            // A request that isn't passed as an upgrade can't ask for one by a rule.
            case .upgrade: continue
            case .connection:
                if isUpgrade { continue }
                proxy.value.requestFields[position].field.append(of: request, unless: "upgrade", to: &output)
            default: proxy.value.requestFields[position].field.append(of: request, to: &output)
            }
        }
        if proxy.value.setsForwardedFields { writeForwardedFields(request, to: &output) }
        if proxy.value.gateway.kind != .pass { GatewayFields.write(request, proxy.value.gateway, to: &output) }
    }

    /// Where the request came from, in Postern's own words. A trusted peer's chain is carried on; anyone else's is dropped.
    private static func writeForwardedFields(_ request: RequestContext, to output: inout ByteBuffer) {
        let exchange = request.exchange
        output.append("X-Forwarded-For: ")
        if exchange.value.isPeerTrusted {
            var index = exchange.value.head.fields.first(.xForwardedFor)
            while let position = index {
                output.append(exchange.value.headBytes.written, exchange.value.head.fields[position].value.range)
                output.append(", ")
                index = exchange.value.head.fields.next(.xForwardedFor, after: position)
            }
            request.appendPeer(to: &output)
        } else {
            request.appendRemote(to: &output)
        }
        output.append("\r\nX-Real-IP: ")
        request.appendRemote(to: &output)
        output.append(
            request.client.connection.value.transport.isSecure
                ? "\r\nX-Forwarded-Proto: https\r\n" : "\r\nX-Forwarded-Proto: http\r\n"
        )
        let authority = exchange.value.head.authority
        if authority.count > 0 {
            output.append("X-Forwarded-Host: ")
            output.append(exchange.value.headBytes.written, authority.range)
            output.append("\r\n")
        }
        output.append("X-Request-ID: ")
        request.appendIdentifier(to: &output)
        output.append("\r\n")
    }

    private static func writeClientFields(
        _ request: RequestContext,
        _ proxy: Ref<ProxyRuntime>,
        to output: inout ByteBuffer
    ) {
        let exchange = request.exchange
        let bytes = exchange.value.headBytes.written
        let dropsUnusual = exchange.value.server!.value.client.dropsUnusualFieldNames
        let stripsIdentity = proxy.value.setsForwardedFields
        // What proves a caller to Postern is not the gateway's business; an Nginx file passes it on, as Nginx does, unless
        // it says what the gateway is to be told.
        let gateway = proxy.value.gateway.kind
        let stripsAuthorization =
            exchange.value.hidesKey
            || exchange.value.hidesAuthorization && (stripsIdentity || gateway != .pass)
            || gateway == .bearer && exchange.value.principal.proof != .none
        var dropped = FieldID.hopByHopBits | FieldID.contentLength.bit | FieldID.expect.bit | FieldID.host.bit
        if stripsAuthorization { dropped |= FieldID.authorization.bit }
        if stripsIdentity { dropped |= FieldID.identityBits }
        if request.location.value.login.hasKeys { dropped |= FieldID.xAPIKey.bit }
        let ownCookieField = exchange.value.ownCookieField
        let stripsCookies = exchange.value.server!.value.hasSessions
        // Postern asks with a key of its own.
        if exchange.value.isStream { dropped |= FieldID.secWebSocketKey.bit }
        let count = exchange.value.head.fields.count
        var run = FieldRun()
        var index = 0
        while index < count {
            let position = index
            let field = exchange.value.head.fields[position]
            index &+= 1
            if dropped & field.id.bit != 0 || field.isNominated || (field.isAlias && dropsUnusual) { continue }
            if proxy.value.ownedFields.contains(field, of: bytes) { continue }
            if position == ownCookieField, stripsCookies { continue }
            if field.id == .cookie, stripsCookies, CookieCrumbs.hasOurs(bytes.extracting(field.value.range)) {
                run.flush(bytes, to: &output)
                CookieCrumbs.writeOthers(bytes.extracting(field.value.range), to: &output)
                continue
            }
            run.keep(field, bytes, to: &output)
        }
        run.flush(bytes, to: &output)
    }
}

/// Values of fields that are made of variables.
enum FieldValue {
    /// Appends the template's text. Control characters, which could end the field, are written as `%XX`.
    static func append(_ template: CompiledTemplate, of request: RequestContext, to output: inout ByteBuffer) {
        if template.isConstant {
            output.append(template.constant)
            return
        }
        let start = output.writeIndex
        request.append(template, to: &output)
        if template.isClean { return }
        let end = FieldContent.end(output.written, from: start)
        if end < output.writeIndex { escape(from: end, in: &output) }
    }

    private static func escape(from start: Int, in output: inout ByteBuffer) {
        let rest = output.written.extracting(start..<output.writeIndex).array
        output.truncate(to: start)
        for byte in rest {
            if ASCII.isFieldValue(byte) {
                output.append(byte)
            } else {
                PathEscaping.append(escaped: byte, to: &output)
            }
        }
    }
}

/// Percent-encoding of a decoded path.
enum PathEscaping {
    static func append(_ path: borrowing Span<UInt8>, to output: inout ByteBuffer) {
        for index in 0..<path.count {
            let byte = path[index]
            let isPlain =
                byte > 0x20 && byte < 0x7F && byte != ASCII.percent && byte != ASCII.question && byte != 0x23
                && byte != ASCII.quote && byte != ASCII.backslash && byte != 0x3C && byte != 0x3E
            if isPlain { output.append(byte) } else { append(escaped: byte, to: &output) }
        }
    }

    static func append(escaped byte: UInt8, to output: inout ByteBuffer) {
        output.append(ASCII.percent)
        output.append(ASCII.uppercaseHexDigit(byte >> 4))
        output.append(ASCII.uppercaseHexDigit(byte & 0xF))
    }
}
