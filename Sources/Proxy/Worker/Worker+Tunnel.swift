import Bytes
import EventLoop
import HTTP
import Upstream

extension Worker {
    /// The upstream agreed to switch protocols. False always: no reply's body follows on this path.
    mutating func switchProtocols(
        _ upstream: Ref<UpstreamConnection>,
        _ exchange: Ref<Exchange>,
        _ count: Int
    ) -> Bool {
        guard exchange.value.passesUpgrade, exchange.value.reply.upgrade == .webSocket else {
            upstreamFailed(
                upstream,
                UpstreamFailure(.badHead("it switches protocols though nobody asked"), at: .readingHead)
            )
            return false
        }
        if exchange.value.isStream, !UpgradeKey.isAccepted(exchange, upstream.value.input.readable) {
            upstreamFailed(
                upstream,
                UpstreamFailure(.badHead("it switches protocols with a wrong key"), at: .readingHead)
            )
            return false
        }
        let client = exchange.value.client
        let proxy = exchange.value.location!.value.proxy!
        exchange.value.headReceivedAt = now
        let entry = groups[upstream.value.group]
        entry.value.group.succeeded(upstream.value.peer)
        prepareOutput(client)
        let before = client.value.output.readableCount
        exchange.value.status = exchange.value.isStream ? 200 : 101
        ReplyHeadWriter.writeInterim(context(exchange), upstream.value.input.readable, to: &client.value.output)
        exchange.value.isHeadSent = true
        exchange.value.bytesSent += UInt64(client.value.output.readableCount - before)
        passHead(client, ends: false)
        upstream.value.input.consume(count)
        client.value.state = .tunneling
        countTunnel(client)
        client.value.tunnel = upstream
        upstream.value.state = .tunneling
        upstream.value.tunnel = client
        upstream.value.frames = FrameBoundary()
        upstream.value.frames.pass(upstream.value.input.readable, from: 0)
        upstream.value.exchange = nil
        exchange.value.upstream = nil
        upstream.value.tunnelTimeout = proxy.value.timesUpgraded ? proxy.value.readTimeout : 0
        timers.set(client.value.timer, deadline: .max)
        timers.set(
            upstream.value.timer,
            deadline: upstream.value.tunnelTimeout == 0 ? .max : now &+ upstream.value.tunnelTimeout
        )
        watchForDeadPeers(client, upstream)
        watch(exchange)
        // Kept for its log line and for what it counts for; for long, so no larger than it has to be.
        exchange.value.progress = .upgraded
        exchange.value.upstreamHeadBytes = exchange.value.upstreamBytes
        exchange.value.upstreamBytes = 0
        exchange.value.bytesBeforeUpgrade = client.value.bytesWritten &+ UInt64(client.value.output.readableCount)
        buffers.shrink(&exchange.value.headBytes)
        pumpTunnel(client)
        return false
    }

    /// Without a read timeout, TCP itself finds out that the other side is gone.
    private func watchForDeadPeers(_ client: Ref<ClientConnection>, _ upstream: Ref<UpstreamConnection>) {
        Sockets.setKeepAlive(client.connection.value.transport.descriptor, idle: 60, interval: 15, count: 4)
        Sockets.setKeepAlive(upstream.value.transport.descriptor, idle: 60, interval: 15, count: 4)
    }

    /// Moves bytes both ways, as far as each side takes them.
    mutating func pumpTunnel(_ client: Ref<ClientConnection>) {
        guard let upstream = client.value.tunnel else { return }
        let isDone = pumpUp(client, upstream)
        guard client.value.state == .tunneling, client.value.tunnel == upstream else { return }
        let isDoneToo = pumpDown(client, upstream)
        guard client.value.state == .tunneling else { return }
        if isDone || isDoneToo {
            endTunnel(client, upstream)
        } else if upstream.value.tunnelTimeout > 0, !upstream.value.isHalfClosed {
            timers.set(upstream.value.timer, deadline: now &+ upstream.value.tunnelTimeout)
        }
    }

