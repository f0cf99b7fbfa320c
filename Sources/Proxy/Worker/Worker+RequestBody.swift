import Bytes
import EventLoop
import HTTP
import Upstream

extension Worker {
    /// Bytes of a request's body that wait for a slow upstream at the most.
    private static var highWater: Int { 65536 }

    /// A client's socket has news while its request is under way.
    mutating func advanceExchange(_ client: Ref<ClientConnection>) {
        guard let exchange = client.value.exchange else { return }
        if let upstream = exchange.value.upstream, upstream.value.isReadingPaused || upstream.value.hasYielded,
            client.value.output.isEmpty, client.value.isWritable
        {
            clientHasRead(client)
            upstream.value.isReadingPaused = false
            readReply(upstream)
            guard client.value.state == .exchanging, client.value.exchange == exchange else { return }
        }
        if exchange.value.awaitsForm {
            continueForm(exchange)
        } else if exchange.value.awaitsRequestBody {
            if exchange.value.upstream?.value.state == .active { pumpRequestBody(exchange) }
        } else if client.value.isPeerClosed {
            abort(client)
        }
    }

    /// Moves the request's body from the client to the upstream, as far as both allow, up to a turn's share.
    mutating func pumpRequestBody(_ exchange: Ref<Exchange>) {
        let client = exchange.value.client
        var share = Self.turnShare
        while exchange.value.awaitsRequestBody {
            guard let upstream = exchange.value.upstream, upstream.value.state == .active else { return }
            if !client.value.input.isEmpty {
                guard moveRequestBytes(client, exchange, upstream) else { return }
            }
            let isFull = upstream.value.output.readableCount >= Self.highWater
            if isFull || !exchange.value.awaitsRequestBody || !client.value.isReadable {
                if !flush(upstream) { return }
                if !exchange.value.awaitsRequestBody { break }
                // What the full output left no room for is moved before the client is waited for: it may be the body's end.
                if isFull, !client.value.input.isEmpty { continue }
                if !client.value.isReadable {
                    awaitBody(client, exchange)
                    return
                }
            }
            if share <= 0 {
                schedule(client)
                return
            }
            guard readBody(client, exchange) else { return }
            share -= client.value.input.readableCount
        }
        if let upstream = exchange.value.upstream, upstream.value.state == .active {
            if upstream.value.output.isEmpty || flush(upstream) { rearm(upstream) }
            // The reply's turn: the client's own timer rests.
            if client.value.state == .exchanging, client.value.output.isEmpty {
                timers.set(client.value.timer, deadline: .max)
            }
        }
    }

    /// Reads more of the body. False when nothing has come or the connection is gone.
    mutating func readBody(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>) -> Bool {
        if !client.value.input.hasStorage { client.value.input = buffers.take() }
        if client.value.input.writableCount == 0 { client.value.input.compact() }
        switch client.value.transport.read(into: &client.value.input, minimum: 1) {
        case .bytes(let count):
            countReceived(client, count)
            announce(client)
            if client.value.transport.isDrained, !client.value.isPeerClosed { client.value.isReadable = false }
            return bodyHasCome(client, exchange)
        case .wantsRead, .wantsWrite:
            client.value.isReadable = false
            if client.value.input.isEmpty { dropInput(client) }
            if exchange.value.awaitsForm { awaitBody(client, exchange) }
            guard let upstream = exchange.value.upstream else { return false }
            if upstream.value.output.isEmpty || flush(upstream), exchange.value.awaitsRequestBody {
                awaitBody(client, exchange)
            }
            return false
        case .endOfStream where exchange.value.isStreamed:
            endStreamedBody(client, exchange)
            return true
        case let result:
            exchange.value.refusal = .clientGone
            var reason = ""
            if case .failed(let error) = result { reason = ": " + client.value.transport.describe(error) }
            reportLoss(client, exchange, "client left in the middle of a request's body", reason)
            abort(client)
            return false
        }
    }

    /// Moves what has come into the upstream's output, framed anew. False when the request ended over it.
    private mutating func moveRequestBytes(
        _ client: Ref<ClientConnection>,
        _ exchange: Ref<Exchange>,
        _ upstream: Ref<UpstreamConnection>
    ) -> Bool {
        if !upstream.value.output.hasStorage { upstream.value.output = buffers.take() }
        exchange.value.isReplayable = false
        switch exchange.value.requestBody {
        case .length(let left):
            let count = Int(min(left, UInt64(client.value.input.readableCount)))
            upstream.value.output.append(client.value.input.readable.extracting(0..<count))
            client.value.input.consume(count)
            countBody(exchange, count)
            exchange.value.requestBody = UInt64(count) == left ? .complete : .length(left - UInt64(count))
        case .chunked:
            return moveRequestChunks(client, exchange, upstream)
        case .streamed:
            return moveStreamedBytes(client, exchange, upstream)
        case .none, .complete, .discarded:
            break
        }
        return true
    }

    private mutating func moveRequestChunks(
        _ client: Ref<ClientConnection>,
        _ exchange: Ref<Exchange>,
        _ upstream: Ref<UpstreamConnection>
    ) -> Bool {
        while !client.value.input.isEmpty, upstream.value.output.readableCount < Self.highWater {
            let event: ChunkedEvent
            do throws(BodyError) {
                event = try exchange.value.requestDecoder.decode(client.value.input.readable)
            } catch {
                counters.add(.malformedBody)
                services.log.info("body refused: \(error.reason); \(describe(exchange))")
                refuseBody(client, exchange, 400, .badRequest)
                return false
            }
            switch event {
            case .data(let range, let consumed):
                countBody(exchange, range.count)
                if exchange.value.bodyBytesRead > exchange.value.location!.value.largestBody {
                    refuseBody(client, exchange, 413, .bodyTooLarge)
                    return false
                }
                ChunkedEncoder.appendChunk(client.value.input.readable.extracting(range), to: &upstream.value.output)
                client.value.input.consume(consumed)
            case .needMore(let consumed):
                client.value.input.consume(consumed)
                return true
            case .end(let consumed, let trailers):
                if let trailers {
                    ChunkedEncoder.appendEnd(
                        trailers: client.value.input.readable.extracting(trailers),
                        to: &upstream.value.output
                    )
                } else {
                    ChunkedEncoder.appendEnd(to: &upstream.value.output)
                }
                client.value.input.consume(consumed)
                exchange.value.requestBody = .complete
                return true
            }
        }
        return true
    }

    func countBody(_ exchange: Ref<Exchange>, _ count: Int) {
        exchange.value.bodyBytesRead += UInt64(count)
        exchange.value.requestBytes += UInt64(count)
    }

    /// The body can't go on: the upstream never gets its end, the client an answer if it had none.
    mutating func refuseBody(
        _ client: Ref<ClientConnection>,
        _ exchange: Ref<Exchange>,
        _ status: Int,
        _ refusal: Refusal
    ) {
        exchange.value.refusal = refusal
        dropUpstream(exchange)
        if exchange.value.isHeadSent {
            abort(client)
            return
        }
        var reply = Reply(status)
        reply.closes = true
        respond(exchange, reply)
    }
}
