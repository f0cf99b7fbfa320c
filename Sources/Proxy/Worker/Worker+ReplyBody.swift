import Bytes
import EventLoop
import HTTP
import Upstream

/// A reply's body on its way from the upstream's buffer to the client's.
extension Worker {
    /// Hands the body's bytes that have come to the client. False when reading must stop: the client is slow, the reply is
    /// complete, or the connection ended.
    mutating func moveBody(_ upstream: Ref<UpstreamConnection>, _ exchange: Ref<Exchange>) -> Bool {
        let client = exchange.value.client
        switch exchange.value.replyBody {
        case .length(let left):
            let available = upstream.value.input.readableCount
            let count = Int(min(UInt64(available), left))
            if !moveBytes(upstream, exchange, client, count, left) { return false }
        case .untilClose:
            moveUnframed(upstream, exchange, client)
        case .chunked:
            guard moveChunked(upstream, exchange, client) else { return false }
        case .none, .complete:
            return false
        }
        if case .complete = exchange.value.replyBody {
            finishReply(exchange, isReusable: exchange.value.reply.isKeepAlive)
            return false
        }
        if !flush(client) {
            if client.value.state == .exchanging { upstream.value.isReadingPaused = true }
            return false
        }
        return true
    }

    /// Moves bytes of a body of known length: small ones behind the head that waits, large ones straight from where they
    /// were read.
    private mutating func moveBytes(
        _ upstream: Ref<UpstreamConnection>,
        _ exchange: Ref<Exchange>,
        _ client: Ref<ClientConnection>,
        _ count: Int,
        _ left: UInt64
    ) -> Bool {
        var moved = 0
        if !client.value.output.isEmpty {
            moved = min(count, max(client.value.output.writableCount, 0))
            client.value.output.append(upstream.value.input.readable.extracting(0..<moved))
            upstream.value.input.consume(moved)
            account(exchange, moved, left)
            if moved == count { return true }
            guard flush(client) else {
                if client.value.state == .exchanging { upstream.value.isReadingPaused = true }
                return false
            }
        }
        // Nothing waits in the output: write from the input itself, but never past the body's end.
        var rest = count - moved
        if upstream.value.input.readableCount > rest {
            prepareOutput(client)
            client.value.output.append(upstream.value.input.readable.extracting(0..<rest))
            upstream.value.input.consume(rest)
            account(exchange, rest, left - UInt64(moved))
            return true
        }
        while rest > 0 {
            switch client.value.transport.write(from: &upstream.value.input) {
            case .bytes(let written):
                client.value.bytesWritten &+= UInt64(written)
                hasSent(client, written)
                account(exchange, written, left - UInt64(moved))
                moved += written
                rest -= written
            case .wantsWrite, .wantsRead:
                awaitReader(client, timeout: exchange.value.location!.value.sendTimeout)
                upstream.value.isReadingPaused = true
                return false
            case .endOfStream, .failed:
                abort(client)
                return false
            }
        }
        return true
    }

    private func account(_ exchange: Ref<Exchange>, _ count: Int, _ left: UInt64) {
        exchange.value.bodyBytesSent += UInt64(count)
        exchange.value.bytesSent += UInt64(count)
        let rest = left - UInt64(count)
        exchange.value.replyBody = rest == 0 ? .complete : .length(rest)
    }

    private mutating func moveUnframed(
        _ upstream: Ref<UpstreamConnection>,
        _ exchange: Ref<Exchange>,
        _ client: Ref<ClientConnection>
    ) {
        prepareOutput(client)
        let count = upstream.value.input.readableCount
        appendPart(exchange, upstream.value.input.readable, to: &client.value.output)
        upstream.value.input.consume(count)
    }

    /// Decodes chunks and frames their bytes anew. False when the attempt failed.
    private mutating func moveChunked(
        _ upstream: Ref<UpstreamConnection>,
        _ exchange: Ref<Exchange>,
        _ client: Ref<ClientConnection>
    ) -> Bool {
        prepareOutput(client)
        while !upstream.value.input.isEmpty {
            let event: ChunkedEvent
            do throws(BodyError) {
                event = try exchange.value.replyDecoder.decode(upstream.value.input.readable)
            } catch {
                upstreamFailed(upstream, UpstreamFailure(.badHead(StaticText(error.reason)), at: .afterHead))
                return false
            }
            switch event {
            case .data(let range, let consumed):
                appendPart(exchange, upstream.value.input.readable.extracting(range), to: &client.value.output)
                upstream.value.input.consume(consumed)
            case .needMore(let consumed):
                upstream.value.input.consume(consumed)
                return true
            case .end(let consumed, let trailers):
                if exchange.value.replyFraming == .chunked {
                    let before = client.value.output.readableCount
                    if let trailers {
                        ChunkedEncoder.appendEnd(
                            trailers: upstream.value.input.readable.extracting(trailers),
                            to: &client.value.output
                        )
                    } else {
                        ChunkedEncoder.appendEnd(to: &client.value.output)
                    }
                    exchange.value.bytesSent += UInt64(client.value.output.readableCount - before)
                } else if exchange.value.replyFraming == .stream, let trailers {
                    client.value.transport.stream?.keepTrailers(upstream.value.input.readable.extracting(trailers))
                }
                upstream.value.input.consume(consumed)
                exchange.value.replyBody = .complete
                return true
            }
        }
        return true
    }

    private func appendPart(_ exchange: Ref<Exchange>, _ bytes: borrowing Span<UInt8>, to output: inout ByteBuffer) {
        let before = output.readableCount
        if exchange.value.replyFraming == .chunked {
            ChunkedEncoder.appendChunk(bytes, to: &output)
        } else {
            output.append(bytes)
        }
        exchange.value.bodyBytesSent += UInt64(bytes.count)
        exchange.value.bytesSent += UInt64(output.readableCount - before)
    }
}
