import Bytes
import EventLoop
import Glibc
import HTTP
import TLS
import Upstream

extension Worker {
    /// Sends the request to its location's upstream.
    mutating func forward(_ exchange: Ref<Exchange>) {
        let client = exchange.value.client
        if client.value.isPeerClosed, !exchange.value.awaitsRequestBody {
            // Its end came with its request: no event will tell of it later.
            abort(client)
            return
        }
        guard let proxy = exchange.value.location?.value.proxy,
            let group = client.value.groups?.slots[proxy.value.upstream]
        else { return }
        exchange.value.group = group
        exchange.value.passesUpgrade =
            proxy.value.passesUpgrade && exchange.value.head.upgrade == .webSocket && exchange.value.head.method == .get
            && exchange.value.head.minorVersion == 1 && !exchange.value.awaitsRequestBody
        if exchange.value.isExtendedConnect, !exchange.value.passesUpgrade {
            exchange.value.refusal = .badRequest
            respond(exchange, Reply(501))
            return
        }
        exchange.value.progress = .awaitingHead
        exchange.value.firstAttemptAt = now
        if exchange.value.awaitsRequestBody {
            keepBodyForReplay(client, exchange)
            if exchange.value.head.expectsContinue, client.value.input.isEmpty, !exchange.value.sentContinue {
                exchange.value.sentContinue = true
                prepareOutput(client)
                client.value.output.append("HTTP/1.1 100 Continue\r\n\r\n")
                passInterim(client)
                if !flush(client), client.value.state == .free { return }
            }
            rearmBody(client, exchange)
        } else {
            exchange.value.isReplayable = true
            // No wait of the client's runs while the upstream is at work. A stream's has none to end, mostly.
            if !client.value.isStream || timers.isArmed(client.value.timer) {
                timers.set(client.value.timer, deadline: .max)
            }
        }
        attemptNext(exchange)
    }

    /// A body that has come whole with its head is kept, so that the request can be repeated.
    private mutating func keepBodyForReplay(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>) {
        // Nothing is let go until the first part of the body moves on.
        exchange.value.isReplayable = true
        guard case .length(let count) = exchange.value.requestBody, count <= UInt64(client.value.input.readableCount)
        else { return }
        var body = buffers.take()
        body.append(client.value.input.readable.extracting(0..<Int(count)))
        swap(&body, &exchange.value.replayBody)
        buffers.give(body)
        client.value.input.consume(Int(count))
        exchange.value.requestBody = .complete
        exchange.value.bodyBytesRead = count
        exchange.value.requestBytes += count
    }

    /// Begins an attempt with a peer that wasn't tried yet.
    mutating func attemptNext(_ exchange: Ref<Exchange>) {
        let entry = groups[exchange.value.group]
        switch entry.value.group.acquire(now: now, tried: &exchange.value.tried) {
        case .reuse(let idle):
            exchange.value.beginAttempt(now: now)
            let upstream = upstreams[idle.slot]
            guard upstream.value.state == .idle, upstreams.isCurrent(idle.slot, generation: idle.generation) else {
                connect(exchange, idle.peer, entry.value.group.replaceStale(idle.peer))
                return
            }
            exchange.value.attempts += 1
            entry.value.countAttempt(exchange.value.attempts)
            // What can't be repeated isn't risked on a connection that has ended in the meantime.
            if !exchange.value.head.method.isIdempotent, Sockets.hasNews(upstream.value.transport.descriptor) {
                closeSocket(upstream)
                connect(exchange, idle.peer, entry.value.group.replaceStale(idle.peer))
                return
            }
            upstream.value.state = .active
            upstream.value.isReused = true
            upstream.value.takenInTurn = turn
            upstream.value.requestsServed = idle.requestsServed
            exchange.value.connectedAt = now
            attach(upstream, exchange)
            send(upstream, exchange)
        case .connect(let peer, let address):
            exchange.value.beginAttempt(now: now)
            exchange.value.attempts += 1
            entry.value.countAttempt(exchange.value.attempts)
            connect(exchange, peer, address)
        case .unresolved:
            exchange.value.beginAttempt(now: now)
            let name = entry.value.group.unresolvedName ?? ""
            giveUp(exchange, UpstreamFailure(.unresolved(name), at: .choosing))
        case .noLivePeers:
            if let failure = exchange.value.lastFailure {
                // Said when that attempt failed. One that nobody can take is listed as Nginx lists it.
                if entry.value.group.hasUntried(exchange.value.tried) {
                    exchange.value.beginAttempt(now: now)
                    exchange.value.upstreamEndedAt = now
                    answerFailure(exchange, failure, attemptStatus: 502)
                } else {
                    answerFailure(exchange, failure, attemptStatus: failure.status)
                }
            } else {
                exchange.value.beginAttempt(now: now)
                exchange.value.upstreamEndedAt = now
                giveUp(exchange, UpstreamFailure(.noLivePeers, at: .choosing))
            }
        }
    }

    private mutating func attach(_ upstream: Ref<UpstreamConnection>, _ exchange: Ref<Exchange>) {
        upstream.value.exchange = exchange
        upstream.value.bytesBefore += UInt64(upstream.value.bytesTaken)
        upstream.value.bytesTaken = 0
        upstream.value.hasReply = false
        upstream.value.headStartedAt = 0
        upstream.value.isReadingPaused = false
        upstream.value.hasYielded = false
        exchange.value.upstream = upstream
        exchange.value.lastUpstreamAddress = upstream.value.address
    }

