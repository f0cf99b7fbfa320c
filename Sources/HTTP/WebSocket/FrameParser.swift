/// Why a WebSocket peer is cut off.
package enum WebSocketError: Error, Sendable, Equatable {
    case reservedBits, unknownOpcode, maskExpected, maskForbidden, overlongLength, fragmentedControl, controlTooLong
    case continuationExpected, continuationUnexpected, messageTooBig, malformedClose, invalidUTF8

    /// The code to close with.
    package var closeCode: UInt16 {
        switch self {
        case .messageTooBig: WebSocketCloseCode.messageTooBig
        case .invalidUTF8: WebSocketCloseCode.invalidPayload
        default: WebSocketCloseCode.protocolError
        }
    }
}

/// What a peer's bytes hold next. `consumed` bytes of the input are done with.
package enum WebSocketEvent: Sendable, Equatable {
    /// More input is needed; the unconsumed bytes, fewer than 14, must come again with more after them.
    case needMore(consumed: Int)
    /// A frame starts. A frame without payload is followed by no `payload`.
    case frame(WebSocketFrame, consumed: Int)
    /// Payload of the current frame at `range` of the input, still masked; it stands `offset` bytes into the payload.
    case payload(range: Range<Int>, offset: UInt64, endsFrame: Bool, consumed: Int)
}

/// Reads WebSocket frames (RFC 6455, section 5) and minds their order; payloads are handed on as they come.
///
///     start ─▶ (frame without payload) ─▶ start
///       └────▶ payload ──last byte──▶ start
package struct WebSocketFrameParser: Sendable {
    /// Whose frames are read.
    package enum Peer: Sendable {
        /// Frames must be masked.
        case client
        /// Frames must not be masked.
        case server
    }

    private let peer: Peer
    /// Bytes of a message, all its fragments together, that are accepted.
    package var maximumMessage: UInt64
    private var current: WebSocketFrame?
    private var offset: UInt64 = 0
    /// Bytes of the unfinished message's frames so far; nil between messages.
    private var messageCount: UInt64?

    package init(peer: Peer, maximumMessage: UInt64 = 26_214_400) {
        self.peer = peer
        self.maximumMessage = maximumMessage
    }

    /// Reads on in `bytes`, which go on where the last event's `consumed` left off.
    package mutating func next(_ bytes: borrowing Span<UInt8>) throws(WebSocketError) -> WebSocketEvent {
        guard let frame = current else { return try nextFrame(bytes) }
        let rest = frame.payloadCount - offset
        if bytes.isEmpty { return .needMore(consumed: 0) }
        let count = rest < UInt64(bytes.count) ? Int(rest) : bytes.count
        let start = offset
        offset += UInt64(count)
        let endsFrame = offset == frame.payloadCount
        if endsFrame { current = nil }
        return .payload(range: 0..<count, offset: start, endsFrame: endsFrame, consumed: count)
    }

    private mutating func nextFrame(_ bytes: borrowing Span<UInt8>) throws(WebSocketError) -> WebSocketEvent {
        guard bytes.count >= 2 else { return .needMore(consumed: 0) }
        let first = bytes[0]
        let second = bytes[1]
        if first & 0x70 != 0 { throw .reservedBits }
        guard let opcode = WebSocketOpcode(rawValue: first & 0x0F) else { throw .unknownOpcode }
        let isFinal = first & 0x80 != 0
        let isMasked = second & 0x80 != 0
        switch peer {
        case .client: if !isMasked { throw .maskExpected }
        case .server: if isMasked { throw .maskForbidden }
        }
        let short = second & 0x7F
        if opcode.isControl {
            if !isFinal { throw .fragmentedControl }
            if short > 125 { throw .controlTooLong }
        } else if opcode == .continuation {
            if messageCount == nil { throw .continuationUnexpected }
        } else if messageCount != nil {
            throw .continuationExpected
        }
        let lengthCount = short == 127 ? 8 : short == 126 ? 2 : 0
        let total = 2 + lengthCount + (isMasked ? 4 : 0)
        guard bytes.count >= total else { return .needMore(consumed: 0) }
        var count = UInt64(short)
        if lengthCount > 0 {
            count = 0
            for index in 2..<(2 + lengthCount) { count = count << 8 | UInt64(bytes[index]) }
            guard count >= (lengthCount == 2 ? 126 : 65536), count < 1 << 63 else { throw .overlongLength }
        }
        if !opcode.isControl {
            // Neither term passes 2^63, so the sum can't overflow.
            let message = (messageCount ?? 0) + count
            if message > maximumMessage { throw .messageTooBig }
            messageCount = isFinal ? nil : message
        }
        var mask: WebSocketMask?
        if isMasked {
            var key: UInt32 = 0
            for index in 0..<4 { key |= UInt32(bytes[total - 4 + index]) << UInt32(8 * index) }
            mask = WebSocketMask(key: key)
        }
        let frame = WebSocketFrame(opcode: opcode, isFinal: isFinal, mask: mask, payloadCount: count)
        if count > 0 {
            current = frame
            offset = 0
        }
        return .frame(frame, consumed: total)
    }
}
