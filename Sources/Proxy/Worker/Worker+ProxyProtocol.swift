import Bytes
import EventLoop
import HTTP

/// The two ends of the connection that a balancer relays.
struct RelayedAddresses: BitwiseCopyable {
    let source: SocketAddress
    let destination: SocketAddress
}

/// `listen … proxy_protocol`: each connection begins with a header that says whom it is from.
extension Worker {
    /// Looks for the header in what has come. It is read away to its last byte and no further: what follows belongs to TLS.
    mutating func readIntroduction(_ client: Ref<ClientConnection>) {
        guard client.value.isReadable else { return }
        client.value.isReadable = false
        if !client.value.input.hasStorage { client.value.input = buffers.take() }
        client.value.input.clear()
        let descriptor = client.value.transport.descriptor
        switch Sockets.peek(descriptor, into: &client.value.input, limit: ProxyProtocolParser.longest) {
        case .bytes: break
        case .wantsRead, .wantsWrite:
            dropInput(client)
            return
        case .endOfStream:
            refuseIntroduction(client, "the connection ended before it")
            return
        case .failed(let error):
            refuseIntroduction(client, "\(error)")
            return
        }
        let found: ProxyProtocolParser.Found?
        do throws(ProxyProtocolError) {
            found = try ProxyProtocolParser.parse(client.value.input.readable)
        } catch {
            refuseIntroduction(client, "\(error.reason)")
            return
        }
        dropInput(client)
        guard let found else {
            // Nothing follows that could complete it.
            if client.value.isPeerClosed { refuseIntroduction(client, "the connection ended within it") }
            return
        }
        Sockets.discard(descriptor, count: found.count)
        introduce(client, found.header)
    }

    private mutating func introduce(_ client: Ref<ClientConnection>, _ header: ProxyProtocolHeader) {
        client.value.isIntroduced = true
        if case .relayed(let source, let destination) = header {
            let relayed = RelayedAddresses(source: SocketAddress(source), destination: SocketAddress(destination))
            client.value.relayed = relayed
            guard admitRelayed(client, relayed.source) else {
                close(client)
                return
            }
        }
        client.value.state = client.value.transport.isSecure ? .handshaking : .reading
        if client.value.state == .reading { counters.remove(.settingUp) }
        // What came behind the header lies in the socket, and its edge has gone by.
        client.value.isReadable = true
        advance(client)
    }

    private mutating func refuseIntroduction(_ client: Ref<ClientConnection>, _ reason: String) {
        reportOnce(client.value.peer, "sent no valid header of the PROXY protocol: \(reason); closed")
        counters.add(.rejected(.proxyProtocolInvalid))
        close(client)
    }

    /// The header has not come in time.
    mutating func introductionExpired(_ client: Ref<ClientConnection>) {
        counters.add(.timedOut(.proxyProtocol))
        refuseIntroduction(client, "it took longer than client_header_timeout")
    }
}

extension SocketAddress {
    init(_ end: ProxyProtocolEnd) {
        self.init(ip: IPBytes(high: end.high, low: end.low), port: end.port)
    }
}
