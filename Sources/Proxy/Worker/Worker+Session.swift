import Bytes
import EventLoop
import HTTP

/// HTTP/2: the connection's side. Frames go in and out here; each stream is a client of its own.
extension Worker {
    /// Speaks HTTP/2 with this client from here on. What has come already is the protocol's first bytes.
    mutating func beginSession(_ client: Ref<ClientConnection>) {
        client.value.session = HTTP2Session(http2, settings: HTTP2Settings(settings(of: client)), now: now)
        client.value.state = .multiplexing
        counters.add(.sessions)
        client.value.idleSince = client.value.acceptedAt
        client.value.headStartedAt = 0
        if isDraining { client.value.session?.shutdown() }
        requestSend(client)
        if !client.value.input.isEmpty, !takeFrames(client) { return }
        multiplex(client)
    }

    /// Whether a client's first bytes on a socket without TLS are those of HTTP/2 (RFC 9113, section 3.3).
    enum PriorKnowledge { case no, unclear, yes, later }

    /// Begins HTTP/2 if the client's first bytes are its preface.
    mutating func priorKnowledge(_ client: Ref<ClientConnection>) -> PriorKnowledge {
        let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        let count = min(client.value.input.readableCount, preface.utf8CodeUnitCount)
        guard client.value.input.readable.extracting(0..<count).isPrefix(of: preface) else { return .no }
        if count < preface.utf8CodeUnitCount { return .unclear }
        guard budget.takeHandshake(isNew: !isRunningReady) else {
            schedule(client)
            return .later
        }
        beginSession(client)
        return .yes
    }

    /// Reads frames, as long as some come and what they ask for is taken.
    mutating func multiplex(_ client: Ref<ClientConnection>) {
        var share = Self.turnShare
        if client.value.session?.hasEvents ?? false { handleEvents(client) }
        if takesFrames(client), !client.value.input.isEmpty {
            guard takeFrames(client) else { return }
        }
        while takesFrames(client), client.value.input.isEmpty, client.value.isReadable {
            if share <= 0 {
                schedule(client)
                break
            }
            if !client.value.input.hasStorage { client.value.input = buffers.take() }
            switch client.value.transport.read(into: &client.value.input, minimum: 1) {
            case .bytes(let count):
                share -= count
                counters.add(.bytesReceived, UInt64(count))
                if client.value.transport.isDrained, !client.value.isPeerClosed { client.value.isReadable = false }
                guard takeFrames(client) else { return }
            case .wantsRead, .wantsWrite: client.value.isReadable = false
            case .endOfStream:
                abort(client)
                return
            case .failed(let error):
                if client.value.firstStream == nil {
                    let reason = client.value.transport.describe(error)
                    services.log.info("connection of client \(client.value.peer) broke between requests: \(reason)")
                }
                abort(client)
                return
            }
        }
        if client.value.input.hasStorage, client.value.input.isEmpty { dropInput(client) }
        if hasHadRequests(client) || !budget.hasEndings, client.value.isReadable || !client.value.input.isEmpty {
            schedule(client)
        }
        requestSend(client)
    }

    /// Whether more frames of the connection may be seen to in this turn.
    ///
    /// Not while some wait to be written: a client that sends and never reads is given no more work. Nor where many streams
    /// have ended with their connections in this turn: the next frames, or that there are none, may end more.
    private func takesFrames(_ client: Ref<ClientConnection>) -> Bool {
        client.value.state == .multiplexing && client.value.output.isEmpty
            && !(client.value.session?.hasEvents ?? false) && !hasHadRequests(client) && budget.hasEndings
    }

    /// Gives what was read to the session and does what follows, as far as it may in this turn. False when the connection
    /// is gone or is to end.
    private mutating func takeFrames(_ client: Ref<ClientConnection>) -> Bool {
        repeat {
            // One read can hold thousands of fields: of who sends heads that are refused, a few are decoded at a time.
            let limit = client.value.hasSentRefusedHead ? 2048 : Int.max
            let count = min(client.value.input.readableCount, limit)
            var failure: HTTP2Error?
            do throws(HTTP2Error) {
                try client.value.session?.receive(client.value.input.readable.extracting(0..<count), now: now)
            } catch {
                failure = error
            }
            client.value.input.consume(count)
            if let failure {
                // Requests that came along with it aren't begun any more.
                client.value.input.clear()
                fail(client, failure)
                return false
            }
            handleEvents(client)
            guard client.value.state == .multiplexing else { return false }
        } while !client.value.input.isEmpty && takesFrames(client)
        return true
    }

