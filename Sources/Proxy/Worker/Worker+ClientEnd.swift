import Access
import Bytes
import EventLoop
import HTTP

extension Worker {
    // MARK: Time

    /// The client's timer rang: it is due in its present state, or it isn't.
    mutating func clientExpired(_ client: Ref<ClientConnection>) {
        switch client.value.state {
        case .introducing: introductionExpired(client)
        case .handshaking:
            services.log.info("client \(client.value.peer) timed out during the TLS handshake")
            counters.add(.timedOut(.tlsHandshake))
            close(client)
        case .reading:
            if !client.value.output.isEmpty {
                readerExpired(client)
            } else if client.value.headStartedAt > 0, let exchange = client.value.exchange {
                services.log.info("client \(client.value.peer) took too long to send a request's head")
                client.value.state = .exchanging
                counters.add(.timedOut(.head))
                counters.add(.requests(isStream: false))
                exchange.value.head.reset()
                keepFirstLine(client, exchange)
                exchange.value.refusal = .requestTimedOut
                assignDefaultServer(exchange)
                var reply = Reply(408)
                reply.closes = true
                respond(exchange, reply)
            } else {
                reportSilence(client)
                counters.add(.timedOut(.request))
                close(client)
            }
        case .exchanging:
            exchangeExpired(client)
        case .tunneling:
            services.log.info("client \(client.value.peer) took too long to read from its upgraded connection")
            counters.add(.timedOut(.websocket))
            forgetUnread(client)
            abort(client)
        case .multiplexing:
            sessionExpired(client)
        case .lingering, .free:
            if client.value.isStream { streamExpired(client) } else { close(client) }
        }
    }

    /// A connection that was opened and never used is somebody's doing; one that waits for its next request is everyday.
    func reportSilence(_ client: Ref<ClientConnection>) {
        guard client.value.requestCount == 0 else { return }
        if client.value.input.isEmpty {
            services.log.info("client \(client.value.peer) sent no request in time")
        } else {
            // The beginning of HTTP/2's preface, which isn't known to be one.
            services.log.info("client \(client.value.peer) took too long to send a request's head")
        }
    }

    private mutating func exchangeExpired(_ client: Ref<ClientConnection>) {
        guard let exchange = client.value.exchange else {
            close(client)
            return
        }
        if !client.value.output.isEmpty || exchange.value.upstream?.value.isReadingPaused ?? false {
            readerExpired(client)
        } else if let upstream = exchange.value.upstream, !upstream.value.output.isEmpty {
            // The upstream is slow to take the body, not the client to send it: the upstream's own timer watches.
            rearmBody(client, exchange)
        } else if exchange.value.awaitsRequestBody {
            bodyExpired(client, exchange)
        }
    }

    /// What the client left unread isn't kept by the kernel either.
    func forgetUnread(_ client: Ref<ClientConnection>) {
        if !client.value.isStream { Sockets.setResetOnClose(client.value.transport.descriptor) }
    }

    // MARK: Ends

    /// Everything is written: end our side and wait a while for the client to end its own, so that our last words arrive.
    mutating func beginLingering(_ client: Ref<ClientConnection>) {
        if client.value.isStream {
            finishStream(client)
            return
        }
        if client.value.isPeerClosed {
            client.value.transport.endSession()
            close(client)
            return
        }
        client.value.transport.endWriting()
        client.value.state = .lingering
        counters.add(.lingering)
        client.value.lingered = 0
        timers.set(client.value.timer, deadline: now &+ 5_000_000_000)
        linger(client)
    }

    /// Reads and drops what a client still sends, up to a bound.
    mutating func linger(_ client: Ref<ClientConnection>) {
        if client.value.isStream {
            if client.value.isPeerClosed { close(client) }
            return
        }
        if !client.value.input.hasStorage { client.value.input = buffers.take() }
        while client.value.isReadable {
            client.value.input.clear()
            switch client.value.transport.readPastSession(into: &client.value.input) {
            case .bytes(let count):
                counters.add(.bytesReceived, UInt64(count))
                client.value.lingered += count
                if client.value.lingered > 1 << 20 {
                    close(client)
                    return
                }
            case .wantsRead, .wantsWrite: client.value.isReadable = false
            case .endOfStream, .failed:
                close(client)
                return
            }
        }
        if client.value.state == .lingering { dropInput(client) }
    }

    /// The connection broke, or has to be broken: its request ends with it.
    mutating func abort(_ client: Ref<ClientConnection>) {
        if let upstream = client.value.tunnel { leaveTunnel(client, upstream) }
        if let exchange = client.value.exchange, exchange.value.progress != .free {
            exchange.value.keepsAlive = false
            if exchange.value.refusal == .none {
                exchange.value.refusal = .clientGone
                if !isStopping {
                    let what: StaticString =
                        client.value.isStream
                        ? "client gave the stream up before it had its reply"
                        : "client closed the connection before it had its reply"
                    reportLoss(client, exchange, what)
                }
            }
            if !exchange.value.isHeadSent { exchange.value.status = 499 }
            dropUpstream(exchange)
            end(exchange)
        }
        close(client)
    }

    /// Closes the socket and frees the slot.
    mutating func close(_ client: Ref<ClientConnection>) {
        guard client.value.state != .free else { return }
        if let exchange = client.value.exchange { release(exchange) }
        if client.value.session != nil {
            closeStreams(client)
            client.value.session = nil
        }
        if client.value.state == .reading || client.value.state == .tunneling { client.value.transport.endSession() }
        client.value.transport.close()
        countEnd(client)
        if client.value.isStream {
            leave(client)
            // The next stream in this slot sets its timer anew, which costs little while it is armed. Should it ring before,
            // its token is stale.
            free(client, cancelsTimer: false)
        } else {
            free(client)
        }
    }

    /// Frees the slot of a connection whose socket is closed.
    mutating func free(_ client: Ref<ClientConnection>, cancelsTimer: Bool = true) {
        client.value.state = .free
        client.value.exchange = nil
        client.value.runtime = nil
        client.value.groups = nil
        client.value.listener = nil
        client.value.choice = nil
        client.value.defaultServer = nil
        releaseAddress(client)
        client.value.proved.forget()
        client.value.key.forget()
        client.value.login.forget()
        client.value.device.forget()
        client.value.caller = nil
        if cancelsTimer { timers.cancel(client.value.timer) }
        dropInput(client)
        buffers.reclaim(&client.value.output)
        leavingClients.append(client.value.slot)
    }

    /// Gives the input's storage back, and what was in it.
    mutating func dropInput(_ client: Ref<ClientConnection>) {
        buffers.reclaim(&client.value.input)
    }
}
