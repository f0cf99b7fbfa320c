import Bytes
import EventLoop
import HTTP
import TLS

extension Worker {
    /// Something happened on a client's socket.
    mutating func clientEvent(_ client: Ref<ClientConnection>, _ event: Poller.Event) {
        if event.isReadable || event.isPeerClosed || event.isHangup { client.value.isReadable = true }
        if event.isWritable { client.value.isWritable = true }
        if event.isPeerClosed || event.isHangup { client.value.isPeerClosed = true }
        // One that stands in the list has its turn there.
        if !client.value.isScheduled { advance(client) }
    }

    /// Does what the client's state and what is known of its socket allow.
    mutating func advance(_ client: Ref<ClientConnection>) {
        if !client.value.output.isEmpty, client.value.isWritable, client.value.state != .handshaking {
            guard flush(client) else { return }
            clientHasRead(client)
        }
        switch client.value.state {
        case .introducing: readIntroduction(client)
        case .handshaking: handshake(client)
        case .reading: readHeads(client)
        case .exchanging: advanceExchange(client)
        case .tunneling: pumpTunnel(client)
        case .lingering: linger(client)
        case .multiplexing: multiplex(client)
        case .free: break
        }
    }

    // MARK: TLS

    private mutating func handshake(_ client: Ref<ClientConnection>) {
        guard budget.takeHandshake(isNew: !isRunningReady) else {
            schedule(client)
            return
        }
        switch client.value.transport.handshake() {
        case .done:
            client.value.noteHandshakePolicy()
            countHandshake(client)
            reportCertificate(client)
            if client.value.transport.applicationProtocol == .http2 {
                client.value.isReadable = true
                beginSession(client)
                return
            }
            client.value.state = .reading
            let settings = settings(of: client)
            timers.set(client.value.timer, deadline: client.value.acceptedAt &+ settings.headerTimeout)
            // What came behind the handshake may be buffered already.
            client.value.isReadable = true
            readHeads(client)
        case .wantsRead, .wantsWrite:
            client.value.isReadable = false
        case .failed(let error):
            report(error, client)
            counters.add(.failedHandshakes)
            if error.category == .plainHTTP {
                answerPlainHTTP(client)
            } else {
                close(client)
            }
        }
    }

    private func report(_ error: TLSError, _ client: Ref<ClientConnection>) {
        if error.isNoise {
            services.log.info("TLS handshake with \(client.value.peer): \(error)")
        } else {
            services.log.warning("TLS handshake with \(client.value.peer): \(error)")
        }
    }

    /// Says why a client's certificate doesn't verify; its requests are judged by their server.
    private func reportCertificate(_ client: Ref<ClientConnection>) {
        guard let certificate = client.value.transport.peerCertificate, certificate.verification != .verified else {
            return
        }
        services.log.info(
            "certificate of client \(client.value.peer) does not verify: \(certificate.verification.reason)"
        )
    }

    /// Tells someone who typed `http://` for a TLS port what is wrong, in plain text.
    private mutating func answerPlainHTTP(_ client: Ref<ClientConnection>) {
        client.value.transport.dropSession()
        client.value.state = .reading
        counters.remove(.settingUp)
        guard let exchange = begin(client) else {
            close(client)
            return
        }
        client.value.state = .exchanging
        counters.add(.requests(isStream: false))
        assignDefaultServer(exchange)
        var reply = Reply(400)
        reply.body = .plainHTTP
        reply.closes = true
        exchange.value.refusal = .badRequest
        respond(exchange, reply)
    }

    // MARK: Heads

    /// The waits and bounds that hold before a request's server is known.
    func settings(of client: Ref<ClientConnection>) -> ClientSettings {
        client.value.defaultServer?.value.client ?? ClientSettings()
    }

    /// Reads request heads, and runs the requests, until one is under way or nothing more has come.
    private mutating func readHeads(_ client: Ref<ClientConnection>) {
        var rounds = 0
        while client.value.state == .reading {
            // Answers wait to be written: a client that sends and never reads is given no more work.
            if !client.value.output.isEmpty { return }
            if !client.value.input.isEmpty {
                if client.value.listener?.speaksClearHTTP2 ?? false, client.value.requestCount == 0 {
                    switch priorKnowledge(client) {
                    case .no: break
                    case .yes, .later: return
                    case .unclear:
                        guard readMore(client) else { return }
                        continue
                    }
                }
                guard parseHead(client) else { return }
                if client.value.state != .reading { return }
                // Answered at once: the next request of a pipeline can have its slot.
                releaseExchanges()
                rounds += 1
                if rounds == 32 {
                    schedule(client)
                    return
                }
                continue
            }
            guard readMore(client) else { return }
        }
    }

