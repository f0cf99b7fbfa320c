import Bytes
import EventLoop
import HTTP
import Upstream

extension Worker {
    /// Reads the reply and hands it on, as long as something comes and the client takes it, up to a turn's share.
    mutating func readReply(_ upstream: Ref<UpstreamConnection>) {
        var share = Self.turnShare
        upstream.value.hasYielded = false
        while upstream.value.state == .active, !upstream.value.isReadingPaused {
            guard let exchange = upstream.value.exchange else { return }
            if !upstream.value.input.isEmpty {
                if exchange.value.progress == .awaitingHead {
                    guard takeHead(upstream, exchange) else {
                        if upstream.value.state != .active || upstream.value.exchange == nil { return }
                        guard readMore(upstream, exchange) else { return }
                        continue
                    }
                    continue
                }
                guard moveBody(upstream, exchange) else { return }
                if upstream.value.input.isEmpty { continue }
            }
            if share <= 0, upstream.value.isReadable {
                upstream.value.hasYielded = true
                schedule(exchange.value.client)
                return
            }
            guard readMore(upstream, exchange) else { return }
            share -= upstream.value.input.readableCount
        }
    }

    /// Reads from the upstream. False when nothing came or the connection ended.
    private mutating func readMore(_ upstream: Ref<UpstreamConnection>, _ exchange: Ref<Exchange>) -> Bool {
        guard upstream.value.isReadable else {
            if upstream.value.input.isEmpty, upstream.value.input.hasStorage {
                buffers.reclaim(&upstream.value.input)
            }
            return false
        }
        if upstream.value.input.isEmpty, case .length(let left) = exchange.value.replyBody, left > 16 * 1024,
            exchange.value.progress == .responding
        {
            if upstream.value.input.capacity < BufferPool.wideCapacity {
                buffers.reclaim(&upstream.value.input)
                upstream.value.input = buffers.takeWide()
            }
        } else if !upstream.value.input.hasStorage {
            upstream.value.input = buffers.take()
        }
        if upstream.value.input.writableCount == 0 {
            upstream.value.input.compact()
            if upstream.value.input.writableCount == 0 { upstream.value.input.reserve(upstream.value.input.capacity) }
        }
        switch upstream.value.transport.read(into: &upstream.value.input, minimum: 1) {
        case .bytes(let count):
            if upstream.value.transport.isDrained, !upstream.value.isPeerClosed { upstream.value.isReadable = false }
            upstream.value.hasReply = true
            exchange.value.upstreamBytes &+= UInt64(count)
            if exchange.value.progress == .awaitingHead, upstream.value.headStartedAt == 0 {
                upstream.value.headStartedAt = now
            }
            rearm(upstream)
            return true
        case .wantsRead, .wantsWrite:
            upstream.value.isReadable = false
            return false
        case .endOfStream:
            upstreamEnded(upstream, exchange)
            return false
        case .failed(let error):
            upstreamFailed(upstream, UpstreamFailure(.system(error), at: stage(upstream, exchange)))
            return false
        }
    }

    private func stage(_ upstream: Ref<UpstreamConnection>, _ exchange: Ref<Exchange>) -> UpstreamFailure.Stage {
        if exchange.value.progress == .responding { return .afterHead }
        if upstream.value.hasReply { return .readingHead }
        return upstream.value.output.isEmpty ? .waitingForHead : .sendingRequest
    }

    /// The upstream ended its side.
    private mutating func upstreamEnded(_ upstream: Ref<UpstreamConnection>, _ exchange: Ref<Exchange>) {
        if exchange.value.progress == .responding, case .untilClose = exchange.value.replyBody {
            exchange.value.replyBody = .complete
            finishReply(exchange, isReusable: false)
            return
        }
        upstreamFailed(upstream, UpstreamFailure(.closedEarly, at: stage(upstream, exchange)))
    }

    // MARK: Head

    /// Takes a head from what has come. False when more is needed or the attempt ended.
    private mutating func takeHead(_ upstream: Ref<UpstreamConnection>, _ exchange: Ref<Exchange>) -> Bool {
        upstream.value.input.compact()
        let count: Int
        do throws(HeadError) {
            let parsed = try upstream.value.parser.parse(
                upstream.value.input.readable,
                answering: exchange.value.head.method,
                limits: HeadLimits(requestLine: 8192, field: 32768, total: 65536, fieldCount: 200),
                into: &exchange.value.reply
            )
            guard let parsed else { return false }
            count = parsed
        } catch {
            upstreamFailed(upstream, UpstreamFailure(.badHead(StaticText(error.reason)), at: .readingHead))
            return false
        }
        upstream.value.parser.reset()
        upstream.value.headStartedAt = 0
        let status = exchange.value.reply.status
        exchange.value.lastUpstreamStatus = status
        if status == 101 { return switchProtocols(upstream, exchange, count) }
        if status < 200 { return takeInterim(upstream, exchange, count) }
        if status < 300, exchange.value.isExtendedConnect {
            // The client would take it for an open stream.
            upstreamFailed(
                upstream,
                UpstreamFailure(.badHead("it answers an upgrade as if it were none"), at: .readingHead)
            )
            return false
        }
        exchange.value.headReceivedAt = now
        if retriesElsewhere(upstream, exchange, status) { return false }
        let entry = groups[upstream.value.group]
        entry.value.group.succeeded(upstream.value.peer)
        beginReply(upstream, exchange, count)
        return true
    }

