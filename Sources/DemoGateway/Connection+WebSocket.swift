import Bytes
import EventLoop
import HTTP
import Synchronization

extension Connection {
    /// Reads the next piece of a WebSocket, after writing what has become due.
    func stepWebSocket(_ now: UInt64) -> Bool {
        writeDue(now)
        guard var state = webSocket else { return false }
        if case .closing = state.stage {
            phase = .closing
            deadline = now + 5_000_000_000
            return true
        }
        let event: WebSocketEvent
        do {
            event = try state.parser.next(input.readable)
        } catch {
            closeWebSocket(error.closeCode, "protocol error")
            return true
        }
        webSocket = consume state
        switch event {
        case .needMore(let consumed):
            input.consume(consumed)
            return fill()
        case .frame(let frame, let consumed):
            input.consume(consumed)
            webSocket?.frame = frame
            frameBegan(frame)
            if frame.payloadCount == 0 { frameEnded(frame, now) }
        case .payload(let range, let offset, let endsFrame, let consumed):
            guard let frame = webSocket?.frame else { return false }
            take(range, of: frame, offset: offset)
            input.consume(consumed)
            if endsFrame { frameEnded(frame, now) }
        }
        return true
    }

    private var isOpen: Bool {
        if case .open = webSocket?.stage { return true }
        return false
    }

    private func frameBegan(_ frame: WebSocketFrame) {
        if frame.opcode.isControl {
            webSocket?.control = []
        } else if isOpen {
            webSocket?.isInMessage = true
            WebSocketFrame(opcode: frame.opcode, isFinal: frame.isFinal, payloadCount: frame.payloadCount).append(
                to: &output
            )
        }
    }

    /// Unmasks payload into where it belongs.
    private func take(_ range: Range<Int>, of frame: WebSocketFrame, offset: UInt64) {
        if !frame.opcode.isControl, isOpen {
            Self.appendUnmasked(input, range.count, frame.mask, offset, to: &output)
            return
        }
        var copy = ByteBuffer(capacity: max(range.count, 1))
        Self.appendUnmasked(input, range.count, frame.mask, offset, to: &copy)
        if frame.opcode.isControl {
            webSocket?.control.append(contentsOf: copy.readable.array)
        } else {
            webSocket?.handshake.append(contentsOf: copy.readable.array)
        }
    }

    /// Appends the first `count` readable bytes of `input`, which stand `offset` bytes into a payload.
    private static func appendUnmasked(
        _ input: borrowing ByteBuffer,
        _ count: Int,
        _ mask: WebSocketMask?,
        _ offset: UInt64,
        to output: inout ByteBuffer
    ) {
        _ = unsafe output.withWritable(minimum: count) { memory -> Int in
            let target = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
            unsafe input.withReadable { unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            if let mask {
                var span = unsafe MutableSpan<UInt8>(_unsafeElements: target.assumingMemoryBound(to: UInt8.self))
                mask.apply(to: &span, offset: offset)
            }
            return count
        }
    }

    private func frameEnded(_ frame: WebSocketFrame, _ now: UInt64) {
        webSocket?.frame = nil
        switch frame.opcode {
        case .text, .continuation, .binary:
            if frame.isFinal {
                webSocket?.isInMessage = false
                connectReceived(now)
            }
        case .ping:
            let payload = webSocket?.control ?? []
            WebSocketFrame(opcode: .pong, payloadCount: UInt64(payload.count)).append(to: &output)
            output.append(payload)
        case .pong:
            webSocket?.unansweredSince = nil
        case .close:
            let payload = webSocket?.control ?? []
            if let code = try? WebSocketCloseCode.parse(payload.span) {
                closeWebSocket(code, "")
            } else {
                closeWebSocket(payload.isEmpty ? WebSocketCloseCode.normal : WebSocketCloseCode.protocolError, "")
            }
        }
    }

    // MARK: Writing

    /// Sends a message of our own. Only between messages.
    func sendText(_ value: some Encodable) {
        let bytes = JSON.encode(value)
        WebSocketFrame(opcode: .text, payloadCount: UInt64(bytes.count)).append(to: &output)
        output.append(bytes)
    }

    /// Sends a close frame; the connection closes once it is out.
    func closeWebSocket(_ code: UInt16, _ reason: StaticString) {
        if case .closing = webSocket?.stage { return }
        WebSocketFrame.appendClose(code, reason, to: &output)
        webSocket?.stage = .closing
    }

    func webSocketTimerFired(_ now: UInt64) {
        guard var state = webSocket else { return }
        if let since = state.unansweredSince, since + options.pongTimeout <= now {
            counters.unanswered.add(1, ordering: .relaxed)
            phase = .closed
            return
        }
        if case .awaitsConnect(_, let deadline) = state.stage, deadline <= now {
            closeWebSocket(WebSocketCloseCode.policyViolation, "connect timeout")
            return
        }
        // One that could not be sent in its time is sent once, not as often as it was missed.
        if let tick = state.nextTick, tick <= now {
            state.tickIsDue = true
            state.nextTick = now + options.tickInterval
        }
        if state.nextPing <= now {
            state.pingIsDue = true
            state.nextPing = now + options.pingInterval
        }
        webSocket = state
    }

    /// Writes a ping between frames and a tick between messages, as they have become due.
    private func writeDue(_ now: UInt64) {
        guard let state = webSocket, state.frame == nil else { return }
        if state.pingIsDue {
            WebSocketFrame(opcode: .ping, payloadCount: 0).append(to: &output)
            webSocket?.pingIsDue = false
            webSocket?.unansweredSince = state.unansweredSince ?? now
        }
        if state.tickIsDue, !state.isInMessage {
            webSocket?.tickIsDue = false
            webSocket?.tickCount += 1
            sendText(
                WebSocketMessages.Event(
                    event: "tick",
                    payload: WebSocketMessages.Tick(ts: Clock.realtimeMilliseconds()),
                    seq: state.tickCount + 1
                )
            )
        }
    }
}
