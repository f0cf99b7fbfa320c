import Bytes
import EventLoop
import HTTP

/// HTTP/2: the streams' side. A stream is a client whose transport is the stream; what follows is where that shows.
extension Worker {
    /// A request's head has come.
    mutating func openStream(_ stream: HTTP2StreamHandle, _ parent: Ref<ClientConnection>) {
        if stream.isGone {
            // What came along with the head was wrong already.
            let violation = stream.violation ?? "it was given up"
            services.log.info("client's stream was reset: \(violation); from \(parent.value.peer)")
            counters.add(.brokenStreams)
            stream.release()
            return
        }
        guard let client = makeStream(stream, parent), let exchange = client.value.exchange else { return }
        stream.takeHead(into: &exchange.value.head, bytes: &exchange.value.headBytes)
        client.value.state = .exchanging
        counters.add(.requests(isStream: true))
        client.value.requestCount = parent.value.requestCount
        exchange.value.requestBytes = UInt64(exchange.value.headBytes.readableCount)
        switch exchange.value.head.body {
        case .none, .untilClose: exchange.value.requestBody = .complete
        case .length(let length): exchange.value.requestBody = length == 0 ? .complete : .length(length)
        case .chunked: exchange.value.requestBody = .streamed
        }
        if exchange.value.awaitsRequestBody { takeFirstBytes(client, exchange) }
        exchange.value.progress = .deciding
        decide(exchange)
    }

    /// The part of the body that came with the head; all of it, often, and then it has a length.
    private mutating func takeFirstBytes(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>) {
        client.value.isReadable = true
        guard let stream = client.value.transport.stream, stream.hasBytes || stream.isRequestComplete else { return }
        client.value.input = buffers.take()
        if stream.hasBytes { _ = client.value.transport.read(into: &client.value.input, minimum: 1) }
        guard exchange.value.isStreamed, stream.isRequestComplete, !stream.hasBytes, !stream.hasTrailers else { return }
        let count = UInt64(client.value.input.readableCount)
        exchange.value.head.setLength(count)
        exchange.value.requestBody = count == 0 ? .complete : .length(count)
    }

    /// A request's head that can't be taken: it is answered, and logged, as one of HTTP/1 is.
    mutating func refuseStream(
        _ stream: HTTP2StreamHandle,
        _ parent: Ref<ClientConnection>,
        _ error: HeadError
    ) {
        services.log.info("\(parent.value.peer) sent a request that is refused: \(error.reason)")
        guard let client = makeStream(stream, parent), let exchange = client.value.exchange else { return }
        stream.takeHead(into: &exchange.value.head, bytes: &exchange.value.headBytes)
        exchange.value.head.reset()
        client.value.state = .exchanging
        counters.add(.requests(isStream: true))
        counters.add(.malformed(error))
        exchange.value.refusal = .badRequest
        exchange.value.progress = .deciding
        assignDefaultServer(exchange)
        respond(exchange, Reply(error.status))
    }

    /// A client with an exchange for the stream; nil when there is no room, which the peer may take as "not processed".
    private mutating func makeStream(
        _ stream: HTTP2StreamHandle,
        _ parent: Ref<ClientConnection>
    ) -> Ref<ClientConnection>? {
        if parent.value.runtime !== runtime { adoptRuntime(parent) }
        guard streamCount < streamLimit, let slot = clients.allocate({ ClientConnection() }) else {
            services.log.critical("no room for another stream: \(streamLimit) are under way")
            counters.add(.refusedStreams)
            stream.reset(HTTP2Code.refusedStream)
            stream.release()
            return nil
        }
        streamCount += 1
        let client = clients[slot]
        let token = Token(kind: Kind.client.rawValue, slot: slot, generation: clients.generation(of: slot))
        client.value.open(slot: slot, token: token, parent: parent, now: now)
        client.value.transport.open(stream)
        stream.tag = token.bits
        parent.value.requestCount += 1
        if parent.value.firstStream == nil { counters.add(.busySessions) }
        client.value.nextStream = parent.value.firstStream
        parent.value.firstStream?.value.previousStream = client
        parent.value.firstStream = client
        if client.value.timer.index == .max {
            client.value.timer = timers.makeTimer(token: token)
        } else {
            timers.retarget(client.value.timer, token)
            // It may be armed for what was here before.
            if timers.isArmed(client.value.timer) { timers.set(client.value.timer, deadline: .max) }
        }
        guard begin(client) != nil else {
            stream.reset(HTTP2Code.refusedStream)
            close(client)
            return nil
        }
        return client
    }

    // MARK: Ends

    /// The whole answer is with the session: the stream ends when its frames are out.
    mutating func finishStream(_ client: Ref<ClientConnection>) {
        client.value.transport.endWriting()
        client.value.state = .lingering
        client.value.lingered = 0
        let isWhole = client.value.transport.stream?.isRequestComplete ?? true
        timers.set(client.value.timer, deadline: now &+ (isWhole ? Self.streamPatience : Self.unreadPatience))
        announce(client)
    }