    /// The client broke the protocol or abused it: it is told, and the connection ends.
    private mutating func fail(_ client: Ref<ClientConnection>, _ error: HTTP2Error) {
        services.log.warning("HTTP/2 connection of client \(client.value.peer) ends: \(error.reason)")
        counters.add(.sessionEnded(error.kind))
        closeStreams(client)
        sendLast(client)
    }

    /// Writes the frames that say why the connection ends, and ends it.
    private mutating func sendLast(_ client: Ref<ClientConnection>) {
        prepareOutput(client)
        try? client.value.session?.send(into: &client.value.output, limit: 16384)
        client.value.session = nil
        client.value.closesWhenFlushed = true
        if client.value.output.isEmpty { beginLingering(client) } else { _ = flush(client) }
    }

    /// Does what streams have to tell; of requests only the connection's share in a turn, for one read can bring
    /// hundreds, and each may mean a connection to an upstream.
    private mutating func handleEvents(_ client: Ref<ClientConnection>) {
        while client.value.state == .multiplexing {
            if client.value.session?.beginsRequest ?? false {
                if client.value.requestShareTurn != turn {
                    client.value.requestShareTurn = turn
                    client.value.requestShare = budget.requestShare()
                }
                if client.value.requestShare <= 0 {
                    schedule(client)
                    return
                }
                takeRequests(1, client)
            }
            guard let event = client.value.session?.nextEvent() else { return }
            if case .refused = event {
                client.value.hasSentRefusedHead = true
                takeRequests(TurnBudget.refusal, client)
            }
            handle(event, client)
        }
    }

    /// Whether the connection has begun as many requests in this turn as it may: the next frames are read in another.
    private func hasHadRequests(_ client: Ref<ClientConnection>) -> Bool {
        client.value.requestShareTurn == turn && client.value.requestShare <= 0
    }

    /// Counts what a connection's request costs this turn of the loop.
    mutating func takeRequests(_ count: Int, _ client: Ref<ClientConnection>) {
        budget.takeRequests(count)
        client.value.requestShare -= count
    }

    private mutating func handle(_ event: HTTP2Event, _ client: Ref<ClientConnection>) {
        switch event {
        case .request(let stream): openStream(stream, client)
        case .refused(let stream, let error): refuseStream(stream, client, error)
        case .readable(let stream):
            guard let owner = owner(of: stream) else { return }
            owner.value.isReadable = true
            advance(owner)
        case .writable(let stream):
            guard let owner = owner(of: stream) else { return }
            owner.value.isWritable = true
            advance(owner)
        case .reset(let stream, _):
            guard let owner = owner(of: stream) else { return }
            streamClosed(owner)
        }
    }

    /// The client that stands for the stream; nil when it has ended.
    private func owner(of stream: HTTP2StreamHandle) -> Ref<ClientConnection>? {
        let token = Token(bits: stream.tag)
        guard stream.tag != 0, clients.isCurrent(token.slot, generation: token.generation) else { return nil }
        return clients[token.slot]
    }

    // MARK: Sending

    /// A stream has something to send, or room to tell of: its connection's frames are written at the end of the turn.
    mutating func announce(_ client: Ref<ClientConnection>) {
        if let parent = client.value.parent { requestSend(parent) }
    }

    mutating func requestSend(_ client: Ref<ClientConnection>) {
        if client.value.isSendPending || client.value.session == nil { return }
        client.value.isSendPending = true
        sending.append(client.value.slot)
    }

    /// Writes the frames of all connections that have some.
    mutating func sendSessions() {
        // Sending may ask for more of the same; what isn't done then waits for its turn.
        var position = 0
        while position < sending.count {
            let client = clients[sending[position]]
            position += 1
            client.value.isSendPending = false
            if client.value.state == .multiplexing, client.value.yieldedInTurn != turn { sendFrames(client) }
        }
        sending.removeAll()
    }