    /// Reads from the client into its buffer. False when nothing came or the connection is gone.
    private mutating func readMore(_ client: Ref<ClientConnection>) -> Bool {
        if !client.value.isReadable { return settle(client) }
        if !client.value.input.hasStorage { client.value.input = buffers.take() }
        switch client.value.transport.read(into: &client.value.input, minimum: 1) {
        case .bytes(let count):
            counters.add(.bytesReceived, UInt64(count))
            if client.value.transport.isDrained, !client.value.isPeerClosed { client.value.isReadable = false }
            return true
        case .wantsRead, .wantsWrite:
            client.value.isReadable = false
            return settle(client)
        case .endOfStream:
            clientLeft(client, nil)
            return false
        case .failed(let error):
            clientLeft(client, error)
            return false
        }
    }

    /// Nothing more to read for now. An idle connection keeps no buffer.
    private mutating func settle(_ client: Ref<ClientConnection>) -> Bool {
        if client.value.input.isEmpty, client.value.input.hasStorage {
            buffers.reclaim(&client.value.input)
        }
        return false
    }

    /// The client has gone while no request was under way.
    private mutating func clientLeft(_ client: Ref<ClientConnection>, _ error: SystemError?) {
        if client.value.exchange != nil {
            let reason = error.map { ": " + client.value.transport.describe($0) } ?? ""
            services.log.info("client \(client.value.peer) left in the middle of a request's head\(reason)")
        } else if let error {
            let reason = client.value.transport.describe(error)
            services.log.info("connection of client \(client.value.peer) broke between requests: \(reason)")
        }
        close(client)
    }

    /// Tries to make a request of what has come. False when more is needed and nothing more has come.
    private mutating func parseHead(_ client: Ref<ClientConnection>) -> Bool {
        guard let exchange = client.value.exchange ?? begin(client) else {
            close(client)
            return false
        }
        if client.value.headStartedAt == 0 {
            client.value.headStartedAt = now
            exchange.value.startedAt = now
        }
        // Ranges count from the start of the buffer.
        client.value.input.compact()
        let settings = settings(of: client)
        do throws(HeadError) {
            let count = try client.value.parser.parse(
                client.value.input.readable,
                limits: settings.headLimits,
                lineEnds: settings.allowsBareLineFeed ? .lenient : .crlf,
                into: &exchange.value.head
            )
            guard let count else {
                // Room for the rest of it.
                if client.value.input.writableCount == 0 { client.value.input.reserve(client.value.input.capacity) }
                timers.set(client.value.timer, deadline: client.value.headStartedAt &+ settings.headerTimeout)
                return readMore(client)
            }
            client.value.parser.reset()
            headReceived(client, exchange, count)
        } catch {
            client.value.parser.reset()
            counters.add(.malformed(error))
            services.log.info("\(client.value.peer) sent a request that is refused: \(error.reason)")
            refuseHead(client, exchange, error.status)
        }
        return true
    }

    /// A request that can't be read is answered, and the connection ends: where the next would begin is anyone's guess.
    private mutating func refuseHead(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>, _ status: Int) {
        client.value.state = .exchanging
        client.value.headStartedAt = 0
        client.value.requestCount += 1
        counters.add(.requests(isStream: false))
        exchange.value.head.reset()
        keepFirstLine(client, exchange)
        exchange.value.refusal = .badRequest
        exchange.value.progress = .deciding
        assignDefaultServer(exchange)
        var reply = Reply(status)
        reply.closes = true
        respond(exchange, reply)
    }

    /// Keeps what stands where a refused head's request line would be: the access log shows it.
    mutating func keepFirstLine(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>) {
        var line = buffers.take()
        let bytes = client.value.input.readable
        var start = 0
        while start < bytes.count, bytes[start] == ASCII.carriageReturn || bytes[start] == ASCII.lineFeed { start += 1 }
        var end = bytes.firstIndex(of: ASCII.lineFeed, in: start..<bytes.count) ?? bytes.count
        if end > start, bytes[end - 1] == ASCII.carriageReturn { end -= 1 }
        line.append(bytes.extracting(start..<end))
        swap(&exchange.value.headBytes, &line)
    }

