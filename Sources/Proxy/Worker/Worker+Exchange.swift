import Bytes
import EventLoop
import HTTP

extension Worker {
    /// Walks the request through its phases until it is answered, forwarded or has to wait.
    mutating func decide(_ exchange: Ref<Exchange>) {
        let request = context(exchange)
        while true {
            let decision: Decision
            switch exchange.value.phase {
            case .server:
                guard let choice = exchange.value.client.value.choice else { return }
                decision = ServerPhase.decide(request, choice)
            case .location: decision = LocationPhase.decide(request)
            case .answer: decision = AnswerPhase.decide(request)
            // These count references to the runtime; requests that need none of them come by here without.
            case .limits:
                guard let runtime = exchange.value.runtime else { return }
                decision = LimitPhase.decide(request, runtime: runtime, ofUsers: false)
            case .connections:
                guard let runtime = exchange.value.runtime else { return }
                decision = ConnectionLimitPhase.decide(request, runtime: runtime, ofUsers: false)
                if exchange.value.connectionOutcome == .rejectedDryRun { logConnectionLimit(exchange) }
            case .access:
                guard let runtime = exchange.value.runtime else { return }
                decision = AccessPhase.decide(request, runtime: runtime, services: services)
            case .crossSite: decision = CrossSitePhase.concerns(exchange) ? CrossSitePhase.decide(request) : .next
            case .userLimits:
                guard let runtime = exchange.value.runtime else { return }
                decision = decideUserLimits(exchange, runtime)
                logLimit(exchange)
            case .handler: decision = HandlerPhase.decide(request)
            }
            switch decision {
            case .next:
                guard let next = exchange.value.nextPhase else { return }
                exchange.value.phase = next
            case .respond(let reply):
                logRefusal(exchange, reply.status, exchange.value.refusal)
                respond(exchange, reply)
                return
            case .forward:
                forward(exchange)
                return
            case .suspend(let suspension):
                suspend(exchange, suspension)
                return
            }
        }
    }

    /// Says that a limit held a request up, or would have.
    private func logLimit(_ exchange: Ref<Exchange>) {
        guard let location = exchange.value.location else { return }
        let words: String
        // A delay is worth one level less than a refusal.
        var level = location.value.limitLogLevel
        switch exchange.value.limitOutcome {
        case .none, .passed, .rejected: return
        case .rejectedDryRun: words = "would be refused by its rate limit, dry run"
        case .delayedDryRun:
            words = "would be delayed by its rate limit, dry run"
            level = ErrorLogSettings.Level(rawValue: level.rawValue - 1) ?? .debug
        case .delayed:
            words = "is delayed by its rate limit"
            level = ErrorLogSettings.Level(rawValue: level.rawValue - 1) ?? .debug
        }
        guard services.log.isEnabled(level) else { return }
        services.log.write(level, "\(describe(exchange)) \(words)")
    }

    /// What a user's own limits say once the user is proved.
    private func decideUserLimits(_ exchange: Ref<Exchange>, _ runtime: Runtime) -> Decision {
        if !exchange.value.hasUser { return .next }
        let request = context(exchange)
        let wasDryRun = exchange.value.connectionOutcome == .rejectedDryRun
        let decision = LimitPhase.decide(request, runtime: runtime, ofUsers: true)
        if case .respond = decision { return decision }
        let other = ConnectionLimitPhase.decide(request, runtime: runtime, ofUsers: true)
        if !wasDryRun, exchange.value.connectionOutcome == .rejectedDryRun { logConnectionLimit(exchange) }
        if case .respond = other { return other }
        return decision
    }

    private func logConnectionLimit(_ exchange: Ref<Exchange>) {
        guard let level = exchange.value.location?.value.connectionLimitLogLevel, services.log.isEnabled(level) else {
            return
        }
        services.log.write(level, "\(describe(exchange)) would be refused by its connection limit, dry run")
    }

    private mutating func suspend(_ exchange: Ref<Exchange>, _ suspension: Suspension) {
        exchange.value.progress = .suspended
        switch suspension {
        case .until(let deadline):
            // Those that wait after the access phase were reported there.
            if exchange.value.phase == .limits { logLimit(exchange) }
            if let next = exchange.value.phase.next { exchange.value.phase = next }
            setTimer(exchange, deadline)
        case .form:
            exchange.value.awaitsForm = true
            collectForm(exchange)
        case .file:
            let token = exchange.value.token
            let mailbox = mailbox
            // Should no word come, the phase gives up by itself.
            setTimer(exchange, exchange.value.passwordDeadline)
            let isAccepted = AccessPhase.readFile(
                context(exchange),
                runtime: exchange.value.runtime ?? runtime,
                services: services
            ) { _ = mailbox.post(.fileRead(token)) }
            if !isAccepted {
                timers.cancel(exchange.value.timer)
                exchange.value.passwordDeadline = now
                resume(exchange)
            }
        case .hashing:
            let token = exchange.value.token
            let mailbox = mailbox
            let isAccepted = AccessPhase.submit(context(exchange), services: services) { verdict in
                _ = mailbox.post(.hashed(token, verdict))
            }
            if !isAccepted {
                exchange.value.hashOutcome = .shed
                exchange.value.progress = .deciding
                decide(exchange)
            }
        case .metrics: awaitMetrics(exchange)
        case .readiness:
            let token = exchange.value.token
            let mailbox = mailbox
            services.readiness.check(names: services.resolver.names) { isReady in
                _ = mailbox.post(.readiness(token, isReady))
            }
        }
    }