    /// How long the frames of a whole reply may take to go out.
    private static var streamPatience: UInt64 { 60_000_000_000 }
    /// How long a client may go on sending a body that nobody reads, its reply being out.
    private static var unreadPatience: UInt64 { 2_000_000_000 }

    /// The wait of a stream with a whole reply is over.
    mutating func streamExpired(_ client: Ref<ClientConnection>) {
        if client.value.lingered == 0, let stream = client.value.transport.stream, !stream.isRequestComplete {
            client.value.lingered = 1
            stream.stopRequest()
            announce(client)
            timers.set(client.value.timer, deadline: now &+ Self.streamPatience)
            return
        }
        if !(client.value.transport.stream?.isReplySent ?? true) {
            services.log.info("client \(client.value.peer) took too long to read the reply of a stream")
            counters.add(.timedOut(.reply))
        }
        close(client)
    }

    /// The session is done with the stream: it is complete, or one side gave it up.
    mutating func streamClosed(_ client: Ref<ClientConnection>) {
        client.value.isPeerClosed = true
        guard client.value.state == .lingering else { return abort(client) }
        if let stream = client.value.transport.stream, let violation = stream.violation {
            // Its reply was ready, and didn't go out.
            counters.add(.brokenStreams)
            services.log.info("client's stream was reset: \(violation); from \(client.value.peer)")
        }
        close(client)
    }

    /// Says why a request ended on the client's side: what was wrong with its stream, or what it looks like.
    func reportLoss(
        _ client: Ref<ClientConnection>,
        _ exchange: Ref<Exchange>,
        _ what: StaticString,
        _ reason: String = ""
    ) {
        if let violation = client.value.transport.stream?.violation {
            counters.add(.brokenStreams)
            services.log.info("client's stream was reset: \(violation); \(describe(exchange))")
        } else {
            services.log.info("\(what); \(describe(exchange))\(reason)")
        }
    }

    /// Takes a stream out of its connection's list.
    mutating func leave(_ client: Ref<ClientConnection>) {
        guard let parent = client.value.parent else { return }
        streamCount -= 1
        if let previous = client.value.previousStream {
            previous.value.nextStream = client.value.nextStream
        } else {
            parent.value.firstStream = client.value.nextStream
        }
        client.value.nextStream?.value.previousStream = client.value.previousStream
        client.value.nextStream = nil
        client.value.previousStream = nil
        client.value.parent = nil
        if parent.value.firstStream == nil { counters.remove(.busySessions) }
        requestSend(parent)
    }

    /// Ends all streams of a connection that ends.
    mutating func closeStreams(_ client: Ref<ClientConnection>) {
        while let stream = client.value.firstStream {
            budget.takeEnding()
            abort(stream)
        }
    }

    // MARK: Heads

    /// Takes an interim reply's head out of a stream's output: HTTP/2 sends heads apart from bodies.
    mutating func passInterim(_ client: Ref<ClientConnection>) {
        guard let stream = client.value.transport.stream else { return }
        stream.submitInterim(client.value.output.readable)
        client.value.output.clear()
        announce(client)
    }

    /// Takes the head that a stream's output begins with out of it. With nothing behind it, it is the whole reply.
    mutating func passHead(_ client: Ref<ClientConnection>, count: Int) {
        passHead(client, count, ends: client.value.output.readableCount == count)
    }

    /// Takes the head that a stream's output consists of out of it.
    mutating func passHead(_ client: Ref<ClientConnection>, ends: Bool) {
        passHead(client, client.value.output.readableCount, ends: ends)
    }

    private mutating func passHead(_ client: Ref<ClientConnection>, _ count: Int, ends: Bool) {
        guard let stream = client.value.transport.stream else { return }
        stream.submitReply(client.value.output.readable.extracting(0..<count), ends: ends)
        client.value.output.consume(count)
        announce(client)
    }

    // MARK: Bodies

    /// Moves bytes of a body that ends with the stream into the upstream's output, as chunks. False when the request ended.
    mutating func moveStreamedBytes(
        _ client: Ref<ClientConnection>,
        _ exchange: Ref<Exchange>,
        _ upstream: Ref<UpstreamConnection>
    ) -> Bool {
        countBody(exchange, client.value.input.readableCount)
        if exchange.value.bodyBytesRead > exchange.value.location!.value.largestBody {
            refuseBody(client, exchange, 413, .bodyTooLarge)
            return false
        }
        ChunkedEncoder.appendChunk(client.value.input.readable, to: &upstream.value.output)
        client.value.input.clear()
        return true
    }

    /// The stream's end came: so the body has ended.
    mutating func endStreamedBody(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>) {
        if exchange.value.awaitsForm { exchange.value.requestBody = .complete }
        guard let upstream = exchange.value.upstream else { return }
        if !upstream.value.output.hasStorage { upstream.value.output = buffers.take() }
        upstream.value.output.append("0\r\n")
        client.value.transport.stream?.appendTrailers(to: &upstream.value.output)
        upstream.value.output.append("\r\n")
        exchange.value.requestBody = .complete
    }
}
