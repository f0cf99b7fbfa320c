import Bytes
import EventLoop
import HTTP
import Upstream

extension Worker {
    /// Something happened on an upstream's socket.
    mutating func upstreamEvent(_ upstream: Ref<UpstreamConnection>, _ event: Poller.Event) {
        if event.isReadable || event.isPeerClosed || event.isHangup { upstream.value.isReadable = true }
        if event.isWritable { upstream.value.isWritable = true }
        if event.isPeerClosed || event.isHangup { upstream.value.isPeerClosed = true }
        switch upstream.value.state {
        case .connecting:
            guard event.isWritable || event.isHangup else { return }
            if let error = Sockets.error(of: upstream.value.transport.descriptor) {
                upstreamFailed(upstream, UpstreamFailure(connectError: error))
            } else {
                connected(upstream)
            }
        case .securing: secure(upstream)
        case .active:
            if event.isReadable, isOlderThanRequest(upstream) {
                reportUnasked(upstream)
                upstreamFailed(upstream, UpstreamFailure(.closedEarly, at: .waitingForHead))
                return
            }
            if !upstream.value.output.isEmpty, upstream.value.isWritable { upstreamWritable(upstream) }
            // One that stands in the list has its turn there.
            if upstream.value.state == .active, upstream.value.isReadable, !upstream.value.hasYielded {
                readReply(upstream)
            }
        case .tunneling:
            if let client = upstream.value.tunnel, !client.value.isScheduled { pumpTunnel(client) }
        case .idle:
            // Nothing was asked: whatever comes now is the end, or not to be trusted.
            if upstream.value.isReadable {
                if !upstream.value.transport.isSecure, Sockets.hasBytes(upstream.value.transport.descriptor) {
                    reportUnasked(upstream)
                }
                closeIdle(upstream)
            }
        case .free: break
        }
    }

    /// Whether an event of this turn tells of bytes that lay there before the request was written: the connection was taken
    /// out of the pool within the turn, after the poller had been asked. They can't be the reply.
    private func isOlderThanRequest(_ upstream: Ref<UpstreamConnection>) -> Bool {
        upstream.value.isReused && upstream.value.takenInTurn == turn && !upstream.value.hasReply
            && !upstream.value.transport.isSecure && Sockets.hasBytes(upstream.value.transport.descriptor)
    }

    private func reportUnasked(_ upstream: Ref<UpstreamConnection>) {
        services.log.info("upstream \(upstream.value.address) sent something when nothing was asked")
    }

    mutating func upstreamWritable(_ upstream: Ref<UpstreamConnection>) {
        guard flush(upstream), let exchange = upstream.value.exchange else { return }
        guard let proxy = exchange.value.location?.value.proxy else { return }
        if exchange.value.awaitsRequestBody {
            pumpRequestBody(exchange)
        } else if exchange.value.progress == .awaitingHead {
            timers.set(upstream.value.timer, deadline: now &+ proxy.value.readTimeout)
        }
    }

    /// The upstream's timer rang.
    mutating func upstreamExpired(_ upstream: Ref<UpstreamConnection>) {
        switch upstream.value.state {
        case .connecting, .securing: upstreamFailed(upstream, UpstreamFailure(.timedOut, at: .connecting))
        case .active:
            guard let exchange = upstream.value.exchange else { return }
            if exchange.value.progress == .responding {
                // The client has yet to take what came: its own timer watches over that.
                if upstream.value.isReadingPaused {
                    rearm(upstream)
                } else {
                    upstreamFailed(upstream, UpstreamFailure(.timedOut, at: .afterHead))
                }
            } else if !upstream.value.output.isEmpty {
                upstreamFailed(upstream, UpstreamFailure(.timedOut, at: .sendingRequest))
            } else if exchange.value.awaitsRequestBody {
                // It waits for the client, whose own timer runs.
                rearm(upstream)
            } else {
                let stage: UpstreamFailure.Stage = upstream.value.hasReply ? .readingHead : .waitingForHead
                upstreamFailed(upstream, UpstreamFailure(.timedOut, at: stage))
            }
        case .tunneling:
            guard let client = upstream.value.tunnel else { return }
            if upstream.value.isHalfClosed {
                endTunnel(client, upstream)
                return
            }
            services.log.info("upgraded connection of \(client.value.peer) was idle for too long")
            abort(client)
        case .idle: closeIdle(upstream)
        case .free: break
        }
    }

    /// A head that has begun is complete within this time, however long the upstream may take to begin or between reads.
    private static var headTimeLimit: UInt64 { 60_000_000_000 }

    /// Gives the upstream its time to read anew; not for each byte of a head.
    private func rearmTime(_ upstream: Ref<UpstreamConnection>) -> UInt64 {
        guard let proxy = upstream.value.exchange?.value.location?.value.proxy else { return .max }
        if upstream.value.headStartedAt > 0 {
            return upstream.value.headStartedAt &+ min(proxy.value.readTimeout, Self.headTimeLimit)
        }
        return now &+ proxy.value.readTimeout
    }

    mutating func rearm(_ upstream: Ref<UpstreamConnection>) {
        timers.set(upstream.value.timer, deadline: rearmTime(upstream))
    }

