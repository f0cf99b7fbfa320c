import Bytes
import EventLoop
import HTTP
import Upstream

/// Where requests and connections are counted: each is one line at its place in the loop.
extension Worker {
    /// A request is over.
    @inline(__always)
    func countEnd(_ exchange: Ref<Exchange>) {
        if exchange.value.progress == .receiving {
            counters.add(.abandoned)
            return
        }
        counters.add(.ended(status: exchange.value.status, isStream: exchange.value.isStream))
        let proof = exchange.value.principal.proof
        if proof != .none { counters.add(.proved(by: proof)) }
        if exchange.value.refusal != .none { counters.add(.refused(exchange.value.refusal)) }
        if exchange.value.isEventStream { counters.remove(.openEventStreams) }
    }

    /// A connection is over, in the state that it was in; a stream is none. `cause` is why it had to end, if it is not
    /// counted elsewhere.
    func countEnd(_ client: Ref<ClientConnection>, _ cause: Counter? = nil) {
        if client.value.isStream { return }
        counters.add(.closed)
        switch client.value.state {
        case .introducing, .handshaking: counters.remove(.settingUp)
        case .lingering: counters.remove(.lingering)
        case .free, .reading, .exchanging, .tunneling, .multiplexing: break
        }
        if let cause { counters.add(cause) }
    }

    func countHandshake(_ client: Ref<ClientConnection>) {
        counters.remove(.settingUp)
        counters.add(client.value.transport.isResumed ? .resumedHandshakes : .fullHandshakes)
    }

    /// Bytes came from a client; those of a stream were counted when its connection brought them.
    @inline(__always)
    func countReceived(_ client: Ref<ClientConnection>, _ count: Int) {
        if !client.value.isStream { counters.add(.bytesReceived, UInt64(count)) }
    }

    /// Bytes went to a client; a stream's have gone to its session, and are counted when the connection takes them.
    @inline(__always)
    mutating func hasSent(_ client: Ref<ClientConnection>, _ count: Int) {
        if let parent = client.value.parent { requestSend(parent) } else { counters.add(.bytesSent, UInt64(count)) }
    }

    func countEventStream() {
        counters.add(.eventStreams)
        counters.add(.openEventStreams)
    }

    func countTunnel(_ client: Ref<ClientConnection>) {
        counters.add(.webSockets(isStream: client.value.isStream))
        counters.add(.openWebSockets(isStream: client.value.isStream))
    }

    /// Has a page of metrics made for the request.
    func awaitMetrics(_ exchange: Ref<Exchange>) {
        let token = exchange.value.token
        let mailbox = mailbox
        services.metricsPages.request(MetricsHandler.format(exchange), services) { page in
            _ = mailbox.post(.metrics(token, page))
        }
    }
}

extension Counter.Failure {
    /// What is counted of a failure.
    init(_ failure: UpstreamFailure) {
        self =
            switch failure.cause {
            case .refused: .refused
            case .timedOut: .timedOut
            case .system(let error): error.isReset ? .reset : .system
            case .closedEarly: .closedEarly
            case .badHead: .badReply
            case .unresolved: .unresolved
            case .noLivePeers: .noLiveServers
            case .tls: .tls
            }
    }
}