    /// An interim reply: 100 was answered by us already, others go to clients that know them.
    private mutating func takeInterim(
        _ upstream: Ref<UpstreamConnection>,
        _ exchange: Ref<Exchange>,
        _ count: Int
    ) -> Bool {
        exchange.value.interimReplies += 1
        guard exchange.value.interimReplies <= 16 else {
            upstreamFailed(upstream, UpstreamFailure(.badHead("interim replies without end"), at: .readingHead))
            return false
        }
        let client = exchange.value.client
        if exchange.value.reply.status != 100, exchange.value.head.minorVersion == 1 {
            prepareOutput(client)
            ReplyHeadWriter.writeInterim(context(exchange), upstream.value.input.readable, to: &client.value.output)
            passInterim(client)
            _ = flush(client)
            if client.value.state == .free { return false }
        }
        upstream.value.input.consume(count)
        exchange.value.reply.reset()
        if !upstream.value.input.isEmpty { upstream.value.headStartedAt = now }
        rearm(upstream)
        return !upstream.value.input.isEmpty
    }

    /// Whether `proxy_next_upstream` sends this reply's request to another peer.
    private mutating func retriesElsewhere(
        _ upstream: Ref<UpstreamConnection>,
        _ exchange: Ref<Exchange>,
        _ status: Int
    ) -> Bool {
        guard status >= 400 else { return false }
        let attempt = RetryPolicy.Attempt(
            isReused: upstream.value.isReused,
            bytesTaken: upstream.value.bytesTaken,
            isReplayable: exchange.value.isReplayable,
            isIdempotent: exchange.value.head.method.isIdempotent,
            number: exchange.value.attempts,
            elapsed: now &- exchange.value.firstAttemptAt
        )
        guard exchange.value.location!.value.proxy!.value.retry.retries(status: status, attempt),
            groups[upstream.value.group].value.group.hasOther(than: exchange.value.tried, now: now)
        else { return false }
        let entry = groups[upstream.value.group]
        entry.value.group.failed(upstream.value.peer, status: status, now: now)
        endAttempt(upstream, exchange)
        // Nothing of its body is anybody's.
        exchange.value.upstreamHeadBytes = exchange.value.upstreamBytes
        exchange.value.upstreamBytes = 0
        upstream.value.exchange = nil
        exchange.value.upstream = nil
        closeSocket(upstream)
        attemptNext(exchange)
        return true
    }

    private mutating func beginReply(_ upstream: Ref<UpstreamConnection>, _ exchange: Ref<Exchange>, _ count: Int) {
        let client = exchange.value.client
        let proxy = exchange.value.location!.value.proxy!
        exchange.value.progress = .responding
        exchange.value.status = exchange.value.reply.status
        exchange.value.isHeadSent = true
        // Of the body alone, and of this attempt.
        let bodyBytes = UInt64(upstream.value.input.readableCount - count)
        exchange.value.upstreamHeadBytes = exchange.value.upstreamBytes &- bodyBytes
        exchange.value.upstreamBytes = bodyBytes
        let unknown: Exchange.ReplyFraming =
            exchange.value.isStream ? .stream : exchange.value.head.minorVersion == 1 ? .chunked : .untilClose
        switch exchange.value.reply.body {
        case .none: (exchange.value.replyBody, exchange.value.replyFraming) = (.complete, .none)
        case .length(let length):
            exchange.value.replyBody = length == 0 ? .complete : .length(length)
            exchange.value.replyFraming = .length
        case .chunked:
            (exchange.value.replyBody, exchange.value.replyFraming) = (.chunked, unknown)
        case .untilClose:
            (exchange.value.replyBody, exchange.value.replyFraming) = (.untilClose, unknown)
        }
        if exchange.value.replyFraming != .none, exchange.value.replyFraming != .length {
            exchange.value.isEventStream = exchange.value.reply.isEventStream(in: upstream.value.input.readable)
            if exchange.value.isEventStream {
                countEventStream()
                watch(exchange)
            }
        }
        if exchange.value.replyFraming == .untilClose || isDraining { exchange.value.keepsAlive = false }
        // A client that still sends a body nobody reads to its end can't be told where the next request begins.
        if exchange.value.awaitsRequestBody, exchange.value.reply.status >= 400 { exchange.value.keepsAlive = false }
        // Before the head is written: its fields may be made of these.
        if exchange.value.runtime!.readsReplyFields {
            exchange.value.replyBytes.clear()
            exchange.value.replyBytes.append(upstream.value.input.readable.extracting(0..<count))
        }
        prepareOutput(client)
        let before = client.value.output.readableCount
        ReplyHeadWriter.write(context(exchange), proxy, upstream.value.input.readable, to: &client.value.output)
        exchange.value.bytesSent += UInt64(client.value.output.readableCount - before)
        if exchange.value.isStream {
            let isWhole = if case .complete = exchange.value.replyBody { true } else { false }
            passHead(client, ends: isWhole)
        }
        upstream.value.input.consume(count)
        if case .complete = exchange.value.replyBody {
            finishReply(exchange, isReusable: exchange.value.reply.isKeepAlive)
        } else if upstream.value.input.isEmpty, flush(client) == false, client.value.state == .exchanging {
            upstream.value.isReadingPaused = true
        }
    }

    /// The whole reply is in the client's output.
    mutating func finishReply(_ exchange: Ref<Exchange>, isReusable: Bool) {
        let client = exchange.value.client
        if exchange.value.replyFraming == .chunked, case .untilClose = exchange.value.reply.body {
            prepareOutput(client)
            ChunkedEncoder.appendEnd(to: &client.value.output)
        }
        releaseUpstream(exchange, isReusable: isReusable && !exchange.value.awaitsRequestBody)
        finish(exchange)
    }
}