    private mutating func setTimer(_ exchange: Ref<Exchange>, _ deadline: UInt64) {
        if exchange.value.timer.index == .max {
            exchange.value.timer = timers.makeTimer(token: exchange.value.token)
        } else {
            timers.retarget(exchange.value.timer, exchange.value.token)
        }
        timers.set(exchange.value.timer, deadline: deadline)
    }

    /// Goes on with a request whose wait is over.
    mutating func resume(_ exchange: Ref<Exchange>) {
        guard exchange.value.progress == .suspended else { return }
        exchange.value.progress = .deciding
        exchange.value.awaitedFile = .none
        decide(exchange)
    }

    /// Says in the operator's log why a request was refused.
    func logRefusal(_ exchange: Ref<Exchange>, _ status: Int, _ refusal: Refusal) {
        guard refusal != .none, refusal != .credentialsMissing, refusal != .noSuchLocation else { return }
        let level: ErrorLogSettings.Level =
            switch refusal {
            case .rateLimited: exchange.value.location?.value.limitLogLevel ?? .error
            case .connectionsLimited: exchange.value.location?.value.connectionLimitLogLevel ?? .error
            default: .warn
            }
        guard services.log.isEnabled(level) else { return }
        services.log.write(level, "\(describe(exchange)) was refused with \(status): \(refusal.text)")
    }

    /// The request in words: who, what, which. For the operator's log.
    func describe(_ exchange: Ref<Exchange>) -> String {
        var line = ByteBuffer()
        context(exchange).appendRequestLine(to: &line)
        var id = ByteBuffer()
        context(exchange).appendIdentifier(to: &id)
        var remote = ByteBuffer()
        exchange.value.remote.appendAddress(to: &remote)
        return "request \(id.readable.string) \"\(LogText.escape(line.readable))\" from \(remote.readable.string)"
    }

    /// Answers with a reply of our own.
    mutating func respond(_ exchange: Ref<Exchange>, _ reply: Reply) {
        let client = exchange.value.client
        if reply.status == 444 {
            exchange.value.status = 444
            end(exchange)
            close(client)
            return
        }
        skipBody(client, exchange)
        if exchange.value.awaitsRequestBody || reply.closes || isDraining { exchange.value.keepsAlive = false }
        exchange.value.progress = .responding
        exchange.value.status = reply.status
        exchange.value.isHeadSent = true
        prepareOutput(client)
        let before = client.value.output.readableCount
        let headCount = OwnReplyWriter.write(context(exchange), reply, to: &client.value.output)
        exchange.value.bytesSent += UInt64(client.value.output.readableCount - before)
        if exchange.value.isStream { passHead(client, count: headCount) }
        finish(exchange)
    }

    /// Drops a body that has come whole with its head, so that the connection can go on.
    private mutating func skipBody(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>) {
        guard case .length(let count) = exchange.value.requestBody, !exchange.value.head.expectsContinue,
            count <= UInt64(client.value.input.readableCount)
        else { return }
        client.value.input.consume(Int(count))
        exchange.value.requestBody = .complete
    }

    /// Everything of the reply is in the client's output: log, free the request, and go on with the connection.
    mutating func finish(_ exchange: Ref<Exchange>) {
        let client = exchange.value.client
        let keepsAlive = exchange.value.keepsAlive && !exchange.value.awaitsRequestBody
        let keepaliveTimeout = settings(of: client).keepaliveTimeout
        if exchange.value.isEventStream { client.value.caller = nil }
        end(exchange)
        client.value.exchange = nil
        client.value.state = .reading
        client.value.closesWhenFlushed = !keepsAlive
        // A stream's next wait is for its frames to be written.
        if !client.value.isStream { timers.set(client.value.timer, deadline: now &+ keepaliveTimeout) }
        if client.value.output.isEmpty, !keepsAlive {
            beginLingering(client)
            return
        }
        guard flush(client) else { return }
        if client.value.input.isEmpty, !client.value.isReadable {
            if client.value.input.hasStorage { dropInput(client) }
        } else {
            schedule(client)
        }
    }

    /// Writes the log line and frees the request.
    mutating func end(_ exchange: Ref<Exchange>) {
        guard exchange.value.progress != .free else { return }
        if let location = exchange.value.location, !location.value.logs.isEmpty {
            services.accessLogs.log(context(exchange), worker: index)
        }
        release(exchange)
    }

    /// Frees the request's slot and storage.
    mutating func release(_ exchange: Ref<Exchange>) {
        guard exchange.value.progress != .free else { return }
        countEnd(exchange)
        exchange.value.client.value.exchange = nil
        if exchange.value.timer.index != .max { timers.cancel(exchange.value.timer) }
        // It left while its password was being looked into.
        if exchange.value.hashJob != nil, exchange.value.hashOutcome == .none {
            AccessPhase.withdraw(context(exchange), services: services)
        }
        if !exchange.value.held.isEmpty, let runtime = exchange.value.runtime { exchange.value.held.release(runtime) }
        buffers.reclaim(&exchange.value.headBytes)
        if exchange.value.replayBody.hasStorage {
            buffers.reclaim(&exchange.value.replayBody)
        }
        exchange.value.reset()
        leavingExchanges.append(exchange.value.slot)
    }
}