    /// Opens a connection to `address` for the request.
    mutating func connect(_ exchange: Ref<Exchange>, _ peer: PeerIndex, _ address: SocketAddress) {
        exchange.value.lastUpstreamAddress = address
        groups[exchange.value.group].value.counters?.add(.connects)
        guard let slot = upstreams.allocate({ UpstreamConnection() }) else {
            counters.add(.crowdedUpstreams)
            let entry = groups[exchange.value.group]
            if entry.value.lines.admits(
                sort: -1,
                "no room for another upstream connection",
                now: now
            ) {
                services.log.critical("no room for another upstream connection: \(connectionLimit) are open")
            } else {
                timeLeftOut(exchange.value.group)
            }
            failWithoutConnection(exchange, peer, UpstreamFailure(.noLivePeers, at: .choosing))
            return
        }
        let upstream = upstreams[slot]
        let token = Token(kind: Kind.upstream.rawValue, slot: slot, generation: upstreams.generation(of: slot))
        upstream.value.open(
            slot: slot,
            token: token,
            group: exchange.value.group,
            peer: peer,
            address: address,
            now: now
        )
        if upstream.value.timer.index == .max {
            upstream.value.timer = timers.makeTimer(token: token)
        } else {
            timers.retarget(upstream.value.timer, token)
        }
        let isConnected: Bool
        switch Sockets.connect(to: address) {
        case .connected(let descriptor):
            upstream.value.transport.open(descriptor)
            isConnected = true
        case .inProgress(let descriptor):
            upstream.value.transport.open(descriptor)
            isConnected = false
        case .failed(let error):
            free(upstream)
            failWithoutConnection(exchange, peer, UpstreamFailure(connectError: error))
            return
        }
        if address.family != .unix { Sockets.setNoDelay(upstream.value.transport.descriptor) }
        do throws(SystemError) {
            try poller.add(descriptor: upstream.value.transport.descriptor, token: token)
        } catch {
            upstream.value.transport.close()
            free(upstream)
            failWithoutConnection(exchange, peer, UpstreamFailure(.system(error), at: .connecting))
            return
        }
        attach(upstream, exchange)
        if let parent = exchange.value.client.value.parent { takeRequests(TurnBudget.connect, parent) }
        upstream.value.state = .connecting
        timers.set(upstream.value.timer, deadline: now &+ exchange.value.location!.value.proxy!.value.connectTimeout)
        if isConnected { connected(upstream) }
    }

    /// The socket is connected: speak TLS if the location says so, then send.
    mutating func connected(_ upstream: Ref<UpstreamConnection>) {
        guard let exchange = upstream.value.exchange, let proxy = exchange.value.location?.value.proxy else { return }
        upstream.value.isWritable = true
        if let context = proxy.value.tls {
            do throws(TLSError) {
                let session = try TLSSession(
                    client: context,
                    descriptor: upstream.value.transport.descriptor,
                    serverName: proxy.value.tlsName
                )
                upstream.value.transport.secure(session)
            } catch {
                upstreamFailed(upstream, UpstreamFailure(.tls("\(error)"), at: .connecting))
                return
            }
            upstream.value.state = .securing
            secure(upstream)
        } else {
            begin(upstream, exchange)
        }
    }

    mutating func secure(_ upstream: Ref<UpstreamConnection>) {
        guard let exchange = upstream.value.exchange else { return }
        switch upstream.value.transport.handshake() {
        case .done: begin(upstream, exchange)
        case .wantsRead, .wantsWrite: break
        case .failed(let error): upstreamFailed(upstream, UpstreamFailure(.tls("\(error)"), at: .connecting))
        }
    }

    private mutating func begin(_ upstream: Ref<UpstreamConnection>, _ exchange: Ref<Exchange>) {
        upstream.value.state = .active
        exchange.value.connectedAt = now
        send(upstream, exchange)
    }

    /// Writes the request's head and what there is of its body.
    private mutating func send(_ upstream: Ref<UpstreamConnection>, _ exchange: Ref<Exchange>) {
        guard let proxy = exchange.value.location?.value.proxy else { return }
        upstream.value.output = buffers.take()
        RequestHeadWriter.write(context(exchange), proxy, to: &upstream.value.output)
        if exchange.value.replayBody.readableCount > 0 {
            upstream.value.output.append(exchange.value.replayBody.readable)
        }
        upstream.value.parser.reset()
        exchange.value.reply.reset()
        exchange.value.replyDecoder.reset()
        if exchange.value.awaitsRequestBody {
            timers.set(upstream.value.timer, deadline: now &+ proxy.value.sendTimeout)
            pumpRequestBody(exchange)
        } else if exchange.value.isStream {
            timers.set(upstream.value.timer, deadline: now &+ proxy.value.sendTimeout)
            upstream.value.isWritePending = true
            writing.append(upstream.value.slot)
        } else if flush(upstream) {
            timers.set(upstream.value.timer, deadline: now &+ proxy.value.readTimeout)
        } else if upstream.value.state == .active {
            timers.set(upstream.value.timer, deadline: now &+ proxy.value.sendTimeout)
        }
    }

    /// Writes the requests of streams that were decided on in this turn, one after the other: neither the kernel's part of
    /// the processor's caches nor ours is then filled anew for each.
    mutating func writeRequests() {
        // An attempt that fails may put the next one at the end.
        var position = 0
        while position < writing.count {
            let upstream = upstreams[writing[position]]
            position += 1
            guard upstream.value.isWritePending else { continue }
            upstream.value.isWritePending = false
            if upstream.value.state == .active, !upstream.value.output.isEmpty { upstreamWritable(upstream) }
        }
        writing.removeAll()
    }

    /// Notes what the log is to tell of an attempt that is over.
    func endAttempt(_ upstream: Ref<UpstreamConnection>, _ exchange: Ref<Exchange>) {
        exchange.value.upstreamEndedAt = now
        exchange.value.upstreamBytesSent = UInt64(upstream.value.bytesTaken)
    }
}