    /// From the client to the upstream. True when the client has ended and everything it sent is written.
    private mutating func pumpUp(_ client: Ref<ClientConnection>, _ upstream: Ref<UpstreamConnection>) -> Bool {
        for _ in 0..<Self.turnShare / 16384 {
            while !client.value.input.isEmpty {
                guard upstream.value.isWritable else { return false }
                switch upstream.value.transport.write(from: &client.value.input) {
                case .bytes(let count): upstream.value.bytesTaken &+= count
                case .wantsWrite, .wantsRead:
                    upstream.value.isWritable = false
                    return false
                case .endOfStream: return true
                case .failed(let error):
                    reportBroken(client, "upstream", error)
                    return true
                }
            }
            guard client.value.isReadable else {
                if client.value.input.hasStorage { dropInput(client) }
                return false
            }
            if !client.value.input.hasStorage { client.value.input = buffers.take() }
            switch client.value.transport.read(into: &client.value.input, minimum: 1) {
            case .bytes(let count):
                countReceived(client, count)
                if client.value.transport.isDrained, !client.value.isPeerClosed { client.value.isReadable = false }
                announce(client)
            case .wantsRead, .wantsWrite: client.value.isReadable = false
            case .endOfStream:
                guard client.value.isStream else { return true }
                endUpward(client, upstream)
                return false
            case .failed(let error):
                reportBroken(client, "client", error)
                return true
            }
        }
        schedule(client)
        return false
    }

    /// From the upstream to the client. True when the upstream has ended and everything it sent is written.
    private mutating func pumpDown(_ client: Ref<ClientConnection>, _ upstream: Ref<UpstreamConnection>) -> Bool {
        if !client.value.output.isEmpty {
            guard client.value.isWritable, flush(client) else { return false }
        }
        for _ in 0..<Self.turnShare / 16384 {
            while !upstream.value.input.isEmpty {
                guard client.value.isWritable else { return false }
                switch client.value.transport.write(from: &upstream.value.input) {
                case .bytes(let count):
                    client.value.bytesWritten &+= UInt64(count)
                    hasSent(client, count)
                case .wantsWrite, .wantsRead:
                    client.value.isWritable = false
                    return false
                case .endOfStream: return true
                case .failed(let error):
                    reportBroken(client, "client", error)
                    return true
                }
            }
            guard upstream.value.isReadable else {
                if upstream.value.input.hasStorage {
                    buffers.reclaim(&upstream.value.input)
                }
                return false
            }
            if !upstream.value.input.hasStorage { upstream.value.input = buffers.take() }
            switch upstream.value.transport.read(into: &upstream.value.input, minimum: 1) {
            case .bytes(let count):
                let bytes = upstream.value.input.readableCount
                upstream.value.frames.pass(upstream.value.input.readable, from: bytes - count)
                upstream.value.bytesTunneled &+= UInt64(count)
                if upstream.value.transport.isDrained, !upstream.value.isPeerClosed {
                    upstream.value.isReadable = false
                }
            case .wantsRead, .wantsWrite: upstream.value.isReadable = false
            case .endOfStream: return true
            case .failed(let error):
                reportBroken(client, "upstream", error)
                return true
            }
        }
        schedule(client)
        return false
    }

    private func reportBroken(_ client: Ref<ClientConnection>, _ side: StaticString, _ error: SystemError) {
        let reason = client.value.transport.describe(error)
        services.log.info("upgraded connection of client \(client.value.peer) broke on the \(side)'s side: \(reason)")
    }

    /// A stream's client has ended its side, which is an end as TCP has it (RFC 8441, section 5): browsers do so along with
    /// the WebSocket's last message, and wait for the upstream's.
    private mutating func endUpward(_ client: Ref<ClientConnection>, _ upstream: Ref<UpstreamConnection>) {
        client.value.isReadable = false
        if upstream.value.isHalfClosed { return }
        upstream.value.isHalfClosed = true
        upstream.value.transport.endWriting()
        timers.set(upstream.value.timer, deadline: now &+ 5_000_000_000)
    }

    /// One side has ended: both do, the client after what waits for it.
    mutating func endTunnel(_ client: Ref<ClientConnection>, _ upstream: Ref<UpstreamConnection>) {
        leaveTunnel(client, upstream)
        if client.value.isPeerClosed {
            close(client)
        } else {
            beginLingering(client)
        }
    }

    /// Parts the client from the upstream, and ends the request that the upgraded connection began with.
    mutating func leaveTunnel(_ client: Ref<ClientConnection>, _ upstream: Ref<UpstreamConnection>) {
        counters.remove(.openWebSockets(isStream: client.value.isStream))
        client.value.tunnel = nil
        client.value.caller = nil
        if let exchange = client.value.exchange {
            let before = exchange.value.bytesBeforeUpgrade
            // Some of the head itself may not have gone out.
            let sent = client.value.bytesWritten > before ? client.value.bytesWritten - before : 0
            exchange.value.bytesSent += sent
            exchange.value.bodyBytesSent += sent
            exchange.value.upstreamHeadBytes += upstream.value.bytesTunneled
            endAttempt(upstream, exchange)
            end(exchange)
        }
        close(upstream)
    }
}
