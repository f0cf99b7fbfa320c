import Bytes
import EventLoop
import Glibc
import HTTP
import Upstream

/// What follows when an attempt with an upstream fails.
extension Worker {
    mutating func failWithoutConnection(
        _ exchange: Ref<Exchange>,
        _ peer: PeerIndex,
        _ failure: UpstreamFailure
    ) {
        let entry = groups[exchange.value.group]
        entry.value.group.failed(peer, failure, now: now)
        if failure.suggestsRefresh, let name = entry.value.group.name(of: peer) {
            services.resolver.requestRefresh(name)
        }
        retry(exchange, failure, isReused: false, bytesTaken: 0)
    }

    /// The attempt over this connection failed: the connection ends, and the request may go elsewhere.
    mutating func upstreamFailed(_ upstream: Ref<UpstreamConnection>, _ failure: UpstreamFailure) {
        guard let exchange = upstream.value.exchange else {
            close(upstream)
            return
        }
        let entry = groups[upstream.value.group]
        let peer = upstream.value.peer
        let isReused = upstream.value.isReused
        let taken = bytesTaken(upstream)
        let attempt = attempt(exchange, isReused: isReused, bytesTaken: taken)
        let decision = exchange.value.location!.value.proxy!.value.retry.decide(failure, attempt)
        endAttempt(upstream, exchange)
        upstream.value.exchange = nil
        exchange.value.upstream = nil
        if decision == .retrySamePeerFresh, !exchange.value.isHeadSent {
            closeSocket(upstream)
            entry.value.countAttempt(2)
            exchange.value.lastUpstreamStatus = failure.status
            exchange.value.beginAttempt(now: now)
            connect(exchange, peer, entry.value.group.replaceStale(peer))
            return
        }
        if entry.value.group.failed(peer, failure, now: now) {
            services.log.warning(
                "upstream \(upstream.value.address) of \"\(entry.value.group.configuration.name)\" rests"
            )
        }
        if failure.suggestsRefresh, let name = entry.value.group.name(of: peer) {
            services.resolver.requestRefresh(name)
        }
        closeSocket(upstream)
        follow(decision, exchange, failure)
    }

    /// Bytes of the request that the upstream may have acted on: what was written, unless its kernel took none of it.
    private func bytesTaken(_ upstream: Ref<UpstreamConnection>) -> Int {
        guard upstream.value.isReused, !upstream.value.transport.isSecure, !upstream.value.hasReply,
            let acknowledged = Sockets.acknowledgedBytes(upstream.value.transport.descriptor)
        else { return upstream.value.bytesTaken }
        return acknowledged <= upstream.value.bytesBefore ? 0 : upstream.value.bytesTaken
    }

    private mutating func retry(
        _ exchange: Ref<Exchange>,
        _ failure: UpstreamFailure,
        isReused: Bool,
        bytesTaken: Int
    ) {
        let attempt = attempt(exchange, isReused: isReused, bytesTaken: bytesTaken)
        follow(exchange.value.location!.value.proxy!.value.retry.decide(failure, attempt), exchange, failure)
    }

    private mutating func follow(
        _ decision: RetryPolicy.Decision,
        _ exchange: Ref<Exchange>,
        _ failure: UpstreamFailure
    ) {
        exchange.value.lastFailure = failure
        switch decision {
        case .retryOther where !exchange.value.isHeadSent:
            report(exchange, failure)
            exchange.value.lastUpstreamStatus = failure.status
            attemptNext(exchange)
        case .retryOther, .retrySamePeerFresh, .giveUp:
            giveUp(exchange, failure)
        }
    }

    private func attempt(_ exchange: Ref<Exchange>, isReused: Bool, bytesTaken: Int) -> RetryPolicy.Attempt {
        RetryPolicy.Attempt(
            isReused: isReused,
            bytesTaken: bytesTaken,
            isReplayable: exchange.value.isReplayable,
            isIdempotent: exchange.value.head.method.isIdempotent,
            number: max(exchange.value.attempts, 1),
            elapsed: now &- exchange.value.firstAttemptAt
        )
    }

    /// No attempt brought a reply: say so, or break off what was begun.
    mutating func giveUp(_ exchange: Ref<Exchange>, _ failure: UpstreamFailure) {
        report(exchange, failure)
        answerFailure(exchange, failure, attemptStatus: failure.status)
    }

    mutating func answerFailure(_ exchange: Ref<Exchange>, _ failure: UpstreamFailure, attemptStatus: Int) {
        exchange.value.refusal = .upstreamFailed
        if !exchange.value.isHeadSent { exchange.value.lastUpstreamStatus = attemptStatus }
        if exchange.value.isHeadSent {
            // What came before it went wrong is the client's, if it can be had at once.
            _ = flush(exchange.value.client)
            abort(exchange.value.client)
        } else {
            respond(exchange, Reply(failure.status))
        }
    }

    /// One line for the operator that names the cause. Of very many, the first of each sort in a while, and then their number;
    /// all of them for who asks to be told much.
    mutating func report(_ exchange: Ref<Exchange>, _ failure: UpstreamFailure) {
        groups[exchange.value.group].value.counters?.add(.failed(Counter.Failure(failure)))
        let level: ErrorLogSettings.Level =
            switch failure.level {
            case .info: .info
            case .warning: .warn
            case .error: .error
            }
        guard services.log.isEnabled(level) else { return }
        let entry = groups[exchange.value.group]
        guard services.log.isEnabled(.info) || entry.value.lines.admits(sort: failure.sort, failure.text, now: now)
        else {
            timeLeftOut(exchange.value.group)
            return
        }
        var peer = ""
        if let address = exchange.value.lastUpstreamAddress { peer = ", upstream \(address)" }
        services.log.write(level, "\(failure.text); \(describe(exchange))\(peer)")
    }

    /// Sees that what was left out is told of, whether or not another failure comes.
    mutating func timeLeftOut(_ slot: UInt32) {
        let entry = groups[slot]
        if entry.value.hasLeftOut { return }
        entry.value.hasLeftOut = true
        if entry.value.lineTimer.index == .max {
            entry.value.lineTimer = timers.makeTimer(
                token: Token(kind: Kind.failureLines.rawValue, slot: slot, generation: groups.generation(of: slot))
            )
        }
        timers.set(entry.value.lineTimer, deadline: now &+ LineLimit.span)
    }

    /// Says how many failures of an upstream had no line of their own.
    func reportLeftOut(_ entry: Ref<GroupEntry>) {
        guard entry.value.hasLeftOut else { return }
        entry.value.hasLeftOut = false
        let name = entry.value.group.configuration.name
        for (count, text) in entry.value.lines.takeLeftOut() {
            services.log.error("\(text), \(count) times more within 10 s; upstream \"\(name)\"")
        }
    }

    /// The client is gone or was answered otherwise: cancel what runs upstream.
    mutating func dropUpstream(_ exchange: Ref<Exchange>) {
        guard let upstream = exchange.value.upstream else { return }
        endAttempt(upstream, exchange)
        exchange.value.upstream = nil
        upstream.value.exchange = nil
        let entry = groups[upstream.value.group]
        entry.value.group.abandon(upstream.value.peer)
        closeSocket(upstream)
    }
}

extension UpstreamFailure {
    /// The failure that a connect's error stands for.
    init(connectError error: SystemError) {
        self.init(error.code == ECONNREFUSED ? .refused : .system(error), at: .connecting)
    }
}