    /// Writes frames until there are none, the socket takes no more, or the connection has had its share of the turn.
    private mutating func sendFrames(_ client: Ref<ClientConnection>) {
        var share = Self.turnShare
        while client.value.state == .multiplexing {
            if !client.value.output.isEmpty {
                guard client.value.isWritable, flush(client) else { break }
            }
            guard client.value.session?.wantsWrite ?? false else { break }
            if share <= 0 {
                client.value.yieldedInTurn = turn
                schedule(client)
                break
            }
            prepareOutput(client)
            do throws(HTTP2Error) {
                try client.value.session?.send(into: &client.value.output, limit: 16384)
                share -= client.value.output.readableCount
            } catch {
                fail(client, error)
                return
            }
            // What the codec itself found wrong shows in the frames that say so.
            if let failure = client.value.session?.failure {
                fail(client, failure)
                return
            }
            // Streams with room again fill their buffers before the next round.
            handleEvents(client)
            if client.value.output.isEmpty { break }
        }
        guard client.value.state == .multiplexing else { return }
        if client.value.output.isEmpty {
            if client.value.output.hasStorage { buffers.reclaim(&client.value.output) }
            if client.value.session?.isFinished ?? true {
                beginLingering(client)
                return
            }
        }
        setSessionTimer(client)
    }

    // MARK: Time

    /// How long a client that was asked to open no more streams here may have some on their way.
    private static var noticeTime: UInt64 { 1_000_000_000 }

    /// The wait that the connection as a whole is in. Streams have their own.
    private mutating func setSessionTimer(_ client: Ref<ClientConnection>) {
        let settings = settings(of: client)
        if client.value.session?.isReceivingHead ?? false {
            if client.value.headStartedAt == 0 { client.value.headStartedAt = now }
        } else {
            client.value.headStartedAt = 0
        }
        if client.value.firstStream != nil {
            client.value.idleSince = 0
        } else if client.value.idleSince == 0 {
            client.value.idleSince = now
        }
        // A write that waits has set it.
        if !client.value.output.isEmpty { return }
        var deadline = UInt64.max
        let isEnding = client.value.session?.isShuttingDown ?? false
        if client.value.headStartedAt > 0 {
            deadline = client.value.headStartedAt &+ settings.headerTimeout
        } else if client.value.idleSince > 0 {
            let wait = client.value.requestCount == 0 ? settings.headerTimeout : settings.keepaliveTimeout
            deadline = client.value.idleSince &+ (isEnding ? min(wait, Self.noticeTime) : wait)
        } else if isEnding, client.value.session?.takesStreams ?? false {
            if client.value.noticedAt == 0 { client.value.noticedAt = now }
            deadline = client.value.noticedAt &+ Self.noticeTime
        }
        timers.set(client.value.timer, deadline: deadline)
    }

    /// The connection's timer rang.
    mutating func sessionExpired(_ client: Ref<ClientConnection>) {
        if !client.value.output.isEmpty {
            readerExpired(client)
            return
        }
        if client.value.headStartedAt > 0 {
            services.log.info("client \(client.value.peer) took too long to send a request's head")
            counters.add(.timedOut(.head))
            client.value.session?.terminate(HTTP2Code.enhanceYourCalm)
        } else if client.value.firstStream != nil {
            // Whatever was on its way when it was asked has come: the streams that run are the last.
            client.value.session?.shutdown()
            requestSend(client)
            return
        } else {
            if !(client.value.session?.isShuttingDown ?? false) { reportSilence(client) }
            counters.add(.timedOut(.request))
            client.value.session?.terminate(HTTP2Code.noError)
        }
        closeStreams(client)
        sendLast(client)
    }

    /// Takes no more streams and ends when the last has.
    mutating func drainSession(_ client: Ref<ClientConnection>) {
        client.value.session?.shutdown()
        requestSend(client)
    }
}

extension HTTP2Settings {
    /// What a server's connections are given and held to.
    init(_ client: ClientSettings) {
        self.init()
        maxConcurrentStreams = UInt32(client.http2.streams)
        chunkSize = client.http2.chunk
        streamWindow = UInt32(client.http2.window)
        limits = client.headLimits
        maxRequests = client.keepaliveRequests
    }
}

extension ClientSettings {
    /// Bounds of a request's head.
    var headLimits: HeadLimits {
        HeadLimits(requestLine: largestField, field: largestField, total: largestHead, fieldCount: fieldCount)
    }
}

extension Span where Element == UInt8 {
    /// Whether the bytes are the beginning of `text`.
    func isPrefix(of text: StaticString) -> Bool {
        guard count <= text.utf8CodeUnitCount else { return false }
        for index in 0..<count where unsafe self[index] != text.utf8Start[index] { return false }
        return true
    }
}
