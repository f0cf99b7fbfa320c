import Bytes
import EventLoop
import HTTP

/// How a client that is waited for moves on: `send_min_rate` for what it reads, `client_min_rate` for the body it sends.
///
/// A wait is counted only while the client is the one that holds things up, and looked at when a timer is set or rings: a
/// request that waits for nobody costs nothing.
struct ClientProgress: BitwiseCopyable {
    /// Since when the client is waited for; 0 when it isn't.
    private(set) var since: UInt64 = 0
    /// Nanoseconds of earlier waits in this window.
    private var waited: UInt64 = 0
    /// Bytes that had gone over when the window began.
    private var baseline: UInt64 = 0
    /// When the wait for any byte at all is over.
    var timeoutAt: UInt64 = .max

    /// The client is waited for from now on, or still is. `bytes` went over so far, which is asked only for a new window.
    mutating func wait(now: UInt64, bytes: @autoclosure () -> UInt64) {
        guard since == 0 else { return }
        if waited == 0 { baseline = bytes() }
        since = now
    }

    /// The client has done its part for now.
    mutating func stop(now: UInt64) {
        guard since != 0 else { return }
        waited &+= now &- since
        since = 0
    }

    /// What is waited for a whole window is held against the rate, and the next window begins.
    ///
    /// Answers with the bytes per second that are too few, or nil.
    mutating func check(_ rate: MinimumRate, now: UInt64, bytes: @autoclosure () -> UInt64) -> UInt64? {
        let total = waited &+ (since == 0 ? 0 : now &- since)
        guard rate.isOn, total >= rate.window, total > 0 else { return nil }
        let bytes = bytes()
        let moved = bytes &- baseline
        if rate.isMissed(bytes: moved, in: total) { return moved / max(total / 1_000_000_000, 1) }
        baseline = bytes
        waited = 0
        if since != 0 { since = now }
        return nil
    }

    /// When to look again.
    func deadline(_ rate: MinimumRate) -> UInt64 {
        guard rate.isOn, since != 0 else { return timeoutAt }
        return min(timeoutAt, since &+ (rate.window &- min(waited, rate.window)))
    }
}

extension Worker {
    // MARK: Reading a reply

    /// The socket takes no more: the client has to read first.
    mutating func awaitReader(_ client: Ref<ClientConnection>, timeout: UInt64) {
        client.value.isWritable = false
        client.value.reading.timeoutAt = now &+ timeout
        let rate = sendRate(client)
        if rate.isOn { client.value.reading.wait(now: now, bytes: bytesRead(client)) }
        timers.set(client.value.timer, deadline: client.value.reading.deadline(rate))
    }

    /// What waited has gone over.
    func clientHasRead(_ client: Ref<ClientConnection>) { client.value.reading.stop(now: now) }

    /// The client's time to read is over, or a window of it.
    mutating func readerExpired(_ client: Ref<ClientConnection>) {
        let rate = sendRate(client)
        if client.value.reading.since != 0,
            let slow = client.value.reading.check(rate, now: now, bytes: bytesRead(client))
        {
            client.value.exchange?.value.refusal = .clientTooSlow
            counters.add(.tooSlow(.reply))
            services.log.info(
                "client \(client.value.peer) reads the reply at \(slow) bytes a second, slower than send_min_rate"
            )
        } else if now < client.value.reading.timeoutAt {
            timers.set(client.value.timer, deadline: client.value.reading.deadline(rate))
            return
        } else {
            client.value.exchange?.value.refusal = .clientGone
            counters.add(.timedOut(.reply))
            services.log.info("client \(client.value.peer) took too long to read the reply")
        }
        forgetUnread(client)
        abort(client)
    }

    private func sendRate(_ client: Ref<ClientConnection>) -> MinimumRate {
        if isExempt(client) { return MinimumRate() }
        guard let exchange = client.value.exchange else {
            // The end of a reply whose request is over.
            return client.value.defaultServer?.value.root.value.sendRate ?? MinimumRate()
        }
        return exchange.value.location?.value.sendRate ?? MinimumRate()
    }

    /// Whether it may take its time: an upgraded connection, an event stream, or an HTTP/2 connection that has one of both.
    private func isExempt(_ client: Ref<ClientConnection>) -> Bool {
        if client.value.state == .tunneling { return true }
        if let exchange = client.value.exchange { return exchange.value.isEventStream }
        var next = client.value.firstStream
        while let stream = next {
            if stream.value.state == .tunneling || stream.value.exchange?.value.isEventStream ?? false { return true }
            next = stream.value.nextStream
        }
        return false
    }

    /// Bytes that have reached the client's machine. What the kernel took from us may wait there for minutes.
    private func bytesRead(_ client: Ref<ClientConnection>) -> UInt64 {
        Sockets.acknowledgedBytes(client.value.transport.descriptor) ?? client.value.bytesWritten
    }

    // MARK: Sending a body

    /// Gives the client its time to send more of a body.
    mutating func rearmBody(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>) {
        guard let location = exchange.value.location else { return }
        exchange.value.sending.timeoutAt = now &+ location.value.bodyTimeout
        timers.set(client.value.timer, deadline: exchange.value.sending.deadline(location.value.bodyRate))
    }

    /// The upstream could take more of the body, but nothing has come.
    mutating func awaitBody(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>) {
        guard let rate = exchange.value.location?.value.bodyRate, rate.isOn, exchange.value.sending.since == 0 else {
            return
        }
        exchange.value.sending.wait(now: now, bytes: exchange.value.bodyBytesRead)
        timers.set(client.value.timer, deadline: exchange.value.sending.deadline(rate))
    }

    /// More of a body has come. False when it came too slowly and the request is over.
    mutating func bodyHasCome(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>) -> Bool {
        guard let rate = exchange.value.location?.value.bodyRate else { return true }
        exchange.value.sending.stop(now: now)
        let bytes = exchange.value.bodyBytesRead &+ UInt64(client.value.input.readableCount)
        if let slow = exchange.value.sending.check(rate, now: now, bytes: bytes) {
            refuseSlowBody(client, exchange, slow)
            return false
        }
        rearmBody(client, exchange)
        return true
    }

    /// The client's time to send more of a body is over, or a window of it.
    mutating func bodyExpired(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>) {
        let rate = exchange.value.location?.value.bodyRate ?? MinimumRate()
        if exchange.value.sending.since != 0,
            let slow = exchange.value.sending.check(rate, now: now, bytes: exchange.value.bodyBytesRead)
        {
            refuseSlowBody(client, exchange, slow)
        } else if now < exchange.value.sending.timeoutAt {
            timers.set(client.value.timer, deadline: exchange.value.sending.deadline(rate))
        } else {
            services.log.info("client \(client.value.peer) took too long to send a request's body")
            counters.add(.timedOut(.body))
            refuseBody(client, exchange, 408, .requestTimedOut)
        }
    }

    private mutating func refuseSlowBody(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>, _ slow: UInt64) {
        services.log.info(
            "client \(client.value.peer) sends a request's body at \(slow) bytes a second, slower than client_min_rate"
        )
        counters.add(.tooSlow(.body))
        refuseBody(client, exchange, 408, .clientTooSlow)
    }
}