    /// A request that named no server is answered, and logged, as the listener's default one.
    func assignDefaultServer(_ exchange: Ref<Exchange>) {
        guard let runtime = exchange.value.runtime, let listener = exchange.value.client.value.listener else { return }
        let server = runtime.servers[listener.model.defaultServer]
        exchange.value.server = server
        exchange.value.location = server.value.root
        exchange.value.remote = ServerPhase.connectionAddress(exchange.value.client, server)
    }

    /// A slot for the client's next request; nil when there is none left.
    mutating func begin(_ client: Ref<ClientConnection>) -> Ref<Exchange>? {
        guard let slot = exchanges.allocate({ Exchange(client: client) }) else {
            services.log.critical("no room for another request: \(connectionLimit) are under way")
            return nil
        }
        let exchange = exchanges[slot]
        let token = Token(kind: Kind.exchange.rawValue, slot: slot, generation: exchanges.generation(of: slot))
        // A runtime is adopted between requests.
        if client.value.runtime !== runtime { adoptRuntime(client) }
        exchange.value.begin(slot: slot, token: token, client: client)
        let environment = environment
        exchange.value.id = environment.value.identifiers.next()
        exchange.value.remote = client.value.peer
        exchange.value.startedAt = now
        counters.add(.begun)
        client.value.exchange = exchange
        return exchange
    }

    /// Moves an idle connection to the current configuration, if its listener is still there.
    mutating func adoptRuntime(_ client: Ref<ClientConnection>) {
        guard let old = client.value.listener else { return }
        for listener in runtime.listeners where listener.model.address == old.model.address {
            if let before = client.value.runtime {
                client.value.handshakePolicy = client.value.handshakePolicy.carried(from: before, to: runtime)
            }
            client.value.listener = listener
            client.value.choice = listener.choice
            client.value.runtime = runtime
            client.value.groups = groupMap
            client.value.defaultServer = runtime.servers[listener.model.defaultServer]
            return
        }
    }

    private mutating func headReceived(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>, _ count: Int) {
        client.value.state = .exchanging
        client.value.headStartedAt = 0
        client.value.requestCount += 1
        counters.add(.requests(isStream: false))
        exchange.value.requestBytes = UInt64(count)
        // The head stays where it is; what follows it moves on.
        swap(&exchange.value.headBytes, &client.value.input)
        if exchange.value.headBytes.readableCount > count {
            var rest = buffers.take()
            rest.append(
                exchange.value.headBytes.readable.extracting(count..<exchange.value.headBytes.readableCount)
            )
            exchange.value.headBytes.truncate(to: count)
            client.value.input = rest
        }
        switch exchange.value.head.body {
        case .none, .untilClose: exchange.value.requestBody = .complete
        case .length(let length): exchange.value.requestBody = length == 0 ? .complete : .length(length)
        case .chunked:
            exchange.value.requestBody = .chunked
            exchange.value.requestDecoder.reset()
        }
        let settings = settings(of: client)
        exchange.value.keepsAlive =
            exchange.value.head.isKeepAlive && client.value.requestCount < settings.keepaliveRequests
            && settings.keepaliveTimeout > 0 && !isDraining
        exchange.value.progress = .deciding
        decide(exchange)
    }

    // MARK: Writing

    /// Writes what waits for the client. False when the connection is gone or the output isn't empty afterwards.
    mutating func flush(_ client: Ref<ClientConnection>) -> Bool {
        while !client.value.output.isEmpty {
            switch client.value.transport.write(from: &client.value.output) {
            case .bytes(let count):
                client.value.bytesWritten &+= UInt64(count)
                hasSent(client, count)
            case .wantsWrite, .wantsRead:
                awaitReader(client, timeout: sendTimeout(client))
                return false
            case .endOfStream, .failed:
                abort(client)
                return false
            }
        }
        if client.value.output.hasStorage {
            buffers.reclaim(&client.value.output)
        }
        if client.value.closesWhenFlushed, client.value.state != .lingering {
            beginLingering(client)
            return false
        }
        return true
    }

    private func sendTimeout(_ client: Ref<ClientConnection>) -> UInt64 {
        // A connection of many streams has no request of its own: its server's default holds.
        let location = client.value.exchange?.value.location ?? client.value.defaultServer?.value.root
        return location?.value.sendTimeout ?? 60_000_000_000
    }

    /// The output, with storage.
    mutating func prepareOutput(_ client: Ref<ClientConnection>) {
        if !client.value.output.hasStorage { client.value.output = buffers.take() }
    }
}