    /// Writes what waits for the upstream. False when some is left or the attempt failed.
    mutating func flush(_ upstream: Ref<UpstreamConnection>) -> Bool {
        while !upstream.value.output.isEmpty {
            switch upstream.value.transport.write(from: &upstream.value.output) {
            case .bytes(let count):
                upstream.value.bytesTaken += count
                if let proxy = upstream.value.exchange?.value.location?.value.proxy {
                    timers.set(upstream.value.timer, deadline: now &+ proxy.value.sendTimeout)
                }
            case .wantsWrite, .wantsRead:
                upstream.value.isWritable = false
                return false
            case .endOfStream:
                upstreamFailed(upstream, UpstreamFailure(.closedEarly, at: .sendingRequest))
                return false
            case .failed(let error):
                // A gateway that refuses a body may have answered before it closed: that answer counts.
                if upstream.value.state == .active, mayHaveAnswered(upstream) {
                    upstream.value.output.clear()
                    discardBody(upstream)
                    return true
                }
                upstreamFailed(upstream, UpstreamFailure(.system(error), at: .sendingRequest))
                return false
            }
        }
        if upstream.value.output.hasStorage {
            buffers.reclaim(&upstream.value.output)
        }
        return true
    }

    /// The request's body goes nowhere from here on.
    private func discardBody(_ upstream: Ref<UpstreamConnection>) {
        guard let exchange = upstream.value.exchange else { return }
        // What is still to come of it must not be read as the client's next request.
        if exchange.value.awaitsRequestBody { exchange.value.keepsAlive = false }
        exchange.value.requestBody = .discarded
    }

    /// Whether something lies unread that answers the present request. On a connection from the pool it may have been sent
    /// before; those that can't be repeated get none with something unread.
    private func mayHaveAnswered(_ upstream: Ref<UpstreamConnection>) -> Bool {
        if upstream.value.isReused, upstream.value.exchange?.value.head.method.isIdempotent ?? true { return false }
        // The event that tells of it may be yet to come.
        return upstream.value.isReadable || Sockets.hasBytes(upstream.value.transport.descriptor)
    }

    /// Whether something lies unread of which no further event will tell.
    private func hasUnread(_ upstream: Ref<UpstreamConnection>) -> Bool {
        upstream.value.isReadable && Sockets.hasNews(upstream.value.transport.descriptor)
    }

    // MARK: Ends

    /// The reply is complete: the connection goes to the pool, or ends.
    mutating func releaseUpstream(_ exchange: Ref<Exchange>, isReusable: Bool) {
        guard let upstream = exchange.value.upstream else { return }
        endAttempt(upstream, exchange)
        exchange.value.upstream = nil
        upstream.value.exchange = nil
        upstream.value.requestsServed += 1
        let entry = groups[upstream.value.group]
        if !upstream.value.input.isEmpty {
            services.log.warning("upstream \(upstream.value.address) sent more than its reply; \(describe(exchange))")
        }
        let canKeep =
            isReusable && upstream.value.input.isEmpty && upstream.value.output.isEmpty && !upstream.value.isPeerClosed
            && !isDraining && !hasUnread(upstream)
        guard canKeep else {
            entry.value.group.abandon(upstream.value.peer)
            closeSocket(upstream)
            return
        }
        let idle = IdleConnection(
            slot: upstream.value.slot,
            generation: upstream.value.token.generation,
            peer: upstream.value.peer,
            requestsServed: upstream.value.requestsServed,
            openedAt: upstream.value.openedAt
        )
        switch entry.value.group.release(idle, now: now) {
        case .keep: keep(upstream, entry)
        case .keepEvicting(let oldest):
            keep(upstream, entry)
            closeSocket(upstreams[oldest.slot])
        case .close: closeSocket(upstream)
        }
    }

    private mutating func keep(_ upstream: Ref<UpstreamConnection>, _ entry: Ref<GroupEntry>) {
        upstream.value.state = .idle
        if upstream.value.input.hasStorage {
            buffers.reclaim(&upstream.value.input)
        }
        timers.set(
            upstream.value.timer,
            deadline: now &+ entry.value.group.configuration.keepalive.idleTimeout
        )
        if !entry.value.isTimed, let expiry = entry.value.group.surplusExpiry {
            if entry.value.timer.index == .max {
                let slot = upstream.value.group
                let token = Token(kind: Kind.group.rawValue, slot: slot, generation: groups.generation(of: slot))
                entry.value.timer = timers.makeTimer(token: token)
            }
            timers.set(entry.value.timer, deadline: expiry)
            entry.value.isTimed = true
        }
    }

    /// Closes idle connections that a burst of requests left behind.
    mutating func trim(_ entry: Ref<GroupEntry>) {
        while let surplus = entry.value.group.nextSurplus(now: now) { closeSocket(upstreams[surplus.slot]) }
        if let expiry = entry.value.group.surplusExpiry {
            timers.set(entry.value.timer, deadline: expiry)
        } else {
            entry.value.isTimed = false
        }
    }

    private mutating func closeIdle(_ upstream: Ref<UpstreamConnection>) {
        let entry = groups[upstream.value.group]
        entry.value.group.idleClosed(slot: upstream.value.slot)
        closeSocket(upstream)
    }

    /// Ends a connection that carries no attempt any more.
    mutating func close(_ upstream: Ref<UpstreamConnection>) {
        guard upstream.value.state != .free else { return }
        if upstream.value.state == .tunneling {
            let entry = groups[upstream.value.group]
            entry.value.group.abandon(upstream.value.peer)
        }
        closeSocket(upstream)
    }

    /// Closes the socket and frees the slot. The group has been told.
    mutating func closeSocket(_ upstream: Ref<UpstreamConnection>) {
        guard upstream.value.state != .free else { return }
        upstream.value.transport.endSession()
        upstream.value.transport.close()
        free(upstream)
    }

    mutating func free(_ upstream: Ref<UpstreamConnection>) {
        upstream.value.state = .free
        upstream.value.exchange = nil
        upstream.value.tunnel = nil
        timers.cancel(upstream.value.timer)
        buffers.reclaim(&upstream.value.input)
        buffers.reclaim(&upstream.value.output)
        leavingUpstreams.append(upstream.value.slot)
    }
}
