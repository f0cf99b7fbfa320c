import Bytes
import EventLoop
import HTTP

extension RequestContext {
    /// Appends a variable of the client's connection.
    func appendConnection(_ code: VariableCode, to output: inout ByteBuffer) {
        let client = client.connection
        switch code {
        case .remotePort: output.append(decimal: UInt64(exchange.value.remote.port))
        case .binaryRemoteAddress: appendBinaryAddress(to: &output)
        case .realIPRemoteAddress: appendPeer(to: &output)
        case .realIPRemotePort: output.append(decimal: UInt64(client.value.peer.port))
        case .serverAddress:
            localAddress.appendAddress(to: &output)
        case .serverPort: output.append(decimal: UInt64(localAddress.port))
        case .proxyProtocolAddress: client.value.relayed?.source.appendAddress(to: &output)
        case .proxyProtocolPort: appendPort(client.value.relayed?.source, to: &output)
        case .proxyProtocolServerAddress: client.value.relayed?.destination.appendAddress(to: &output)
        case .proxyProtocolServerPort: appendPort(client.value.relayed?.destination, to: &output)
        case .connection: output.append(decimal: client.value.serial)
        case .connectionRequests: output.append(decimal: client.value.requestCount)
        case .https: if client.value.transport.isSecure { output.append("on") }
        case .http2:
            if exchange.value.isStream { output.append(client.value.transport.isSecure ? "h2" : "h2c") }
        case .tlsProtocol: output.append(client.value.transport.protocolName)
        case .tlsCipher: client.value.transport.appendCipher(to: &output)
        case .tlsServerName: client.value.transport.appendServerName(to: &output)
        case .tlsSessionReused:
            if client.value.transport.isSecure { output.append(client.value.transport.isResumed ? "r" : ".") }
        case .pipelined: output.append(client.value.input.isEmpty ? "." : "p")
        default: break
        }
    }

    /// Appends the address of the connection's other end, which is put into words once for all its requests.
    func appendPeer(to output: inout ByteBuffer) {
        let client = client
        if client.value.peerText.isEmpty { client.value.peer.appendAddress(to: &client.value.peerText) }
        output.append(client.value.peerText.readable)
    }

    /// Appends the address of who sent the request, after `real_ip`.
    func appendRemote(to output: inout ByteBuffer) {
        if exchange.value.isPeerTrusted || client.value.isIntroduced {
            exchange.value.remote.appendAddress(to: &output)
        } else {
            appendPeer(to: &output)
        }
    }

    private func appendPort(_ address: SocketAddress?, to output: inout ByteBuffer) {
        if let address { output.append(decimal: UInt64(address.port)) }
    }

    /// The address that the client connected to.
    private var localAddress: SocketAddress {
        let client = client.connection
        if let known = client.value.local { return known }
        let address =
            Sockets.localAddress(of: client.value.transport.descriptor) ?? SocketAddress(ipv4: 0, port: 0)
        client.value.local = address
        return address
    }

    private func appendBinaryAddress(to output: inout ByteBuffer) {
        let bytes = exchange.value.remote.ipBytes
        var shift: UInt64 = bytes.isIPv4 ? 32 : 64
        if !bytes.isIPv4 {
            for step in 1...8 { output.append(UInt8(truncatingIfNeeded: bytes.high >> UInt64(64 - 8 * step))) }
        }
        while shift > 0 {
            shift -= 8
            output.append(UInt8(truncatingIfNeeded: bytes.low >> shift))
        }
    }

    /// Appends a variable of the reply.
    func appendReply(_ operation: CompiledTemplate.Operation, to output: inout ByteBuffer) {
        switch operation.code {
        case .status: output.append(decimal: exchange.value.status)
        case .bodyBytesSent: output.append(decimal: exchange.value.bodyBytesSent)
        case .bytesSent: output.append(decimal: exchange.value.bytesSent)
        case .requestTime: appendSeconds((now &- exchange.value.startedAt) / 1_000_000, to: &output)
        case .sentField: appendSentField(operation.text, to: &output)
        case .upstreamField: appendReplyField(operation.text, to: &output)
        case .upstreamAddress, .upstreamStatus, .upstreamResponseTime, .upstreamConnectTime, .upstreamHeaderTime,
            .upstreamResponseLength, .upstreamBytesReceived, .upstreamBytesSent:
            appendAttempts(operation.code, to: &output)
        default: break
        }
    }

