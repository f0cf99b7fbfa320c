import Bytes
import EventLoop
import HTTP

extension RequestContext {
    /// Appends the template's text, variables filled in.
    func append(_ template: CompiledTemplate, to output: inout ByteBuffer) {
        if template.isConstant {
            output.append(template.constant)
            return
        }
        var index = 0
        while index < template.operations.count {
            append(template.operations[index], to: &output)
            index &+= 1
        }
    }

    func append(_ operation: CompiledTemplate.Operation, to output: inout ByteBuffer) {
        switch operation.code {
        case .literal: output.append(operation.text)
        // Those that nearly every request asks for.
        case .remoteAddress: appendRemote(to: &output)
        case .host: appendHost(to: &output)
        case .scheme: output.append(client.connection.value.transport.isSecure ? "https" : "http")
        case .args, .isArgs, .uri, .requestURI, .request, .requestMethod, .serverProtocol, .requestID,
            .requestLength, .contentLength, .contentType, .requestField, .argument, .cookie:
            appendRequest(operation, to: &output)
        case .remotePort, .binaryRemoteAddress, .realIPRemoteAddress, .realIPRemotePort, .serverAddress,
            .serverPort, .connection, .connectionRequests, .https, .http2, .tlsProtocol, .tlsCipher, .tlsServerName,
            .tlsSessionReused, .pipelined, .proxyProtocolAddress, .proxyProtocolPort, .proxyProtocolServerAddress,
            .proxyProtocolServerPort:
            appendConnection(operation.code, to: &output)
        case .tlsClientVerify, .tlsClientSubject, .tlsClientIssuer, .tlsClientSerial, .tlsClientFingerprint,
            .tlsClientEscapedCertificate, .tlsClientStart, .tlsClientEnd, .tlsClientRemaining:
            appendCertificate(operation.code, to: &output)
        case .status, .bodyBytesSent, .bytesSent, .requestTime, .sentField, .upstreamAddress, .upstreamStatus,
            .upstreamResponseTime, .upstreamConnectTime, .upstreamHeaderTime, .upstreamResponseLength,
            .upstreamBytesReceived, .upstreamBytesSent, .upstreamField:
            appendReply(operation, to: &output)
        case .remoteUser:
            if exchange.value.hasUser { output.append(exchange.value.user.readable) }
        case .serverName:
            if let server = exchange.value.server { output.append(server.value.primaryName) }
        case .hostname: output.append(environment.value.hostname)
        case .connectionsActive, .connectionsReading, .connectionsWriting, .connectionsWaiting:
            appendConnectionCount(operation.code, to: &output)
        case .limitRequestStatus: output.append(exchange.value.limitOutcome.text)
        case .limitConnectionStatus: output.append(exchange.value.connectionOutcome.text)
        case .map: appendMapped(Int(operation.index), to: &output)
        case .capture:
            let range = environment.value.captures[Int(operation.index)]
            output.append(environment.value.captureText.readable, range)
        case .proxyAddXForwardedFor: appendForwardedFor(to: &output)
        case .proxyHost: appendAuthority(to: &output)
        case .proxyPort: appendAuthorityPort(to: &output)
        case .timeLocal: output.append(environment.value.time.local.readable)
        case .timeISO8601: output.append(environment.value.time.iso8601.readable)
        case .milliseconds:
            appendSeconds(UInt64(max(environment.value.time.milliseconds, 0)), to: &output)
        case .processID: output.append(decimal: environment.value.processID)
        case .refusal: output.append(exchange.value.refusal.text)
        case .proof: output.append(exchange.value.principal.proof.text)
        }
    }

    // MARK: Parts

    /// Seconds with three decimals.
    func appendSeconds(_ milliseconds: UInt64, to output: inout ByteBuffer) {
        output.append(decimal: milliseconds / 1000)
        output.append(ASCII.dot)
        let rest = milliseconds % 1000
        output.append(UInt8(rest / 100) + 0x30)
        output.append(UInt8(rest / 10 % 10) + 0x30)
        output.append(UInt8(rest % 10) + 0x30)
    }

    private func appendMapped(_ index: Int, to output: inout ByteBuffer) {
        guard let runtime = exchange.value.runtime, index < runtime.maps.count else { return }
        let map = runtime.maps[index]
        // A map's source may be another map: each level has a buffer of its own, the first the loop's spare one.
        var key = ByteBuffer()
        swap(&key, &environment.value.scratch)
        key.clear()
        append(map.value.source, to: &key)
        if let value = map.value.value(for: key.readable) {
            swap(&key, &environment.value.scratch)
            append(value, to: &output)
            return
        }
        let value = map.value.matchedValue(for: key.readable, &environment.value.captures)
        // Captures are ranges of the key, which has to stay while the value is written.
        swap(&key, &environment.value.captureText)
        append(value, to: &output)
        swap(&key, &environment.value.captureText)
        swap(&key, &environment.value.scratch)
    }

    /// The client's X-Forwarded-For, if any, with its address behind it.
    private func appendForwardedFor(to output: inout ByteBuffer) {
        var index = exchange.value.head.fields.first(.xForwardedFor)
        var isFirst = true
        while let position = index {
            let field = exchange.value.head.fields[position]
            if !field.isAlias {
                if !isFirst { output.append(", ") }
                output.append(exchange.value.headBytes.written, field.value.range)
                isFirst = false
            }
            index = exchange.value.head.fields.next(.xForwardedFor, after: position)
        }
        if !isFirst { output.append(", ") }
        appendRemote(to: &output)
    }

    private func appendAuthority(to output: inout ByteBuffer) {
        if let proxy = exchange.value.location?.value.proxy { output.append(proxy.value.authority) }
    }

    private func appendAuthorityPort(to output: inout ByteBuffer) {
        guard let proxy = exchange.value.location?.value.proxy else { return }
        let isSecure = proxy.value.tls != nil
        proxy.value.authority.withSpan { authority in
            var position = authority.count
            while position > 0, ASCII.isDigit(authority[position - 1]) { position -= 1 }
            if position > 0, position < authority.count, authority[position - 1] == ASCII.colon {
                output.append(authority, position..<authority.count)
            } else {
                output.append(isSecure ? "443" : "80")
            }
        }
    }
}