    /// What the variable is for each attempt, with commas between them; nothing when none was made.
    private func appendAttempts(_ code: VariableCode, to output: inout ByteBuffer) {
        guard exchange.value.hasAttempt else { return }
        for index in 0..<exchange.value.earlierAttempts.count {
            append(code, of: exchange.value.earlierAttempts[index], to: &output)
            output.append(", ")
        }
        append(code, of: exchange.value.attempt, to: &output)
    }

    private func append(_ code: VariableCode, of attempt: UpstreamAttempt, to output: inout ByteBuffer) {
        switch code {
        case .upstreamAddress:
            if let address = attempt.address {
                address.append(to: &output)
            } else if let proxy = exchange.value.location?.value.proxy {
                // No peer of the group could be chosen.
                output.append(proxy.value.authority)
            }
        case .upstreamStatus:
            if attempt.status > 0 { output.append(decimal: attempt.status) } else { output.append("-") }
        case .upstreamResponseTime: appendSpan(from: attempt.startedAt, to: attempt.endedAt, output: &output)
        case .upstreamConnectTime: appendSpan(from: attempt.startedAt, to: attempt.connectedAt, output: &output)
        case .upstreamHeaderTime: appendSpan(from: attempt.startedAt, to: attempt.headReceivedAt, output: &output)
        case .upstreamResponseLength: output.append(decimal: attempt.bodyBytes)
        case .upstreamBytesReceived: output.append(decimal: attempt.bytesReceived)
        case .upstreamBytesSent: output.append(decimal: attempt.bytesSent)
        default: break
        }
    }

    /// Seconds between two instants, or `-` when the second never came.
    private func appendSpan(from start: UInt64, to instant: UInt64, output: inout ByteBuffer) {
        if instant == 0 {
            output.append("-")
        } else {
            appendSeconds((instant &- min(start, instant)) / 1_000_000, to: &output)
        }
    }

    /// A field as the client gets it, but for `Server` and `Date` of Postern's own: the first of that name; all of
    /// Cache-Control and Link, as Nginx has it.
    private func appendSentField(_ name: Frozen<UInt8>, to output: inout ByteBuffer) {
        let (isConnection, isJoined) = name.withSpan { name in
            (name.equals("connection"), name.equals("cache-control") || name.equals("link"))
        }
        if isConnection {
            // Where HTTP/1.1 needs no word for it, none is sent.
            if exchange.value.status == 101 {
                output.append("upgrade")
            } else {
                output.append(exchange.value.keepsAlive ? "keep-alive" : "close")
            }
            return
        }
        let head = exchange.value.sentFields.written
        var isFirst = true
        var start = 0
        while let end = head.firstIndex(of: ASCII.lineFeed, in: start..<head.count) {
            defer { start = end + 1 }
            // A line of ours: `Name: value`, CRLF.
            let colon = start + name.count
            guard colon + 2 < end, head[colon] == ASCII.colon,
                name.withSpan({ $0.equalsIgnoringCase(head.extracting(start..<colon)) })
            else { continue }
            if !isFirst { output.append(", ") }
            output.append(head, (colon + 2)..<(end - 1))
            if !isJoined { return }
            isFirst = false
        }
    }

    private func appendReplyField(_ name: Frozen<UInt8>, to output: inout ByteBuffer) {
        for position in 0..<exchange.value.reply.fields.count {
            let field = exchange.value.reply.fields[position]
            let span = exchange.value.replyBytes.written
            guard Int(field.value.start) + Int(field.value.count) <= span.count else { return }
            if name.withSpan({ $0.equalsIgnoringCase(span.extracting(field.name.range)) }) {
                output.append(span, field.value.range)
                return
            }
        }
    }
}
